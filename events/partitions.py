"""The log's daily partitions: made ahead, analysed when first filled, rewritten beside
themselves, and dropped whole when their time has passed."""

import time
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


def day_of(name: str) -> date:
    return datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).date()


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
    bounds = bounds_of(day)
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
    return {name: day_of(name) for name in names}


def older_than(day: date) -> list[str]:
    """Daily partitions that hold nothing received on this day or later."""
    return [name for name, its_day in existing().items() if its_day < day]


def drop(name: str) -> int:
    """Drops a daily partition, within the caller's transaction; how many events it held.

    Gives up after five seconds of waiting for readers: a drop that waits makes everybody else wait behind it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '5s'")
        cursor.execute(f"SELECT count(*) FROM {_checked(name)}")  # noqa: S608 -- checked to be one of our names
        (count,) = cursor.fetchone()
        cursor.execute(f"DROP TABLE {_checked(name)}")
    return int(count)


def analyse_new() -> list[str]:
    """Analyses partitions that were filled and never analysed: until then the planner guesses, 1,000 times slower."""
    with connection.cursor() as cursor:
        cursor.execute(_NEVER_ANALYSED, [_WORTH_ANALYSING])
        names = [name for (name,) in cursor.fetchall()]
        for name in names:
            cursor.execute(f"ANALYZE {_checked(name)}")
    return names


_WORTH_ANALYSING = 1_000
_NEVER_ANALYSED = """
SELECT relname FROM pg_stat_user_tables
WHERE relname ~ '^events_event_[0-9]{8}$' AND last_analyze IS NULL AND last_autoanalyze IS NULL
    AND n_mod_since_analyze >= %s
"""


def _checked(name: str) -> str:
    assert name.removeprefix("events_event_").isdigit()
    return name


def bounds_of(day: date) -> tuple[datetime, datetime]:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return begin, begin + timedelta(days=1)


def begin_copy(name: str) -> str:
    """An empty table like a partition, beside it, within the caller's transaction; its name.

    Nobody may change the partition until that ends, and everybody may read it.
    """
    copy, day = f"{_checked(name)}_new", day_of(name)
    begin, end = bounds_of(day)
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"CREATE TABLE {copy} (LIKE {name} INCLUDING ALL)")
        # Tells the attachment that it need not look at each row, while everybody waits for it.
        cursor.execute(
            f"ALTER TABLE {copy} ADD CONSTRAINT of_its_day CHECK (received_at >= %s AND received_at < %s)",
            [begin, end],
        )
    return copy


def put_copy(name: str) -> float:
    """Puts the copy in the place of the partition, within the caller's transaction; how many ms the log was locked for.

    Gives up with LockNotAvailable after a second of waiting for those who use the log: whoever comes later waits behind it.
    """
    copy, (begin, end) = f"{_checked(name)}_new", bounds_of(day_of(name))
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', '1s', true)")
        cursor.execute("LOCK TABLE events_event IN ACCESS EXCLUSIVE MODE")
        locked_at = time.monotonic()
        cursor.execute(f"ALTER TABLE events_event DETACH PARTITION {name}")
        cursor.execute(f"DROP TABLE {name}")
        cursor.execute(f"ALTER TABLE {copy} RENAME TO {name}")
        cursor.execute(
            f"ALTER TABLE events_event ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
            [begin.isoformat(), end.isoformat()],
        )
        cursor.execute(f"ALTER TABLE {name} DROP CONSTRAINT of_its_day")
    return (time.monotonic() - locked_at) * 1000
