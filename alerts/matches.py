"""Reads the event log for rules: batches after a cursor, and the matches of a rule around given instants.

Counted time is the producer's clock, taken back to five minutes after arrival when it lies in the future. An event
that arrives more than `ALERT_LATENESS` after it occurred counts for no rule; how many those were is shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from alerts.compiled import Compiled
from alerts.condition import Condition, event_types
from alerts.condition_sql import Sql, as_read, exact_sql, value_sql, where
from alerts.engine import Match, reach
from alerts.fields import StoredEvent, from_row, selection
from alerts.groups import Group
from events.documents import derived
from events.models import exact

FUTURE_ALLOWED = timedelta(minutes=5)
# How many matches before the new ones are looked at per group, unless the threshold is higher: with more of them
# in one window than this, `peak` is what was seen. Everything else is exact.
EARLIER_SEEN = 1_000
COUNTED_AT = "LEAST(occurred_at, received_at + interval '5 minutes')"
_COLD = "CASE WHEN document IS NULL THEN raw END, lints"
# What replays stored again counts only where a run was allowed to have effects.
SEEN = """(replay_id IS NULL OR replay @> '{"side_effects": true}')"""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as rules see it. `at` is None when it came too late to count."""

    match: Match
    late: bool
    fields: StoredEvent


def read(
    *,
    after: int,
    until: int,
    types: Iterable[str] | None,
    documents: bool,
    narrowed_by: Condition | None = None,
) -> list[LoggedEvent]:
    """The events between two positions, in order; only those of `types` when given.

    `narrowed_by` leaves out what the database knows not to match: less travels. What is compressed it cannot look into.
    """
    query = _events(documents=documents).then(
        f" WHERE position > %s AND position <= %s AND {SEEN}", after, until
    )
    if types is not None:
        query = query.then(" AND event_type = ANY(%s)", sorted(types))
    if narrowed_by is not None:
        condition = where(narrowed_by)
        unless = "document IS NULL OR " if documents else ""
        query = query.then(f" AND ({unless}{condition.text} IS TRUE)", *condition.params)
    return _logged(query.then(" ORDER BY position"))


def read_arrived(
    rule: Compiled,
    *,
    since: datetime,
    until: datetime,
    occurred: tuple[datetime, datetime],
    most: int | None = None,
    condition: Condition | None = None,
    narrowed: Sql | None = None,
) -> list[LoggedEvent]:
    """What the rule is about of the events that arrived between two moments and occurred between two others; the newest `most`.

    Another `condition` than the rule's may be asked; what is `narrowed` down further begins with AND.
    """
    documents, asked = rule.reads_documents, rule.asked if condition is None else condition
    query = _events(documents=documents).then(
        f" WHERE received_at >= %s AND received_at <= %s AND {COUNTED_AT} BETWEEN %s AND %s AND {SEEN}",
        since,
        until,
        *occurred,
    )
    # An index has the producer's time, which is never before the one that counts.
    query = query.then(" AND occurred_at >= %s", occurred[0])
    types = event_types(asked)
    if types is not None:
        query = query.then(" AND event_type = ANY(%s)", sorted(types))
    if narrowed is not None:
        query = query.then(narrowed.text, *narrowed.params)
    found = where(asked)
    unless = "document IS NULL OR " if documents else ""
    query = query.then(f" AND ({unless}{found.text} IS TRUE)", *found.params)
    return _logged(query.then(" ORDER BY position DESC LIMIT %s", most))


def read_these(
    positions: Sequence[int], *, first: datetime, last: datetime, documents: bool
) -> dict[int, LoggedEvent]:
    """Events by their positions; the times between which they arrived choose the partitions."""
    query = _events(documents=documents).then(
        " WHERE position = ANY(%s) AND received_at >= %s AND received_at <= %s", list(positions), first, last
    )
    return {event.match.position: event for event in _logged(query)}


def _events(*, documents: bool) -> Sql:
    cold = _COLD if documents else "NULL, NULL"
    return Sql(
        f"SELECT {COUNTED_AT}, position, received_at, occurred_at < received_at - %s, {selection(documents=documents)}, {cold}"  # noqa: S608
        " FROM events_event",
        (settings.ALERT_LATENESS,),
    )


def _logged(query: Sql) -> list[LoggedEvent]:
    return [LoggedEvent(Match(*row[:3]), row[3], from_row(_with_document(row))) for row in _fetch(query)]


def _with_document(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The columns and the document, which a compressed event has in its bytes."""
    *columns, document, raw, lints = row[4:]
    text = None if raw is None else derived(exact(raw), lints)
    return (*columns, document if text is None else text.decode())


def received_at(position: int) -> datetime | None:
    """When the event at a position arrived; None when retention has removed it."""
    rows = _fetch(Sql("SELECT received_at FROM events_event WHERE position = %s", (position,)))
    return rows[0][0] if rows else None


def recount(
    rule: Compiled,
    *,
    groups: Sequence[Group],
    first: datetime,
    last: datetime,
    after: int,
    until: int,
) -> dict[str, list[Match]]:
    """All matches of these groups that the evaluator needs to see for new ones between two instants, sorted.

    Only events between two positions count, so that a repeated evaluation gives the same answer.
    """
    before, behind = reach(rule.terms)
    query = _matching(rule, groups, first - before, last + behind, (after, until))
    return _by_group(rule, groups, _fetch(_newest_of_each(rule, query, first)))


def _matching(
    rule: Compiled, groups: Sequence[Group], low: datetime, high: datetime, positions: tuple[int, int]
) -> Sql:
    """The matches between two instants that are on time, with the values of the group-by fields as g0, g1, …"""
    query = Sql(f"SELECT {COUNTED_AT} AS at, position, received_at")
    for index, name in enumerate(rule.group_by):
        value = exact_sql(name)
        query = query.then(f", {value.text} AS g{index}", *value.params)
    if rule.terms.distinct and rule.field is not None:
        value = exact_sql(rule.field)
        query = query.then(f", {value.text} AS value", *value.params)
    query = query.then(
        # The two bounds on received_at follow from the others; they choose the partitions.
        f" FROM events_event WHERE occurred_at >= %s AND {COUNTED_AT} <= %s AND received_at >= %s AND received_at <= %s "
        f"AND position > %s AND position <= %s AND occurred_at >= received_at - %s AND {SEEN} AND ",
        *(low, high, low - FUTURE_ALLOWED, high + settings.ALERT_LATENESS, *positions),
        settings.ALERT_LATENESS,
    )
    condition = where(rule.condition)
    return _narrowed(query, rule, groups).then(f"{condition.text} IS TRUE", *condition.params)


def _newest_of_each(rule: Compiled, query: Sql, first: datetime) -> Sql:
    """Leaves out the earlier matches that cannot decide anything: a busy window must not travel whole."""
    names = "".join(f", g{index}" for index in range(len(rule.group_by)))
    query = Sql(f"WITH matching AS ({query.text}), ", query.params)
    if rule.terms.distinct:
        return _newest_of_each_value(rule, query, names, first)
    return query.then(
        "ranked AS (SELECT *, row_number() OVER "  # noqa: S608 - names are g0, g1, …
        f"(PARTITION BY at < %s{names} ORDER BY at DESC, position DESC) AS nth FROM matching) "
        f"SELECT at, position, received_at{names} FROM ranked ",
        first,
    ).then(
        "WHERE at >= %s OR nth <= %s ORDER BY at, position",
        *(first, max(EARLIER_SEEN, rule.terms.threshold)),
    )


def _newest_of_each_value(rule: Compiled, query: Sql, names: str, first: datetime) -> Sql:
    """As above; further back, the newest match of each value."""
    seen = max(EARLIER_SEEN, rule.terms.threshold)
    return query.then(
        "of_values AS (SELECT *, row_number() OVER "  # noqa: S608 - names are g0, g1, …
        f"(PARTITION BY at < %s, value{names} ORDER BY at DESC, position DESC) = 1 AS newest FROM matching), "
        "ranked AS (SELECT *, "
        f"row_number() OVER (PARTITION BY at < %s{names} ORDER BY at DESC, position DESC) AS nth, "
        f"row_number() OVER (PARTITION BY at < %s, newest{names} ORDER BY at DESC, position DESC) AS nth_value "
        f"FROM of_values) SELECT at, position, received_at{names}, value FROM ranked "
        "WHERE at >= %s OR nth <= %s OR (newest AND nth_value <= %s) ORDER BY at, position",
        *(first, first, first, first, seen, seen),
    )


def _by_group(
    rule: Compiled, groups: Sequence[Group], rows: Iterable[tuple[Any, ...]]
) -> dict[str, list[Match]]:
    found: dict[str, list[Match]] = {group.key: [] for group in groups}
    # Many rows, few groups: each is named once.
    keys: dict[tuple[Any, ...], str] = {}
    for at, position, arrived, *values in rows:
        value = values.pop() if rule.terms.distinct else None
        raw = tuple(values)
        if raw not in keys:
            pairs = zip(rule.group_by, raw, strict=True)
            keys[raw] = Group.of(tuple(as_read(name, value) for name, value in pairs)).key
        if keys[raw] in found:
            found[keys[raw]].append(Match(at, position, arrived, _value_key(rule, value)))
    return found


def _value_key(rule: Compiled, selected: Any) -> str | None:
    if not rule.terms.distinct or rule.field is None:
        return None
    return Group.of((as_read(rule.field, selected),)).key


def _narrowed(query: Sql, rule: Compiled, groups: Sequence[Group]) -> Sql:
    """Leaves out what cannot be in any of the groups: an index may help, and less travels."""
    if rule.event_types is not None:
        query = query.then("event_type = ANY(%s) AND ", sorted(rule.event_types))
    for index, name in enumerate(rule.group_by):
        values = {group.values[index] for group in groups if isinstance(group.values[index], str)}
        if all(isinstance(group.values[index], str) for group in groups):
            value = value_sql(name)
            query = query.then(f"{value.text} = ANY(%s) AND ", *value.params, sorted(values))
    return query


def _fetch(query: Sql) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query.text, query.params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
