"""What operations cost, from what is noted of PERFORMANCE_PROFILE events: which there are, over time, between releases, in which frames.

All of it looks at a stretch of the producers' time, at the newest `PROFILES_MAX_EVENTS` of what was asked for in it, and weights each by
1 / sample_rate. Only frames and stacks are read from the events themselves.
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
from events.models import Profile
from events.note_profiles import EVENT_TYPE, NUMBER
from events.profile_numbers import PERCENTILES, Difference, Samples, differences
from events.query import Filters

PAGE = 50
BUCKETS = 24
# Between the names of a cursor: no name has it.
_BETWEEN = "\x1f"

#: What is measured → title and unit. A column of events.models.Profile each.
MEASURES = {"duration": ("Duration", "ms"), "cpu": ("CPU time", "ms"), "memory": ("Memory peak", "MB")}
_NAMED = ("service", "operation", "release")


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

    def newest(self, columns: str, *, also: str = "true") -> str:
        """A statement for these columns of the profiles that are meant."""
        given = [f"{name} = %({name})s" for name in _NAMED if getattr(self, name) is not None]
        return (
            f"SELECT {columns} FROM events_profile WHERE occurred_at >= %(since)s AND occurred_at < %(until)s"
            f" AND {' AND '.join([*given, also])} ORDER BY occurred_at DESC LIMIT %(most)s"
        )

    def parameters(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in _NAMED}
        return {
            "most": settings.PROFILES_MAX_EVENTS,
            "since": self.since,
            "until": self.until,
            **{name: value and value[: Profile.LONGEST_NAME] for name, value in named.items()},
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
    asked: dict[str, Any] = {"page": PAGE + 1, **dict(zip("sor", names, strict=True) if names else ())}
    rows = _percentiles_by(
        scope,
        "service, operation, release",
        source=scope.newest(
            f"service, operation, release, occurred_at, position, weight, {scope.measure} AS value"
        ),
        where="(service, operation, release) > (%(s)s, %(o)s, %(r)s)" if names else "true",
        **asked,
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
    part = "date_bin(%(step)s, occurred_at, %(since)s) AS part"
    rows = _percentiles_by(
        scope,
        "part",
        source=scope.newest(f"{part}, occurred_at, position, weight, {scope.measure} AS value"),
        step=step,
        page=BUCKETS + 1,
    )
    return [Bucket(row["part"], row["part"] + step, _percentiles(row)) for row in rows]


def releases_of(*, actor: Actor, scope: Scope) -> list[str]:
    """Those of a service and operation, the one that was seen last first."""
    actor.require("read", EVENT_TYPE)
    every = replace(scope, release=None)
    rows = _rows(
        f"SELECT release FROM ({every.newest('release, occurred_at')}) AS chosen"
        " GROUP BY 1 ORDER BY max(occurred_at) DESC LIMIT 100",
        every.parameters(),
    )
    return [row["release"] for row in rows]


def compare_releases(*, actor: Actor, scope: Scope, old: str, new: str) -> list[Comparison]:
    """Each measure of the newest `PROFILES_COMPARED` profiles of two releases. What differs only by chance is said to be within noise."""
    actor.require("read", EVENT_TYPE)
    before, after = (_samples_of(replace(scope, release=name)) for name in (old, new))
    return [
        Comparison(
            measure,
            _told(before[measure]),
            _told(after[measure]),
            differences(before[measure], after[measure]),
        )
        for measure in MEASURES
    ]


def _samples_of(scope: Scope) -> dict[str, Samples]:
    """By measure."""
    columns = ", ".join(["weight", *MEASURES])
    lists = ", ".join(f"coalesce(array_agg({name}), '{{}}')" for name in ("weight", *MEASURES))
    asked = {**scope.parameters(), "most": settings.PROFILES_COMPARED}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lists} FROM ({scope.newest(columns)}) AS chosen", asked)
        weights, *measured = cursor.fetchone()
    return {
        name: Samples(
            [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
        )
        for name, values in zip(MEASURES, measured, strict=True)
    }


def top_frames(*, actor: Actor, scope: Scope, limit: int = 20) -> list[Frame]:
    """Where the time went, in the newest `PROFILES_FRAMES_FROM` profiles."""
    actor.require("read", EVENT_TYPE)
    own, whole = (NUMBER.format(f"(frame -> '{name}')") for name in ("self_ms", "total_ms"))
    rows = _rows(
        f"""WITH {_picked(scope, "framed", "{performance_profile,top_frames}")}, listed AS (
            SELECT position, weight, coalesce(frame ->> 'function', '?') AS function, coalesce(frame ->> 'file', '') AS file,
                   coalesce({own}, 0) AS own, {whole} AS whole
            FROM picked, jsonb_array_elements(found) AS frame
        )
        SELECT function, file, sum(own * weight) AS own, sum(coalesce(whole, own) * weight) AS whole,
               count(DISTINCT position) AS profiles, sum(sum(own * weight)) OVER () AS every
        FROM listed GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(limit)s""",
        {**scope.parameters(), "most": settings.PROFILES_FRAMES_FROM, "limit": limit},
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
    own = NUMBER.format("(stack -> 'self_ms')")
    rows = _rows(
        f"""WITH {_picked(scope, "stacked", "{stacks}")}
        SELECT ARRAY(SELECT coalesce(frame, '?') FROM jsonb_array_elements_text(stack -> 'frames') WITH ORDINALITY AS listed (frame, nth) ORDER BY nth) AS frames,
               sum(coalesce({own}, 0) * weight) AS own
        FROM picked, jsonb_array_elements(found) AS stack
        WHERE CASE WHEN jsonb_typeof(stack -> 'frames') = 'array' THEN jsonb_array_length(stack -> 'frames') > 0 END
        GROUP BY 1 ORDER BY 2 DESC LIMIT 2000""",
        {**scope.parameters(), "most": settings.PROFILES_FRAMES_FROM},
    )
    return ((tuple(row["frames"]), row["own"]) for row in rows)


def time_spent(*, actor: Actor, scope: Scope) -> Spent | None:
    """Of the newest `PROFILES_FRAMES_FROM` profiles that tell both duration and processor time; None when there are none."""
    actor.require("read", EVENT_TYPE)
    kernel, collecting = (
        f"coalesce({NUMBER.format(f'(d #> {path!r})')}, 0)"
        for path in ("{performance_profile,cpu_system_ms}", "{performance_profile,gc,pause_ms}")
    )
    measured = "duration IS NOT NULL AND cpu IS NOT NULL"
    newest = scope.newest("position, received_at, occurred_at, weight, duration, cpu", also=measured)
    (row,) = _rows(
        f"""WITH newest AS MATERIALIZED ({newest}), told AS (
            SELECT weight, duration AS whole, cpu, {kernel} AS kernel, {collecting} AS collecting
            FROM newest JOIN events_event AS event USING (position, received_at),
                LATERAL (SELECT event.document -> 'metadata' AS d) AS part
            WHERE d IS NOT NULL
        ), parted AS (SELECT *, cpu - kernel AS used FROM told)
        SELECT sum(weight) AS every, sum(greatest(used - collecting, 0) * weight) AS own_code,
               sum(least(collecting, used) * weight) AS collecting, sum(kernel * weight) AS kernel,
               sum(greatest(whole - cpu, 0) * weight) AS waiting
        FROM parted""",
        {**scope.parameters(), "most": settings.PROFILES_FRAMES_FROM},
    )
    if not row["every"]:
        return None
    return Spent(*(row[name] / row["every"] for name in ("own_code", "collecting", "kernel", "waiting")))


def slowest(*, actor: Actor, scope: Scope, limit: int = 10) -> list[Slow]:
    """The events with the highest values."""
    actor.require("read", EVENT_TYPE)
    rows = _rows(
        f"WITH chosen AS ({scope.newest(f'position, occurred_at, {scope.measure} AS value')}), highest AS ("
        " SELECT position, value FROM chosen WHERE value IS NOT NULL ORDER BY value DESC, position LIMIT %(limit)s)"
        " SELECT event_id, correlation_id, release, occurred_at AS at, value FROM highest JOIN events_profile USING (position)"
        " ORDER BY value DESC, position",
        {**scope.parameters(), "limit": limit},
    )
    return [Slow(**row) for row in rows]


def _picked(scope: Scope, carries: str, path: str) -> str:
    """The newest profiles that carry something, with it."""
    return f"""newest AS MATERIALIZED ({scope.newest("position, received_at, occurred_at, weight", also=carries)}), picked AS (
        SELECT position, weight, found FROM newest JOIN events_event AS event USING (position, received_at),
            LATERAL (SELECT event.document -> 'metadata' #> '{path}' AS found) AS part
        WHERE jsonb_typeof(found) = 'array'
    )"""


_HAPPENED = "coalesce(sum(weight) FILTER (WHERE value IS NOT NULL), 0) AS happened"
# A share of a number of events is a whole number but for the last digit.
_SHARES = [share * (1 - 1e-12) for share in PERCENTILES]
_EVEN = (
    f"percentile_disc(ARRAY{_SHARES}::float8[]) WITHIN GROUP (ORDER BY value) AS found,"
    " min(weight) FILTER (WHERE value IS NOT NULL) < max(weight) FILTER (WHERE value IS NOT NULL) AS uneven"
)
_WEIGHTED = (
    "ARRAY["
    + ", ".join(f"min(value) FILTER (WHERE below >= {share!r} * every)" for share in _SHARES)
    + "] AS found"
)


def _percentiles_by(
    scope: Scope, by: str, *, source: str, where: str = "true", **more: Any
) -> list[dict[str, Any]]:
    """By these columns, in their order: percentiles of `value`, and the last one."""
    asked = {**scope.parameters(), **more}
    told = f"{by}, max(occurred_at) AS last, count(value) AS count, {_HAPPENED}"
    of_groups = f"GROUP BY {by} ORDER BY {by} LIMIT %(page)s"
    rows = _rows(f"SELECT {told}, {_EVEN} FROM ({source}) AS chosen WHERE {where} {of_groups}", asked)
    if not any(row["uneven"] for row in rows):
        return rows
    # Weights differ within a group. Each value with the weight up to it and the weight of all: this takes three times as long.
    ranked = (
        f"SELECT *, sum(CASE WHEN value IS NOT NULL THEN weight END) OVER (PARTITION BY {by} ORDER BY value, position) AS below,"
        f" sum(CASE WHEN value IS NOT NULL THEN weight END) OVER (PARTITION BY {by}) AS every"
        f" FROM ({source}) AS chosen WHERE {where}"
    )
    return _rows(f"SELECT {told}, {_WEIGHTED} FROM ({ranked}) AS ranked {of_groups}", asked)


def _rows(statement: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def _percentiles(row: Mapping[str, Any]) -> Percentiles:
    return Percentiles(row["count"], row["happened"], *(row["found"] or [None] * len(PERCENTILES)))


def _told(samples: Samples) -> Percentiles:
    found: Sequence[float | None] = [samples.percentile(share) for share in PERCENTILES]
    return Percentiles(len(samples.values), samples.total, *found)
