"""`/metrics`: what monitoring reads, in the text format of Prometheus and as OpenMetrics.

Every number is read from the database when it is asked for, so that it is the same whichever process answers, and after a
restart. The layers above add theirs through settings.METRICS, dotted names of `() -> Iterable[Metric]`.
"""

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db.models import Count
from django.db.models.fields.json import KT
from django.http import HttpResponse
from django.utils.module_loading import import_string
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from rest_framework.decorators import api_view
from rest_framework.request import Request

from access.caller import caller
from registry.judge import only_looking
from registry.models import CatalogueImport, Study, Subject, Version

# A scrape that waits longer is of no use to anybody.
_STATEMENT_MILLISECONDS = 5_000


class _Everything(Collector):
    """Several sources may name one metric: Prometheus wants its series together."""

    def collect(self) -> Iterable[Metric]:
        found: dict[str, Metric] = {}
        for source in settings.METRICS:
            for metric in import_string(source)():
                if metric.name in found:
                    found[metric.name].samples += metric.samples
                else:
                    found[metric.name] = metric
        return found.values()


@extend_schema(
    operation_id="metrics_read",
    description=(
        "For Prometheus; as OpenMetrics on request. Needs `read` on every subject: labels name event types and nodes."
    ),
    responses={(200, "text/plain"): OpenApiTypes.STR},
)
@api_view(["GET"])
def metrics(request: Request) -> HttpResponse:
    caller(request).require_everywhere("read")
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    with only_looking(_STATEMENT_MILLISECONDS):
        return HttpResponse(encode(_Everything()), content_type=content_type)


def catalogue() -> Iterator[Metric]:
    """Subjects and versions with the verdict they came in with, and the catalogue's work that waits."""
    subjects = GaugeMetricFamily("onex_subjects", "Subjects with live versions.")
    subjects.add_metric([], Subject.objects.with_live_versions().count())
    yield subjects
    versions = GaugeMetricFamily(
        "onex_versions",
        "Versions, by state and by the verdict they came in with.",
        labels=["state", "verdict"],
    )
    rows = Version.objects.filter(deleted_at__isnull=True).values("state", found=KT("verdict__status"))
    for row in rows.annotate(count=Count("*")).order_by("state", "found"):
        versions.add_metric([row["state"], row["found"] or "first"], row["count"])
    yield versions
    depth = GaugeMetricFamily("onex_queue_depth", "Work that is asked for and not done.", labels=["queue"])
    depth.add_metric(["imports"], CatalogueImport.objects.running().count())
    depth.add_metric(["studies"], Study.objects.running().count())
    yield depth
