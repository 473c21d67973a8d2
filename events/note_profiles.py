"""Noting what PERFORMANCE_PROFILE events measured, as the statistics are counted: a short row of each, in the same transaction."""

from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from events.models import Event, Profile

EVENT_TYPE = "PERFORMANCE_PROFILE"
#: A part of jsonb as a double; null where it is no number, or none that a double holds. jsonb holds longer ones.
NUMBER = (
    "CASE WHEN jsonb_typeof({0}) = 'number' THEN CASE WHEN ({0})::numeric = 0"
    " OR abs(({0})::numeric) BETWEEN 1e-300 AND 1e300 THEN ({0})::float8 END END"
)
_MEASURED = "d #> '{{performance_profile,{}}}'"
_NAMES = {
    # type_of_node in events/sampling_rules.py is the same cut.
    "service": "coalesce(d ->> 'service', d ->> 'node_type',"
    " nullif(regexp_replace(node_id, '-[^-]*[0-9][^-]*$', ''), ''), node_id)",
    "operation": "coalesce(d ->> 'operation', '')",
    "release": "coalesce(d ->> 'release', d #>> '{tags,release}', '')",
}
_READ = {
    **{name: f"left({told}, {Profile.LONGEST_NAME})" for name, told in _NAMES.items()},
    "weight": "1 / sample_rate",
    "duration": NUMBER.format("(d -> 'execution_time_ms')"),
    "cpu": f"{NUMBER.format(_MEASURED.format('cpu_user_ms'))}"
    f" + coalesce({NUMBER.format(_MEASURED.format('cpu_system_ms'))}, 0)",
    "memory": NUMBER.format(_MEASURED.format("memory_peak_mb")),
    "framed": f"coalesce(jsonb_typeof({_MEASURED.format('top_frames')}) = 'array', false)",
    "stacked": "coalesce(jsonb_typeof(d -> 'stacks') = 'array', false)",
}
_COPIED = ("position", "received_at", "occurred_at", "event_id", "correlation_id")
_INTO = f"INSERT INTO events_profile ({', '.join([*_COPIED, *_READ])}) SELECT {', '.join([*_COPIED, *_READ.values()])} "


def note_profiles(rows: QuerySet[Event]) -> None:
    """Those among these events, within the caller's transaction; one that was noted before is not noted again."""
    profiles: QuerySet[Event, Any] = (
        rows.filter(event_type=EVENT_TYPE, document__isnull=False)
        .order_by()
        # A document is unpacked once, for its metadata: each path into the whole of it would unpack it again.
        .values(*_COPIED, "sample_rate", "node_id", d=RawSQL("document -> 'metadata'", []))
    )
    sql, parameters = profiles.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"{_INTO} FROM ({sql}) AS event ON CONFLICT (position) DO NOTHING", parameters)
