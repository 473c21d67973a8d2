"""What /metrics says of deliveries."""

from collections.abc import Iterator

from django.db.models import Count
from django.db.models.functions import Now
from prometheus_client.core import GaugeMetricFamily, Metric

from access.models import Delivery, DeliveryTarget


def deliveries() -> Iterator[Metric]:
    depth = GaugeMetricFamily("onex_queue_depth", "Work that is asked for and not done.", labels=["queue"])
    due = Delivery.objects.filter(state=Delivery.State.DUE)
    depth.add_metric(["deliveries"], due.filter(next_attempt_at__lte=Now()).count())
    depth.add_metric(["deliveries_to_be_retried"], due.filter(next_attempt_at__gt=Now()).count())
    yield depth
    ended = GaugeMetricFamily("onex_deliveries", "Deliveries that are kept, by state.", labels=["state"])
    for row in Delivery.objects.values("state").annotate(count=Count("*")).order_by("state"):
        ended.add_metric([row["state"]], row["count"])
    yield ended
    failing = GaugeMetricFamily(
        "onex_delivery_target_failures",
        "Attempts in a row that failed, of each target that fails now.",
        labels=["target"],
    )
    for target in DeliveryTarget.objects.filter(failing_since__isnull=False).order_by("name"):
        failing.add_metric([target.name], target.failures)
    yield failing
