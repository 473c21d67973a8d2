"""How well a run kept its time: actual minus planned, over the events that left."""

from typing import TypedDict

from django.db import connection

from events.models import Replay


class Timing(TypedDict):
    """Milliseconds; None before the first event, and at speed "max", which plans no times."""

    events: int
    late_p50_ms: float | None
    late_p99_ms: float | None
    late_max_ms: float | None


_QUERY = """
WITH lateness AS (
    SELECT extract(epoch FROM sent_at - planned_at) * 1000 AS late
    FROM events_replayitem WHERE replay_id = %s AND planned_at IS NOT NULL AND sent_at IS NOT NULL
)
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY late),
    percentile_cont(0.99) WITHIN GROUP (ORDER BY late), max(late) FROM lateness
"""


def timing_of(replay: Replay) -> Timing:
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [replay.pk])
        events, p50, p99, most = cursor.fetchone()
    return Timing(
        events=events, late_p50_ms=_rounded(p50), late_p99_ms=_rounded(p99), late_max_ms=_rounded(most)
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)
