"""What a replay would do, known before it starts: which events, in which order, for how long, and what is missing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

from django.conf import settings

from access.actor import Actor
from events import changes
from events.aliases import INEXACT
from events.correlation import MAX_CORRELATIONS, correlations_below
from events.errors import ReplayInvalid
from events.models import Event, Replay
from events.query import Filters
from events.replay_scope import Scope, events_in, quarantined_in
from events.timeline import duration, virtual_times
from events.upcast import Reader
from registry.errors import InvalidVersion

# A producer's clock may be this far ahead of ours before its order is no longer believed.
CLOCK_TOLERANCE = timedelta(seconds=5)
# A run that begins this soon after the log itself may have begun before it.
NEAR_THE_BEGINNING = timedelta(days=1)
# Lints that say that the producer's time is not one.
_NO_CLOCK = {"clock_out_of_range", "no_timestamp", "unreadable_timestamp"}


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a plan: which it is, and when it is due in seconds since the first."""

    position: int
    received_at: datetime
    occurred_at: datetime
    event_id: str
    event_type: str
    virtual: float


@dataclass(frozen=True, slots=True)
class Plan:
    steps: Sequence[Step]
    order: Replay.Order
    # Seconds between the first and the last event; `skipped` of them are cut away by the longest gap.
    length: float
    skipped: float
    # Of each kind its reason, count and sentence.
    missing: list[dict[str, object]]

    @property
    def event_types(self) -> list[str]:
        return sorted({step.event_type for step in self.steps})

    @property
    def began(self) -> datetime:
        return min(step.occurred_at for step in self.steps)

    @property
    def ended(self) -> datetime:
        return max(step.occurred_at for step in self.steps)

    def seconds(self, speed: float) -> float:
        """How long it takes at this speed (0 is as fast as possible). Raises ReplayInvalid for a speed that no run has."""
        check_speed(speed)
        return duration(self.length, speed or inf)


def plan_replay(
    *,
    actor: Actor,
    scope: Scope,
    max_gap: float | None = None,
    order: Replay.Order | None = None,
    read_as: str = "",
) -> Plan:
    """The events in the order in which they would be sent. Writes nothing.

    They are ordered by the producers' clocks, equal times by arrival. When a clock is shown to be wrong (it
    was ahead of ours, or there was no readable time), all go in the order of arrival, at the pace of arrival:
    a replay that mixes two clocks would invent an order. `order` decides it beforehand. Raises CorrelationNotFound, also
    when the actor may not read all types of a correlation or trace, ReplayInvalid, InvalidQuery, Forbidden.
    """
    actor.require("replay")
    scope.check()
    _check_gap(max_gap)
    reader = _reader(read_as)
    logged, unsearched = _logged_of(actor, scope)
    missing = [
        *_missing(actor, scope, logged),
        *unsearched,
        *_expired(scope, logged),
        *(_not_migrated(reader, logged) if reader else []),
    ]
    if order is None:
        believable = all(one.believable for one in logged)
        order = Replay.Order.CLOCK if believable else Replay.Order.ARRIVAL
    logged.sort(key=lambda one: (one.time(order), one.position))
    times = [one.time(order) for one in logged]
    virtual = virtual_times(times, max_gap)
    return Plan(
        steps=[one.step(at) for one, at in zip(logged, virtual, strict=True)],
        order=order,
        length=virtual[-1],
        skipped=virtual_times(times)[-1] - virtual[-1],
        missing=missing,
    )


def check_speed(speed: float) -> None:
    """Raises ReplayInvalid."""
    if not (speed == 0 or 0.01 <= speed <= settings.REPLAY_MAX_SPEED):
        raise ReplayInvalid(
            f"The speed is a multiplier from 0.01 to {settings.REPLAY_MAX_SPEED:g}, or 'max'.",
            pointer="/speed",
        )


class _Logged(NamedTuple):
    """What a plan has to know of an event; named as its columns are."""

    position: int
    received_at: datetime
    occurred_at: datetime
    event_id: str
    event_type: str
    lints: list[str] | None
    sample_rate: float
    schema_version: str
    content_id: int | None

    @property
    def believable(self) -> bool:
        """Whether the producer's clock may be right."""
        return self.occurred_at <= self.received_at + CLOCK_TOLERANCE and not _NO_CLOCK & set(
            self.lints or ()
        )

    def time(self, order: Replay.Order) -> datetime:
        return self.occurred_at if order == Replay.Order.CLOCK else self.received_at

    def step(self, virtual: float) -> Step:
        return Step(
            self.position, self.received_at, self.occurred_at, self.event_id, self.event_type, virtual
        )


def _logged_of(actor: Actor, scope: Scope) -> tuple[list[_Logged], list[dict[str, object]]]:
    """The events by arrival, if there are some and the actor may replay all of them; and which were not looked for."""
    found, until = events_in(actor, scope)
    rows = found.order_by("position").values_list(*_Logged._fields)
    logged = [_Logged(*row) for row in rows[: settings.REPLAY_MAX_EVENTS + 1]]
    event_types = {one.event_type for one in logged}
    readable = bool(scope.query) or all(changes.may(actor, "read", event_type) for event_type in event_types)
    # One answer for both: who may not read a type must not learn from here that there is an event of it.
    if not logged and until is not None:
        raise ReplayInvalid(f"Nothing fits so far. {_unsearched_before(until)}", pointer="/query/where")
    if not logged or not readable:
        raise scope.not_found()
    for event_type in event_types:
        changes.require(actor, "replay", event_type)
    if len(logged) > settings.REPLAY_MAX_EVENTS:
        raise ReplayInvalid(
            f"These are more than {settings.REPLAY_MAX_EVENTS} events, the most that one replay takes "
            "(REPLAY_MAX_EVENTS). Narrow what is played, by time or by type.",
            **scope.as_stored(),
        )
    unsearched = [] if until is None else [_told("not_searched", None, _unsearched_before(until))]
    return logged, unsearched


def _unsearched_before(until: int) -> str:
    return (
        f"Compressed events before position {until:,} were not looked into and are not played: a condition on fields takes long "
        "there (EVENT_COLD_SEARCH). A type, a correlation or a time beside the condition makes it quicker."
    )


def _missing(actor: Actor, scope: Scope, logged: Sequence[_Logged]) -> list[dict[str, object]]:
    """What happened but cannot be played, told before the start."""
    missing: list[dict[str, object]] = []
    quarantined, certain = quarantined_in(actor, scope)
    if quarantined:
        whose = "of its events are" if certain else "events that may belong to it are"
        sentence = f"{quarantined} {whose} in quarantine and are not played unless they are released."
        missing.append(_told("quarantined", quarantined, sentence))
    if unsampled := round(sum(1 / one.sample_rate - 1 for one in logged)):
        sentence = f"About {unsampled} more were left out by sampling at the producer."
        missing.append(_told("sampled_out", unsampled, sentence))
    if scope.descendants and len(correlations_below(scope.correlation_id)) >= MAX_CORRELATIONS:
        sentence = f"It started more than {MAX_CORRELATIONS} correlations; those beyond are not played."
        missing.append(_told("cut", None, sentence))
    return missing


def _told(reason: str, count: int | None, sentence: str) -> dict[str, object]:
    return {"reason": reason, "count": count, "sentence": sentence}


def _expired(scope: Scope, logged: Sequence[_Logged]) -> list[dict[str, object]]:
    """Positions have no gaps, so a log that does not begin at 1 has lost its beginning to retention."""
    oldest = Event.everything.order_by("position").values_list("position", "received_at").first()
    if oldest is None or oldest[0] == 1:
        return []
    began = oldest[1]
    since = Filters.of(scope.query).since if scope.query else None
    asked_before = since is not None and since < began
    first = min(one.received_at for one in logged)
    if not asked_before and first - began > NEAR_THE_BEGINNING:
        return []
    lost = (
        "what was asked for before that is gone"
        if asked_before
        else "retention may have removed earlier events of this one"
    )
    return [_told("expired", None, f"The log begins at {began:%Y-%m-%d %H:%M} UTC: {lost}.")]


def _reader(read_as: str) -> Reader | None:
    """Raises ReplayInvalid."""
    try:
        return Reader(read_as) if read_as else None
    except InvalidVersion as wrong:
        raise ReplayInvalid(wrong.message, pointer="/as") from wrong


def _not_migrated(reader: Reader, logged: Sequence[_Logged]) -> list[dict[str, object]]:
    """What cannot be read as the wanted version whatever is in it; the rest is seen when it is played."""
    kinds = Counter(
        (one.event_type, one.schema_version, one.content_id, INEXACT in (one.lints or ())) for one in logged
    )
    samples = [
        Event(
            position=number,
            event_type=event_type,
            schema_version=schema_version,
            content_id=content_id,
            lints=[INEXACT] if inexact else None,
        )
        for number, (event_type, schema_version, content_id, inexact) in enumerate(kinds)
    ]
    counts: Counter[str] = Counter()
    for obstacle, count in zip(reader.obstacles(samples), kinds.values(), strict=True):
        if obstacle is not None:
            counts[obstacle.message] += count
    return [
        _told(
            "not_migrated",
            count,
            f"{count} of its events cannot be read as {reader.wanted} and are not played: {message}",
        )
        for message, count in counts.most_common()
    ]


def _check_gap(max_gap: float | None) -> None:
    if max_gap is not None and not 0 <= max_gap < inf:
        raise ReplayInvalid("The longest gap is a number of seconds from 0 up.", pointer="/max_gap")
