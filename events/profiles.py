"""What operations cost, from stored PERFORMANCE_PROFILE events: which there are, over time, between releases, in which frames.

All of it looks at events of a stretch of the producers' time, the newest `PROFILES_MAX_EVENTS` of it, and weights each by 1 / sample_rate.
"""
# ruff: noqa: S608 -- statements are put together from constants of this module; whatever somebody wrote is a parameter.

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from access.actor import Actor
from events.errors import InvalidQuery
from events.profile_numbers import PERCENTILES, Difference, Samples, differences
from events.query import Filters

EVENT_TYPE = "PERFORMANCE_PROFILE"
PAGE = 50
BUCKETS = 24
# Between the names of a cursor: no name has it.
_BETWEEN = "\x1f"

#: What is measured → title, unit, and where it stands in the metadata `d`.
MEASURES = {
    "duration": ("Duration", "ms", "d -> 'execution_time_ms'"),
    "cpu": ("CPU time", "ms", "d #> '{performance_profile,cpu_user_ms}'"),
    "memory": ("Memory peak", "MB", "d #> '{performance_profile,memory_peak_mb}'"),
}


def _number(path: str) -> str:
    """What stands there, if it is a number."""
    return f"CASE WHEN jsonb_typeof({path}) = 'number' THEN ({path})::float8 END"


_VALUE = {name: _number(path) for name, (*_, path) in MEASURES.items()}
_SYSTEM = "d #> '{performance_profile,cpu_system_ms}'"
_VALUE["cpu"] += f" + CASE WHEN jsonb_typeof({_SYSTEM}) = 'number' THEN ({_SYSTEM})::float8 ELSE 0 END"
# The events that are looked at; type_of_node in events/sampling_rules.py is the same cut. A document is unpacked once, for
# its metadata: each path into the whole of it would unpack it again.
_CHOSEN = """
chosen AS (
    SELECT event_id, correlation_id, occurred_at, position, 1 / sample_rate AS weight, d,
           coalesce(d ->> 'service', d ->> 'node_type',
                    nullif(regexp_replace(node_id, '-[^-]*[0-9][^-]*$', ''), ''), node_id) AS service,
           coalesce(d ->> 'operation', '') AS operation,
           coalesce(d ->> 'release', d #>> '{tags,release}', '') AS release
    FROM (SELECT event_id, correlation_id, occurred_at, position, sample_rate, node_id, document -> 'metadata' AS d
          FROM events_event
          WHERE event_type = %(type)s AND occurred_at >= %(since)s AND occurred_at < %(until)s
            AND document IS NOT NULL AND replay_id IS NULL
          ORDER BY occurred_at DESC LIMIT %(most)s) AS newest
), fitting AS (
    SELECT * FROM chosen
    WHERE (%(service)s::text IS NULL OR service = %(service)s)
      AND (%(operation)s::text IS NULL OR operation = %(operation)s)
      AND (%(release)s::text IS NULL OR release = %(release)s)
)"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which profiles are meant; None is any. An empty `release` is that of events that name none."""

    since: datetime
    until: datetime
    measure: str = "duration"
    service: str | None = None
    operation: str | None = None
    release: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Scope":
        """From a query string; the last 7 days unless it says otherwise. Raises InvalidQuery, naming the parameter."""
        times = Filters.of({name: given.get(name, "") for name in ("since", "until")})
        until = times.until or timezone.now()
        since = times.since or _week_before(until)
        if since >= until:
            raise InvalidQuery("The time begins before it ends.", parameter="since")
        measure = given.get("measure") or "duration"
        if measure not in MEASURES:
            raise InvalidQuery(f"What is measured is {', '.join(MEASURES)}.", parameter="measure")
        named = {name: given.get(name) or None for name in ("service", "operation", "release")}
        return cls(since, until, measure, **named)

    def parameters(self) -> dict[str, Any]:
        return {
            "type": EVENT_TYPE,
            "most": settings.PROFILES_MAX_EVENTS,
            "since": self.since,
            "until": self.until,
            "service": self.service,
            "operation": self.operation,
            "release": self.release,
        }


def _week_before(until: datetime) -> datetime:
    try:
        return until - timedelta(days=7)
    except OverflowError as early:
        raise InvalidQuery("'until' is too early to look back 7 days from.", parameter="until") from early


@dataclass(frozen=True, slots=True)
class Percentiles:
    """`count` profiles that stand for `happened` operations; a percentile is None where nothing was measured."""

    count: int
    happened: float
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Operation:
    service: str
    operation: str
    release: str
    numbers: Percentiles
    last: datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    at: datetime
    until: datetime
    numbers: Percentiles


@dataclass(frozen=True, slots=True)
class Comparison:
    measure: str
    old: Percentiles
    new: Percentiles
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class Frame:
    """Weighted milliseconds over all profiles that were looked at; `share` of the time in frames themselves."""

    function: str
    file: str
    self_ms: float
    total_ms: float
    profiles: int
    share: float


@dataclass(frozen=True, slots=True)
class Spent:
    """Where the time of an operation went, in milliseconds of an average one."""

    own_code: float
    collecting: float
    kernel: float
    # Neither the processor nor the kernel worked for it: other threads, locks, disks, networks.
    waiting: float

    @property
    def whole(self) -> float:
        """More than the duration where several threads worked at once."""
        return self.own_code + self.collecting + self.kernel + self.waiting


@dataclass(frozen=True, slots=True)
class Slow:
    """One event behind a number."""

    event_id: str
    correlation_id: str | None
    release: str
    at: datetime
    value: float


def list_operations(*, actor: Actor, scope: Scope, after: str = "") -> tuple[list[Operation], str | None]:
    """A page by service, operation and release, and the cursor of the next."""
    actor.require("read", EVENT_TYPE)
    names = after.split(_BETWEEN) if after else []
    if names and len(names) != 3:
        raise InvalidQuery(
            "This page's address is damaged: start again from the first page.", parameter="after"
        )
    behind = "(service, operation, release) > (%(s)s, %(o)s, %(r)s)" if names else "true"
    rows = _rows(
        f"WITH {_CHOSEN}, "
        + _ranked(
            "service, operation, release", "service, operation, release", f"fitting WHERE {behind}", scope
        )
        + "SELECT service, operation, release, max(occurred_at) AS last, "
        + f"{_SUMS} FROM ranked GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT %(page)s",
        scope,
        page=PAGE + 1,
        **dict(zip("sor", names, strict=True) if names else ()),
    )
    found = [
        Operation(row["service"], row["operation"], row["release"], _percentiles(row), row["last"])
        for row in rows
    ]
    items = found[:PAGE]
    more = len(found) > PAGE
    return items, _BETWEEN.join((items[-1].service, items[-1].operation, items[-1].release)) if more else None


def over_time(*, actor: Actor, scope: Scope) -> list[Bucket]:
    """The stretch in equal parts, without those in which nothing was measured."""
    actor.require("read", EVENT_TYPE)
    step = (scope.until - scope.since) / BUCKETS
    rows = _rows(
        f"WITH {_CHOSEN}, "
        + _ranked("part", "date_bin(%(step)s, occurred_at, %(since)s) AS part", "fitting", scope)
        + f"SELECT part, {_SUMS} FROM ranked GROUP BY 1 ORDER BY 1",
        scope,
        step=step,
    )
    return [Bucket(row["part"], row["part"] + step, _percentiles(row)) for row in rows]


def releases_of(*, actor: Actor, scope: Scope) -> list[str]:
    """Those of a service and operation, the one that was seen last first."""
    actor.require("read", EVENT_TYPE)
    rows = _rows(
        f"WITH {_CHOSEN} SELECT release FROM fitting GROUP BY 1 ORDER BY max(occurred_at) DESC LIMIT 100",
        replace(scope, release=None),
    )
    return [row["release"] for row in rows]


def compare_releases(*, actor: Actor, scope: Scope, old: str, new: str) -> list[Comparison]:
    """Each measure of two releases. What differs only by chance is said to be within noise."""
    actor.require("read", EVENT_TYPE)
    rows = _rows(
        f"WITH {_CHOSEN} SELECT release, weight, {', '.join(f'{value} AS {name}' for name, value in _VALUE.items())}"
        " FROM fitting WHERE release IN (%(old)s, %(new)s)",
        replace(scope, release=None),
        old=old,
        new=new,
    )
    found = []
    for measure in MEASURES:
        before, after = (
            Samples(
                [
                    (row[measure], row["weight"])
                    for row in rows
                    if row["release"] == name and row[measure] is not None
                ]
            )
            for name in (old, new)
        )
        found.append(Comparison(measure, _told(before), _told(after), differences(before, after)))
    return found


def top_frames(*, actor: Actor, scope: Scope, limit: int = 20) -> list[Frame]:
    """Where the time went, in the newest `PROFILES_FRAMES_FROM` profiles."""
    actor.require("read", EVENT_TYPE)
    rows = _rows(
        f"""WITH {_CHOSEN}, picked AS (
            SELECT event_id, weight, d #> '{{performance_profile,top_frames}}' AS frames FROM fitting
            WHERE jsonb_typeof(d #> '{{performance_profile,top_frames}}') = 'array'
            ORDER BY occurred_at DESC LIMIT %(some)s
        ), framed AS (
            SELECT event_id, weight, coalesce(frame ->> 'function', '?') AS function, coalesce(frame ->> 'file', '') AS file,
                   CASE WHEN jsonb_typeof(frame -> 'self_ms') = 'number' THEN (frame -> 'self_ms')::float8 ELSE 0 END AS own,
                   CASE WHEN jsonb_typeof(frame -> 'total_ms') = 'number' THEN (frame -> 'total_ms')::float8 END AS whole
            FROM picked, jsonb_array_elements(frames) AS frame
        )
        SELECT function, file, sum(own * weight) AS own, sum(coalesce(whole, own) * weight) AS whole,
               count(DISTINCT event_id) AS profiles, sum(sum(own * weight)) OVER () AS every
        FROM framed GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(limit)s""",
        scope,
        some=settings.PROFILES_FRAMES_FROM,
        limit=limit,
    )
    return [
        Frame(
            row["function"],
            row["file"],
            row["own"],
            row["whole"],
            row["profiles"],
            row["own"] / row["every"] if row["every"] else 0.0,
        )
        for row in rows
    ]


def stacks_of(*, actor: Actor, scope: Scope) -> Iterator[tuple[tuple[str, ...], float]]:
    """Whole stacks, the outermost frame first, with the weighted time in their last frame."""
    actor.require("read", EVENT_TYPE)
    rows = _rows(
        f"""WITH {_CHOSEN}, picked AS (
            SELECT weight, d -> 'stacks' AS stacks FROM fitting
            WHERE jsonb_typeof(d -> 'stacks') = 'array'
            ORDER BY occurred_at DESC LIMIT %(some)s
        )
        SELECT ARRAY(SELECT coalesce(frame, '?') FROM jsonb_array_elements_text(stack -> 'frames') WITH ORDINALITY AS listed (frame, nth) ORDER BY nth) AS frames,
               sum(CASE WHEN jsonb_typeof(stack -> 'self_ms') = 'number' THEN (stack -> 'self_ms')::float8 ELSE 0 END * weight) AS own
        FROM picked, jsonb_array_elements(stacks) AS stack
        WHERE CASE WHEN jsonb_typeof(stack -> 'frames') = 'array' THEN jsonb_array_length(stack -> 'frames') > 0 END
        GROUP BY 1 ORDER BY 2 DESC LIMIT 2000""",
        scope,
        some=settings.PROFILES_FRAMES_FROM,
    )
    return ((tuple(row["frames"]), row["own"]) for row in rows)


def time_spent(*, actor: Actor, scope: Scope) -> Spent | None:
    """Of the profiles that tell both duration and processor time; None when there are none."""
    actor.require("read", EVENT_TYPE)
    user, kernel, collecting = (
        _number(f"d #> '{{performance_profile,{path}}}'")
        for path in ("cpu_user_ms", "cpu_system_ms", "gc,pause_ms")
    )
    (row,) = _rows(
        f"""WITH {_CHOSEN}, told AS (
            SELECT weight, {_VALUE["duration"]} AS whole, {user} AS used, coalesce({kernel}, 0) AS kernel,
                   coalesce({collecting}, 0) AS collecting FROM fitting
        )
        SELECT sum(weight) AS every, sum(greatest(used - collecting, 0) * weight) AS own_code,
               sum(least(collecting, used) * weight) AS collecting, sum(kernel * weight) AS kernel,
               sum(greatest(whole - used - kernel, 0) * weight) AS waiting
        FROM told WHERE whole IS NOT NULL AND used IS NOT NULL""",
        scope,
    )
    if not row["every"]:
        return None
    return Spent(*(row[name] / row["every"] for name in ("own_code", "collecting", "kernel", "waiting")))


def slowest(*, actor: Actor, scope: Scope, limit: int = 10) -> list[Slow]:
    """The events with the highest values."""
    actor.require("read", EVENT_TYPE)
    rows = _rows(
        f"WITH {_CHOSEN}, measured AS MATERIALIZED (SELECT event_id, correlation_id, release, occurred_at AS at,"
        f" {_VALUE[scope.measure]} AS value FROM fitting) SELECT * FROM measured WHERE value IS NOT NULL"
        " ORDER BY value DESC, event_id LIMIT %(limit)s",
        scope,
        limit=limit,
    )
    return [Slow(**row) for row in rows]


_SUMS = (
    "count(value) AS count, coalesce(sum(weight) FILTER (WHERE value IS NOT NULL), 0) AS happened, "
    + ", ".join(
        f"min(value) FILTER (WHERE below >= {share} * every * (1 - 1e-12)) AS p{share * 100:.0f}"
        for share in PERCENTILES
    )
)


def _ranked(by: str, columns: str, source: str, scope: Scope) -> str:
    """Each value with the weight up to it and the weight of all, within its group."""
    return (
        # Materialized: numbers are sorted, and not the documents that they are from.
        f"measured AS MATERIALIZED (SELECT {columns}, occurred_at, position, weight, {_VALUE[scope.measure]} AS value FROM {source}), "
        "ranked AS (SELECT *, sum(CASE WHEN value IS NOT NULL THEN weight END)"
        f" OVER (PARTITION BY {by} ORDER BY value, position) AS below,"
        f" sum(CASE WHEN value IS NOT NULL THEN weight END) OVER (PARTITION BY {by}) AS every FROM measured) "
    )


def _rows(statement: str, scope: Scope, **more: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**scope.parameters(), **more})
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def _percentiles(row: Mapping[str, Any]) -> Percentiles:
    return Percentiles(row["count"], row["happened"], row["p50"], row["p95"], row["p99"])


def _told(samples: Samples) -> Percentiles:
    found: Sequence[float | None] = [samples.percentile(share) for share in PERCENTILES]
    return Percentiles(len(samples.values), samples.total, *found)
