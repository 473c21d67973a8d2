"""What a replay is asked to play: a correlation, with what it started or without, a trace, or what a query finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from access.actor import Actor
from events.correlation import correlations_below
from events.errors import CorrelationNotFound, ReplayInvalid
from events.models import Event
from events.query import FILTERS, Filters, pattern, visible_quarantine
from events.search import all_fitting

# What the quarantine knows of an event, too: with other filters one can only say how many might fit.
_KNOWN_OF_QUARANTINED = {"type", "node", "correlation_id", "since", "until"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Exactly one of the first three, or `positions` of the log, says what is played. Layers above choose by position; the
    API does not.
    """

    correlation_id: str = ""
    trace_id: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    # With a correlation: what it started, too.
    descendants: bool = False
    positions: Sequence[int] = ()

    def check(self) -> None:
        """Raises ReplayInvalid."""
        given = [name for name in ("correlation_id", "trace_id", "query", "positions") if getattr(self, name)]
        if len(given) != 1:
            told = f"not {' and '.join(given)} together" if given else "and one of them has to be given"
            raise ReplayInvalid(
                f"A replay is of a correlation_id, of a trace_id, or of what a query finds: {told}.",
                pointer=f"/{given[1] if given else 'correlation_id'}",
            )
        if unknown := sorted(set(self.query) - set(FILTERS)):
            raise ReplayInvalid(
                f"'{unknown[0]}' is no filter of events. There are: {', '.join(FILTERS)}.",
                pointer=f"/query/{unknown[0]}",
            )
        if self.descendants and not self.correlation_id:
            raise ReplayInvalid(
                "Only a correlation has descendants; give a correlation_id.", pointer="/descendants"
            )

    def as_stored(self) -> dict[str, Any]:
        if self.positions:
            return {"positions": list(self.positions)}
        if self.query:
            return {"query": dict(self.query)}
        if self.trace_id:
            return {"trace_id": self.trace_id}
        stored: dict[str, Any] = {"correlation_id": self.correlation_id}
        return stored | {"descendants": True} if self.descendants else stored

    def not_found(self) -> CorrelationNotFound | ReplayInvalid:
        """The one answer for what is not there and what the actor may not read."""
        if self.positions:
            return ReplayInvalid("None of these events is stored any more, or you may not read all of them.")
        if self.query:
            return ReplayInvalid("The query finds no event that you may read.", pointer="/query")
        kind, name = ("trace", self.trace_id) if self.trace_id else ("correlation", self.correlation_id)
        return CorrelationNotFound(
            f"No event of {kind} '{name}' is stored, or you may not read all of its types.",
            **{f"{kind}_id": name},
        )


def events_in(actor: Actor, scope: Scope) -> tuple[QuerySet[Event], int | None]:
    """What is to be played, unordered. Of a correlation and a trace also what the actor may not read, which is for
    the caller to judge; a query finds only what it may. And the position before which nothing was looked for; None where all was.
    Raises InvalidQuery, QueryTooSlow.
    """
    if scope.query:
        filters = Filters.of(scope.query)
        return all_fitting(actor=actor, filters=filters, most=settings.REPLAY_MAX_EVENTS)
    return Event.objects.filter(_of_work(scope)), None


def _of_work(scope: Scope) -> Q:
    if scope.positions:
        return Q(position__in=scope.positions)
    if scope.trace_id:
        return Q(trace_id=scope.trace_id)
    if scope.descendants:
        return Q(correlation_id__in=correlations_below(scope.correlation_id))
    return Q(correlation_id=scope.correlation_id)


def quarantined_in(actor: Actor, scope: Scope) -> tuple[int, bool]:
    """How many events that wait in quarantine belong to it, and whether that is certain or only an upper bound."""
    if scope.positions:
        return 0, True
    waiting = visible_quarantine(actor).filter(released_at=None)
    if not scope.query:
        if scope.trace_id:
            # The quarantine knows no traces, but the correlations of this one.
            named = Event.objects.filter(trace_id=scope.trace_id, correlation_id__isnull=False)
            names = named.values("correlation_id").distinct()
            return waiting.filter(correlation_id__in=names).count(), False
        return waiting.filter(_of_work(scope)).count(), True
    filters = Filters.of(scope.query)
    fitting = waiting.filter(pattern("event_type", filters.event_type))
    if filters.node:
        fitting = fitting.filter(node_id__startswith=filters.node)
    if filters.correlation_id:
        fitting = fitting.filter(correlation_id=filters.correlation_id)
    if filters.since is not None:
        fitting = fitting.filter(received_at__gte=filters.since)
    if filters.until is not None:
        fitting = fitting.filter(received_at__lt=filters.until)
    return fitting.count(), set(scope.query) <= _KNOWN_OF_QUARANTINED - {"since", "until"}
