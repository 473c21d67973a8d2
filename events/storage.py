"""What the log takes on disk, by day and by subject, and what it will take if the next weeks are as the last.

Sizes are PostgreSQL's own. How they divide among subjects is estimated from a sample of each day.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import connection

from access.actor import Actor
from events.models import ColdPartition
from events.partitions import day_of, name_of
from events.search import limited
from registry.models import Subject

DAYS_AHEAD = 90
# Whole days from which the growth of a day is taken.
_GROWTH_DAYS = 7
_SAMPLED_ROWS = 2_000
_REST = "events_event_rest"
_BESIDE = {
    "quarantine": ("events_quarantinedevent",),
    "event ids": ("events_eventkey",),
    "correlations": ("events_correlationlink",),
    "dictionaries": ("events_dictionary", "events_coldpartition"),
    "exports": ("events_export", "events_exportpart"),
    "replays": ("events_replay", "events_replayitem"),
}
_PARTITIONS = """
SELECT relid::regclass::text, pg_table_size(relid), pg_indexes_size(relid), greatest(reltuples, 0)::bigint
FROM pg_partition_tree('events_event') JOIN pg_class ON pg_class.oid = relid WHERE isleaf ORDER BY 1
"""
_SAMPLE = """
SELECT event_type, count(*), sum(pg_column_size(raw) + coalesce(pg_column_size(document), 0) + 200)
FROM {} TABLESAMPLE SYSTEM (%s) REPEATABLE (1) GROUP BY event_type
"""


@dataclass(frozen=True, slots=True)
class DayStorage:
    """A daily partition; `day` is None for what no day's partition took. `events` is an estimate where it is not cold."""

    name: str
    day: date | None
    events: int
    table_bytes: int
    index_bytes: int
    cold: bool
    # How many times smaller compressing made it.
    ratio: float | None
    drops_on: date | None

    @property
    def bytes(self) -> int:
        return self.table_bytes + self.index_bytes


@dataclass(frozen=True, slots=True)
class SubjectStorage:
    """Estimated from samples."""

    name: str
    events: int
    bytes: int
    # None: as the instance says.
    retention_days: int | None


@dataclass(frozen=True, slots=True)
class Projected:
    """What the days of the log will take then."""

    day: date
    hot: int
    cold: int

    @property
    def bytes(self) -> int:
        return self.hot + self.cold


@dataclass(frozen=True, slots=True)
class Storage:
    days: tuple[DayStorage, ...]
    subjects: tuple[SubjectStorage, ...]
    # Bytes of the tables beside the log, with their indexes, by name.
    beside: dict[str, int]
    database: int
    # Of the last whole days that had events, on average.
    events_a_day: int
    bytes_a_day: int
    # Before to after over all that is compressed; None before the first.
    ratio: float | None
    raw_ratio: float | None
    retention_days: int
    longest_retention_days: int
    projection: tuple[Projected, ...]

    @property
    def log(self) -> int:
        return sum(day.bytes for day in self.days)

    @property
    def cold(self) -> int:
        return sum(day.bytes for day in self.days if day.cold)

    @property
    def indexes(self) -> int:
        return sum(day.index_bytes for day in self.days)

    @property
    def events(self) -> int:
        return sum(day.events for day in self.days)


def storage_used(*, actor: Actor, days_ahead: int = DAYS_AHEAD, today: date | None = None) -> Storage:
    """Raises Forbidden for who does not administer the instance, and QueryTooSlow."""
    actor.require_everywhere("admin")
    day = today or datetime.now(UTC).date()
    kept = dict(Subject.objects.filter(retention_days__isnull=False).values_list("name", "retention_days"))
    longest = max([settings.EVENT_RETENTION.days, *(days or 0 for days in kept.values())])
    cold = {row.name: row for row in ColdPartition.objects.filter(dictionary__isnull=False)}
    with limited():
        days = tuple(_days(cold, longest))
        subjects = _subjects(days, kept)
        beside = {name: sum(map(_size, tables)) for name, tables in _BESIDE.items()}
        database = _database_size()
    events_a_day, bytes_a_day = _growth(days, day)
    ratio = _ratio((row.bytes_before, row.bytes_after) for row in cold.values())
    return Storage(
        days=days,
        subjects=subjects,
        beside=beside,
        database=database,
        events_a_day=events_a_day,
        bytes_a_day=bytes_a_day,
        ratio=ratio,
        raw_ratio=_ratio((row.raw_before, row.raw_after) for row in cold.values()),
        retention_days=settings.EVENT_RETENTION.days,
        longest_retention_days=longest,
        projection=tuple(
            _projected(days, ahead, _Trend(day, bytes_a_day, ratio or 1.0, longest))
            for ahead in range(days_ahead + 1)
        ),
    )


def _days(cold: dict[str, ColdPartition], longest: int) -> Iterable[DayStorage]:
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        rows = cursor.fetchall()
    for name, table, indexes, estimated in rows:
        known = cold.get(name)
        day = None if name == _REST else day_of(name)
        yield DayStorage(
            name,
            day,
            known.events if known else estimated,
            table,
            indexes,
            known is not None,
            known.bytes_before / known.bytes_after if known else None,
            day and day + timedelta(days=longest + 1),
        )


def _subjects(days: Sequence[DayStorage], kept: dict[str, int | None]) -> tuple[SubjectStorage, ...]:
    """Each day's bytes, divided as a sample of its rows is."""
    events: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for day in days:
        sample = _sample(day)
        rows = sum(count for _, count, _ in sample)
        size = sum(int(length) for _, _, length in sample)
        for event_type, count, length in sample:
            events[event_type] += round(max(day.events, rows) * count / rows)
            taken[event_type] += round(day.bytes * int(length) / size)
    return tuple(
        SubjectStorage(name, events[name], size, kept.get(name)) for name, size in taken.most_common()
    )


def _sample(day: DayStorage) -> list[tuple[str, int, int]]:
    share = min(100.0, 100.0 * _SAMPLED_ROWS / day.events) if day.events else 100.0
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE.format(day.name), [share])
        found: list[tuple[str, int, int]] = cursor.fetchall()
    return found


def _size(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [table])
        return int(cursor.fetchone()[0])


def _database_size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _growth(days: Sequence[DayStorage], today: date) -> tuple[int, int]:
    """Events and bytes of a day before it is compressed."""
    names = {name_of(today - timedelta(days=ago)) for ago in range(1, _GROWTH_DAYS + 1)}
    whole = [day for day in days if day.name in names and day.events]
    if not whole:
        # The log is younger than a day.
        whole = [day for day in days if day.events]
    count = max(len(whole), 1)
    grown = sum(round(day.bytes * (day.ratio or 1)) for day in whole)
    return sum(day.events for day in whole) // count, grown // count


def _ratio(pairs: Iterable[tuple[int, int]]) -> float | None:
    before = after = 0
    for one_before, one_after in pairs:
        before, after = before + one_before, after + one_after
    return before / after if after else None


@dataclass(frozen=True, slots=True)
class _Trend:
    """What every coming day is like."""

    today: date
    bytes_a_day: int
    ratio: float
    longest: int


def _projected(days: Sequence[DayStorage], days_ahead: int, trend: _Trend) -> Projected:
    """Under the retention of now. Today counts as a whole day."""
    hot = cold = 0
    today, then = trend.today, trend.today + timedelta(days=days_ahead)
    for day in days:
        if day.day is None:
            hot += day.bytes
        elif day.day < today and (then - day.day).days <= trend.longest:
            if day.cold:
                cold += day.bytes
            elif _is_cold(then - day.day):
                cold += round(day.bytes / trend.ratio)
            else:
                hot += day.bytes
    for age in range(min(days_ahead, trend.longest) + 1):
        if _is_cold(timedelta(days=age)):
            cold += round(trend.bytes_a_day / trend.ratio)
        else:
            hot += trend.bytes_a_day
    return Projected(then, hot, cold)


def _is_cold(age: timedelta) -> bool:
    return bool(settings.EVENT_COLD_AFTER) and age > settings.EVENT_COLD_AFTER + timedelta(days=1)
