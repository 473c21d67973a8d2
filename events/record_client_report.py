"""Keeping what a producer's process says of its events: all counts since it began, so that reports may be lost or doubled."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from psycopg.types.json import Jsonb

from access.actor import Actor
from events.meter import meter_report
from events.models import ClientReport
from events.producers import tally_of

# The later word counts; one that was overtaken on its way changes nothing.
_UPSERT = """
INSERT INTO events_clientreport
    (producer, instance, sequence, service, node_id, sdk, started_at, reported_at, counts, gauges, types)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (producer, instance) DO UPDATE SET
    sequence = EXCLUDED.sequence, service = EXCLUDED.service, node_id = EXCLUDED.node_id, sdk = EXCLUDED.sdk,
    reported_at = EXCLUDED.reported_at, counts = EXCLUDED.counts, gauges = EXCLUDED.gauges, types = EXCLUDED.types
WHERE events_clientreport.sequence < EXCLUDED.sequence
RETURNING xmax = 0
"""


@dataclass(frozen=True, slots=True)
class ReportSpec:
    instance: UUID
    sequence: int
    service: str
    node_id: str
    sdk: str
    started_at: datetime
    counts: dict[str, int]
    gauges: dict[str, int]
    types: dict[str, dict[str, int]]


def record_client_report(*, actor: Actor, spec: ReportSpec) -> bool:
    """False when a later word of the same process is there already. Raises Forbidden where nothing may be ingested."""
    actor.require("ingest")
    with transaction.atomic(), connection.cursor() as cursor:
        before = _types_before(actor, spec)
        cursor.execute(_UPSERT, _row(actor, spec))
        kept = cursor.fetchone()
        if kept is not None:
            _meter(spec, before)
        if kept is not None and kept[0]:
            _forget_beyond(actor.label)
    return kept is not None


def _types_before(actor: Actor, spec: ReportSpec) -> dict[str, dict[str, int]]:
    """What the process told last; the row is held, so that two of its words are counted one after the other."""
    rows = ClientReport.objects.filter(producer=actor.label, instance=spec.instance).select_for_update()
    return rows.values_list("types", flat=True).first() or {}


def _meter(spec: ReportSpec, before: dict[str, dict[str, int]]) -> None:
    now, then = tally_of(spec.types), tally_of(before)
    meter_report(service=spec.service, emitted=now.emitted - then.emitted, lost=now.lost - then.lost)


def _row(actor: Actor, spec: ReportSpec) -> list[Any]:
    return [
        actor.label,
        spec.instance,
        spec.sequence,
        spec.service,
        spec.node_id,
        spec.sdk,
        spec.started_at,
        datetime.now(UTC),
        Jsonb(spec.counts),
        Jsonb(spec.gauges),
        Jsonb(spec.types),
    ]


def _forget_beyond(producer: str) -> None:
    """An account that starts processes without end keeps the newest of them."""
    newest = ClientReport.objects.filter(producer=producer).order_by("-reported_at", "-pk")
    ClientReport.objects.filter(pk__in=newest.values("pk")[settings.CLIENT_REPORTS_PER_ACCOUNT :]).delete()
