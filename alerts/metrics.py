"""What /metrics says of alert rules and how far behind the log their evaluation is."""

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from alerts.auditor import missed_events
from alerts.models import Episode, Rule
from events.models import Event, LogHead


def alerts() -> Iterator[Metric]:
    rules = Rule.objects.filter(deleted_at__isnull=True)
    states = GaugeMetricFamily("onex_alert_rules", "Alert rules, by state.", labels=["state"])
    enabled = rules.filter(enabled=True)
    troubled = enabled.exclude(problem="").count()
    states.add_metric(["enabled"], enabled.count() - troubled)
    states.add_metric(["error"], troubled)
    states.add_metric(["paused"], rules.filter(enabled=False).count())
    yield states
    firing = GaugeMetricFamily("onex_alert_episodes_firing", "Episodes that fire now.", labels=["severity"])
    rows = Episode.objects.filter(state=Episode.State.FIRING).values("rule_version__severity")
    for row in rows.annotate(count=Count("*")).order_by("rule_version__severity"):
        firing.add_metric([row["rule_version__severity"]], row["count"])
    yield firing
    yield from _lag()
    yield from _missed()


def _missed() -> Iterator[Metric]:
    missed = GaugeMetricFamily(
        "onex_alert_events_missed",
        "Events that were stored and that evaluation had not read, as audits of the last 30 days found.",
    )
    missed.add_metric([], missed_events())
    yield missed


def _lag() -> Iterator[Metric]:
    head = LogHead.objects.get().position
    behind = Rule.objects.filter(deleted_at__isnull=True, enabled=True).aggregate(cursor=Min("cursor"))[
        "cursor"
    ]
    cursor = head if behind is None else min(behind, head)
    events = GaugeMetricFamily(
        "onex_alert_evaluation_lag_events", "Stored events that the slowest rule has not judged yet."
    )
    events.add_metric([], head - cursor)
    yield events
    oldest = Event.everything.filter(position=cursor + 1).values_list("received_at", flat=True).first()
    seconds = GaugeMetricFamily(
        "onex_alert_evaluation_lag_seconds", "How long the oldest of these has waited."
    )
    seconds.add_metric([], (timezone.now() - oldest).total_seconds() if oldest else 0.0)
    yield seconds
