"""The log's daily partitions: made ahead, analysed when first filled, and dropped whole when their time has passed."""

from datetime import UTC, date, datetime, timedelta
from threading import Lock

from django.db import connection, transaction

# Two processes that make the same day's partition: the second waits and finds it.
_LOCK = 7_265_002
DAYS_AHEAD = 3
_prepared: set[date] = set()
_preparing = Lock()


_MOVE = """
WITH moved AS (DELETE FROM events_event_rest WHERE received_at >= %s AND received_at < %s RETURNING *)
INSERT INTO {} SELECT * FROM moved
"""


def name_of(day: date) -> str:
    return f"events_event_{day:%Y%m%d}"


def prepare_for(day: date) -> None:
    """Makes sure that the day's partition and the next one exist; asks the database once per process and day."""
    if day in _prepared:
        return
    with _preparing:
        if day not in _prepared:
            prepare(day, days=2)
            _prepared.add(day)


def prepare(day: date | None = None, *, days: int = DAYS_AHEAD) -> list[str]:
    """Makes the partitions of `days` days from `day` (today) on that do not exist; the names of the new ones."""
    first = day or datetime.now(UTC).date()
    return [name for offset in range(days) if (name := _make(first + timedelta(days=offset)))]


def _make(day: date) -> str | None:
    """One partition, with what the default partition took for that day in the meantime moved into it."""
    name = name_of(day)
    if name in existing():
        return None
    bounds = [datetime(day.year, day.month, day.day, tzinfo=UTC)]
    bounds.append(bounds[0] + timedelta(days=1))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if name in existing():
            return None
        cursor.execute(f"CREATE TABLE {name} (LIKE events_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        # Nothing may arrive in the default partition between the move and the attachment.
        cursor.execute("LOCK TABLE events_event_rest IN ACCESS EXCLUSIVE MODE")
        cursor.execute(_MOVE.format(name), bounds)
        cursor.execute(
            f"ALTER TABLE events_event ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
            [bound.isoformat() for bound in bounds],
        )
    return name


def existing() -> dict[str, date]:
    """The daily partitions by name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relid::regclass::text FROM pg_partition_tree('events_event') WHERE isleaf ORDER BY 1"
        )
        names = [name for (name,) in cursor.fetchall() if name != "events_event_rest"]
    return {name: datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).date() for name in names}
