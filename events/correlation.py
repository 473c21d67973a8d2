"""One tree of work: the events of a correlation and of those it started, or of a trace, in an order that clocks cannot spoil.

Producers' clocks lie, so the order is by parentage and arrival: events stand in the order they were received, but
none of a correlation stands before the first event of the correlation that started it.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection
from django.db.models import BigIntegerField, BooleanField, Case, ExpressionWrapper, Func, Q, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.utils import timezone

from access.actor import Actor
from events.errors import CorrelationNotFound
from events.models import CorrelationLink, Event, exact
from events.query import StoredEvent, visible_to
from events.scan import parse
from events.spans import Moment
from events.waterfall import Waterfall, waterfall_of

MAX_EVENTS = 5_000
MAX_CORRELATIONS = 2_000
# Of one tree: that many are read in order to find those below a correlation.
_MAX_LINKS = 20_000
_LONGEST = timedelta(days=30)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Microseconds(Func):
    """A time as a number since 1970: the driver takes ten times as long over a text."""

    template = "(extract(epoch FROM %(expressions)s) * 1000000)::bigint"
    output_field = BigIntegerField()


# Of an event, in the order of the members of Moment.
_COLUMNS = (
    "position",
    _Microseconds("received_at"),
    _Microseconds("occurred_at"),
    "event_id",
    "event_type",
    "node_id",
    # One that is of no correlation may be of a trace.
    Coalesce("correlation_id", Value("")),
    "parent_correlation_id",
    "trace_id",
    "span_id",
    "error_code",
)

_TREE = """
SELECT correlation_id, parent_id, root_id FROM events_correlationlink
WHERE root_id = COALESCE((SELECT root_id FROM events_correlationlink WHERE correlation_id = %s), %s) LIMIT %s
"""


_AMONG = '("events_event"."correlation_id" = ANY(ARRAY(SELECT json_array_elements_text(%s::json)::varchar COLLATE "C")))'

# Beside what is known from its Moment.
_STORED = """
SELECT position, schema_version, content_id, sample_rate, violations, lints, producer, raw, signature_verdict
FROM events_event WHERE position = ANY(%s) AND received_at BETWEEN %s AND %s
"""


# Not frozen, which would triple what making one costs; nobody changes one.
@dataclass(slots=True)
class Step:
    """One event in its place; `depth` is how many correlations above it are shown."""

    moment: Moment
    depth: int
    # The producer's clock says that it happened before the event shown above it.
    clock_disagrees: bool


@dataclass(frozen=True, slots=True)
class Correlation:
    # What was asked for; one of the two is "".
    correlation_id: str
    trace_id: str
    # The top of the tree as far as links are known.
    root_id: str
    steps: tuple[Step, ...]
    # Who started each correlation that is shown; None at the top.
    tree: Mapping[str, str | None]
    # Correlations above it that its events name.
    parents: tuple[str, ...]
    # Correlations whose parent has no event that the actor may see: not arrived yet, expired, or sampled out.
    orphans: tuple[str, ...]
    # Correlations that are their own ancestors.
    cycles: tuple[str, ...]
    # There are more events than MAX_EVENTS, or more correlations than MAX_CORRELATIONS.
    cut: bool

    @property
    def clocks_disagree(self) -> bool:
        return any(step.clock_disagrees for step in self.steps)

    def waterfall(self, *, errors_only: bool = False) -> Waterfall:
        return waterfall_of(
            [step.moment for step in self.steps],
            parents=self.tree,
            orphans=self.orphans,
            cycles=self.cycles,
            now=timezone.now(),
            incomplete_after=settings.OPERATION_INCOMPLETE_AFTER,
            errors_only=errors_only,
        )


@dataclass(frozen=True, slots=True)
class _Family:
    """Correlations with who started them, parents first, so that nobody is above themselves."""

    tree: dict[str, str | None]
    root_id: str
    cycles: tuple[str, ...] = ()
    cut: bool = False


def correlate(*, actor: Actor, correlation_id: str, descendants: bool = True) -> Correlation:
    """A correlation and what it started. Raises CorrelationNotFound when the actor may read no event of all that."""
    family = _family_of(correlation_id, descendants=descendants)
    # Its own events first: whatever is cut, it is shown.
    own_first = Case(When(correlation_id=correlation_id, then=0), default=1)
    found = _moments(actor, _of_correlations(family.tree), own_first)
    if not found:
        raise CorrelationNotFound(
            f"No event of correlation '{correlation_id}' is stored, or you may not read its types.",
            correlation_id=correlation_id,
        )
    return _correlation(actor, found, family, correlation_id=correlation_id)


def correlate_trace(*, actor: Actor, trace_id: str) -> Correlation:
    """All events of a W3C trace, whatever correlations they are of. Raises CorrelationNotFound as `correlate` does."""
    found = _moments(actor, Q(trace_id=trace_id))
    if not found:
        raise CorrelationNotFound(
            f"No event of trace '{trace_id}' is stored, or you may not read its types.", trace_id=trace_id
        )
    names = list(dict.fromkeys(moment.correlation_id for moment in found))
    links = CorrelationLink.objects.filter(pk__in=names).values_list("correlation_id", "parent_id", "root_id")
    above = {child: parent for child, parent, root in links if child != root}
    tree = {name: parent if (parent := above.get(name)) in names else None for name in names}
    return _correlation(actor, found, _Family(_parents_first(tree), ""), trace_id=trace_id)


def stored_events(correlation: Correlation) -> list[StoredEvent]:
    """The events of its steps, in that order, with the producers' bytes."""
    moments = [step.moment for step in correlation.steps]
    # When they were received says which days to look into.
    days = [min(m.received_at for m in moments), max(m.received_at for m in moments)]
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [[m.position for m in moments], *days])
        found = {row[0]: row for row in cursor.fetchall()}
    return [_stored(moment, *row[1:]) for moment in moments if (row := found.get(moment.position))]


def _stored(moment: Moment, *row: Any) -> StoredEvent:
    schema_version, content_id, sample_rate, violations, lints, producer, raw, signature = row
    return StoredEvent(
        moment.position,
        moment.received_at,
        moment.occurred_at,
        moment.event_id,
        moment.event_type,
        schema_version,
        content_id,
        moment.node_id,
        moment.correlation_id or None,
        moment.parent_id,
        moment.trace_id,
        moment.span_id,
        moment.error_code,
        sample_rate,
        None if violations is None else json.loads(violations),
        None if lints is None else json.loads(lints),
        producer,
        exact(raw),
        signature,
    )


def correlations_below(correlation_id: str) -> list[str]:
    """A correlation and all that it started, as far as MAX_CORRELATIONS."""
    return list(_family_of(correlation_id, descendants=True).tree)


def _parents_first(tree: Mapping[str, str | None]) -> dict[str, str | None]:
    below: dict[str | None, list[str]] = {}
    for name, parent in tree.items():
        below.setdefault(parent, []).append(name)
    order = list(below.get(None, []))
    for name in order:
        order += below.get(name, [])
    return {name: tree[name] for name in order}


def _family_of(correlation_id: str, *, descendants: bool) -> _Family:
    with connection.cursor() as cursor:
        cursor.execute(_TREE, [correlation_id, correlation_id, _MAX_LINKS + 1])
        links = cursor.fetchall()
    root = links[0][2] if links else correlation_id
    above = {child: parent for child, parent, _ in links}
    below: dict[str, list[str]] = {}
    for child, parent in above.items():
        below.setdefault(parent, []).append(child)
    tree: dict[str, str | None] = {correlation_id: None}
    waiting = [correlation_id] if descendants else []
    for name in waiting:
        # In a circle one comes back to those that are there already.
        new = [child for child in below.get(name, []) if child not in tree]
        tree.update(dict.fromkeys(new, name))
        waiting += new
        if len(tree) > MAX_CORRELATIONS:
            break
    cut = len(tree) > MAX_CORRELATIONS or len(links) > _MAX_LINKS
    shown = dict(list(tree.items())[:MAX_CORRELATIONS])
    return _Family(shown, root, _circle(root, above), cut)


def _circle(root: str, above: Mapping[str, str]) -> tuple[str, ...]:
    """Those that are their own ancestors: only a root that names a parent is among them."""
    circle, name = [root], above.get(root)
    while name is not None and name != root:
        circle.append(name)
        name = above.get(name)
    return tuple(sorted(circle)) if name == root else ()


def _of_correlations(names: Iterable[str]) -> Q:
    """As one array that the planner does not look into: estimating each id in each day's partition takes longer than the
    search."""
    return Q(RawSQL(_AMONG, [orjson.dumps(list(names)).decode()], output_field=BooleanField()))  # noqa: S611


def _moments(actor: Actor, which: Q, *order: Case) -> list[Moment]:
    """One more than MAX_EVENTS at most."""
    rows = (
        Event.objects.filter(which, visible_to(actor))
        .order_by(*order, "position")
        .values_list(
            *_COLUMNS,
            KT("document__metadata__operation"),
            KT("document__metadata__execution_time_ms"),
            # Of those whose row has no document.
            Case(When(document__isnull=True, then="raw")),
            ExpressionWrapper(Q(violations__isnull=True), output_field=BooleanField()),
        )[: MAX_EVENTS + 1]
    )
    return [_moment(*row) for row in rows]


def _moment(*row: Any) -> Moment:
    position, received, occurred, *known, operation, took, raw, valid = row
    if raw is not None:
        operation, took = _told(raw)
    received_at, occurred_at = (_EPOCH + timedelta(microseconds=since) for since in (received, occurred))
    lasted = _duration(took, occurred_at)
    return Moment._make((position, received_at, occurred_at, *known, operation or "", lasted, valid))


def _told(raw: bytes) -> tuple[str, str]:
    """Operation and duration as the row's document would tell them."""
    metadata = parse(raw).get("metadata")
    if not isinstance(metadata, dict):
        return "", ""
    operation, took = (metadata.get(name) for name in ("operation", "execution_time_ms"))
    return _as_text(operation), _as_text(took)


def _as_text(value: Any) -> str:
    """As PostgreSQL gives it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _duration(milliseconds: str | None, ended: datetime) -> timedelta | None:
    """What an event says that it took; None for what cannot be."""
    if not milliseconds:
        return None
    try:
        took = float(milliseconds)
    except ValueError:
        return None
    if not (math.isfinite(took) and 0 <= took <= _LONGEST / timedelta(milliseconds=1)):
        return None
    return timedelta(milliseconds=took) if 1 < ended.year < 9999 else None


def _correlation(
    actor: Actor, found: list[Moment], family: _Family, *, correlation_id: str = "", trace_id: str = ""
) -> Correlation:
    moments = sorted(found[:MAX_EVENTS])
    own = [moment for moment in moments if correlation_id and moment.correlation_id == correlation_id]
    return Correlation(
        correlation_id,
        trace_id,
        family.root_id,
        steps=tuple(_steps(moments, family.tree)),
        tree=family.tree,
        parents=tuple(sorted({moment.parent_id for moment in own if moment.parent_id})),
        orphans=_orphans(actor, moments),
        cycles=family.cycles,
        cut=family.cut or len(found) > MAX_EVENTS,
    )


def _orphans(actor: Actor, moments: Iterable[Moment]) -> tuple[str, ...]:
    parents: dict[str, str] = {}
    shown = set()
    for moment in moments:
        shown.add(moment.correlation_id)
        if moment.parent_id is not None:
            parents.setdefault(moment.correlation_id, moment.parent_id)
    elsewhere = set(parents.values()) - shown
    if not elsewhere:
        return ()
    there = Event.objects.filter(visible_to(actor), correlation_id__in=elsewhere)
    missing = elsewhere - set(there.values_list("correlation_id", flat=True).distinct())
    return tuple(sorted(child for child, parent in parents.items() if parent in missing))


def _steps(moments: list[Moment], tree: Mapping[str, str | None]) -> list[Step]:
    first: dict[str, int] = {}
    for moment in moments:
        first.setdefault(moment.correlation_id, moment.position)
    starts: dict[str | None, int] = {None: 0}
    depths: dict[str | None, int] = {None: -1}
    for name, parent in tree.items():
        starts[name] = max(first.get(name, 0), starts[parent])
        # One without events takes no level of its own.
        depths[name] = depths[parent] + (name in first)
    ordered = sorted(
        moments,
        key=lambda moment: (
            max(moment.position, starts[moment.correlation_id]),
            depths[moment.correlation_id],
            moment.position,
        ),
    )
    return [
        Step(
            moment,
            depths[moment.correlation_id],
            number > 0 and moment.occurred_at < ordered[number - 1].occurred_at,
        )
        for number, moment in enumerate(ordered)
    ]
