"""Failures as they are asked for: the patterns that count most, since when, and on which nodes.

Numbers are sums over days of arrival (UTC), and estimate how many failures there were before sampling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from access.actor import Actor
from events.errors import FailureNotFound, InvalidQuery
from events.fold import WEIGHT
from events.models import Failure
from events.query import pattern, visible_types

PAGE_SIZE = 50
_HOTSPOTS = 10
_DAYS = 7
# Event types that are named of a pattern.
_TYPES = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """Which failures; the last `days` days, today among them."""

    days: int = _DAYS
    # A name, or a pattern in which `*` is any text.
    event_type: str = ""
    # The beginning of the node's name.
    node: str = ""
    error_code: str = ""
    # A part of the message.
    text: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Asked":
        """From a query string. Raises InvalidQuery, naming the parameter."""
        most = settings.FAILURES_KEPT.days
        days = given.get("days") or str(_DAYS)
        if not (days.isascii() and days.isdigit() and len(days) < 6 and 1 <= int(days) <= most):
            raise InvalidQuery(
                f"'days' is a number from 1 to {most} (FAILURES_DAYS), not '{days[:60]}'.", parameter="days"
            )
        texts = [given.get(name, "").replace("\0", "") for name in ("type", "node", "error_code", "text")]
        return cls(int(days), *texts)

    def since(self, today: date) -> date:
        return today - timedelta(days=self.days - 1)

    def rows(self, actor: Actor, today: date) -> QuerySet[Failure]:
        condition = Q(received_on__gte=self.since(today)) & pattern("event_type", self.event_type)
        if self.node:
            condition &= Q(node_id__startswith=self.node)
        if self.error_code:
            condition &= Q(error_code=self.error_code)
        if self.text:
            condition &= Q(pattern__icontains=self.text)
        return Failure.objects.filter(visible_types(actor), condition)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Failures with the same code that say the same. `events` is an estimate where some were sampled; `counted` came in."""

    group: UUID
    pattern: str
    error_code: str
    event_types: tuple[str, ...]
    nodes: int
    events: float
    counted: int
    # Of all that is still known, also before the days that were asked for.
    first_seen: datetime
    last_seen: datetime
    new: bool


@dataclass(frozen=True, slots=True)
class Hotspot:
    """A node, and what failed there. `share` is of all failures that were asked for."""

    node_id: str
    events: float
    patterns: int
    share: float
    last_seen: datetime
    last_event_id: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    patterns: Sequence[Pattern]
    # How many there are, of which `patterns` is a page.
    total: int
    events: float
    hotspots: Sequence[Hotspot]


@dataclass(frozen=True, slots=True)
class Detail:
    """One pattern. `days` has every day that was asked for, the oldest first."""

    pattern: Pattern
    days: Sequence[tuple[date, float]]
    types: Sequence[tuple[str, float]]
    nodes: Sequence[Hotspot]


def find_failures(*, actor: Actor, asked: Asked, offset: int = 0, size: int = PAGE_SIZE) -> Found:
    """The patterns with most failures first. Raises Forbidden."""
    actor.require("read")
    today = datetime.now(UTC).date()
    rows = asked.rows(actor, today)
    groups = rows.values("group").order_by()
    found = _summed(groups)[offset : offset + size]
    whole = rows.aggregate(weight=Sum("weight", default=0), groups=Count("group", distinct=True))
    return Found(
        _patterns(actor, list(found), asked.since(today)),
        whole["groups"],
        whole["weight"] / WEIGHT,
        _hotspots(rows, whole["weight"])[:_HOTSPOTS],
    )


def find_failure(*, actor: Actor, group: UUID, asked: Asked) -> Detail:
    """Raises Forbidden, and FailureNotFound for a pattern that nothing the actor may read had in these days."""
    actor.require("read")
    today = datetime.now(UTC).date()
    rows = asked.rows(actor, today).filter(group=group)
    patterns = _patterns(actor, list(_summed(rows.values("group").order_by())), asked.since(today))
    if not patterns:
        raise FailureNotFound(
            f"No failure of the last {asked.days} days is of the pattern {group}: ask for more days.",
            group=str(group),
        )
    by_day = dict(_by(rows, "received_on"))
    first = asked.since(today)
    whole = sum(by_day.values())
    return Detail(
        patterns[0],
        [
            (day, by_day.get(day, 0) / WEIGHT)
            for day in (first + timedelta(days=n) for n in range(asked.days))
        ],
        [(name, weight / WEIGHT) for name, weight in _by(rows, "event_type")],
        _hotspots(rows, whole)[:PAGE_SIZE],
    )


def _summed(groups: QuerySet[Failure, Any]) -> QuerySet[Failure, Any]:
    found: QuerySet[Failure, Any] = groups.annotate(
        said=Min("pattern"),
        code=Min("error_code"),
        types=ArrayAgg("event_type", distinct=True, order_by="event_type"),
        node_count=Count("node_id", distinct=True),
        weight_sum=Sum("weight"),
        counted=Sum("events"),
        last=Max("last_seen"),
    ).order_by("-weight_sum", "group")
    return found


def _patterns(actor: Actor, found: Sequence[Mapping[str, Any]], since: date) -> list[Pattern]:
    known = Failure.objects.filter(visible_types(actor), group__in=[row["group"] for row in found])
    firsts = dict(known.values("group").annotate(first=Min("first_seen")).values_list("group", "first"))
    return [
        Pattern(
            row["group"],
            row["said"],
            row["code"],
            tuple(row["types"][:_TYPES]),
            row["node_count"],
            row["weight_sum"] / WEIGHT,
            row["counted"],
            firsts[row["group"]],
            row["last"],
            new=firsts[row["group"]].date() >= since,
        )
        for row in found
    ]


def _hotspots(rows: QuerySet[Failure], whole: float) -> list[Hotspot]:
    found = (
        rows.values("node_id")
        .order_by()
        .annotate(
            weight_sum=Sum("weight"),
            patterns=Count("group", distinct=True),
            last=Max("last_seen"),
            event_ids=ArrayAgg("last_event_id", order_by="-last_seen"),
        )
        .order_by("-weight_sum", "node_id")[:PAGE_SIZE]
    )
    return [
        Hotspot(
            row["node_id"],
            row["weight_sum"] / WEIGHT,
            row["patterns"],
            row["weight_sum"] / whole,
            row["last"],
            row["event_ids"][0],
        )
        for row in found
    ]


def _by(rows: QuerySet[Failure], column: str) -> list[tuple[Any, int]]:
    found = rows.values(column).order_by().annotate(weight_sum=Sum("weight")).order_by("-weight_sum", column)
    return list(found.values_list(column, "weight_sum"))
