"""Start a replay. The row is the whole state: steer_replay.py changes it, playback.py plays it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction

from access import audit
from access.actor import Actor
from access.errors import Forbidden
from events import changes
from events.errors import ReplayInvalid, ReplayNotFound
from events.models import Replay, ReplayItem
from events.replay_plan import Plan, check_speed, plan_replay
from events.replay_scope import Scope
from events.replay_targets import Prepared, Wanted, target_of
from events.signals import replay_wanted


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run goes."""

    # Multiplies; 0 is as fast as possible.
    speed: float = 1.0
    # Cuts longer waits, in seconds of original time.
    max_gap: float | None = None
    # None: by the producers' clocks where these can be believed.
    order: Replay.Order | None = None
    late_policy: Replay.Late = Replay.Late.CATCH_UP
    # How many passes follow the first.
    loop: int = 0
    # The version of their subject as which events are played: a range, an exact SemVer, a number, `latest`; "" as they were sent.
    read_as: str = ""

    def check(self) -> None:
        """Raises ReplayInvalid."""
        check_speed(self.speed)
        check_loop(self.loop)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the events go: one of settings.REPLAY_TARGETS and what it has to know."""

    kind: str = "webhook"
    address: str = ""
    secret: str = ""
    subject: str = ""
    version: str = ""
    schema: str = ""
    rule: Mapping[str, Any] = field(default_factory=dict)
    # Live alerts may see what is stored again.
    side_effects: bool = False


def create_replay(*, actor: Actor, scope: Scope, to: Destination, manner: Manner = Manner()) -> Replay:
    """Starts a run: its events are fixed now, a worker plays them from now on.

    With a `secret` (whsec_…) the requests to a webhook are signed. Raises what `plan_replay` and the target's
    `prepare` raise.
    """
    manner.check()
    if to.kind == "webhook":
        # Before the log is searched: an address that is refused is refused whatever there is to play.
        target_of(to.kind).prepare(actor, _wanted(to, []))
    target = target_of(to.kind)
    plan = plan_replay(
        actor=actor, scope=scope, max_gap=manner.max_gap, order=manner.order, read_as=manner.read_as
    )
    prepared = target.prepare(actor, _wanted(to, plan.event_types))
    _check_effects(actor, to, plan.event_types)
    with transaction.atomic():
        replay = _stored(plan, scope, to, prepared, manner, created_by=actor.label)
        _write_down(actor, replay, prepared)
        transaction.on_commit(lambda: replay_wanted.send(sender=Replay, replay_id=replay.pk))
    return replay


def _wanted(to: Destination, event_types: list[str]) -> Wanted:
    return Wanted(
        to.kind, to.address, to.secret, to.subject, to.version, to.schema, to.rule, event_types=event_types
    )


def _check_effects(actor: Actor, to: Destination, event_types: list[str]) -> None:
    if not to.side_effects:
        return
    if to.kind != "ingest":
        raise ReplayInvalid(
            "Only events that are stored again ('ingest') can have effects; leave side_effects out.",
            pointer="/side_effects",
        )
    for event_type in event_types:
        changes.require(actor, "effects", event_type)


def _stored(
    plan: Plan, scope: Scope, to: Destination, prepared: Prepared, manner: Manner, *, created_by: str
) -> Replay:
    """The run and its events, within the caller's transaction."""
    replay = Replay.objects.create(
        scope=scope.as_stored(),
        correlation_id=scope.correlation_id,
        kind=to.kind,
        target=prepared.label[:2000],
        options=prepared.options,
        secret=to.secret,
        side_effects=to.side_effects,
        read_as=manner.read_as,
        speed=manner.speed,
        max_gap=manner.max_gap,
        late_policy=manner.late_policy,
        passes_left=manner.loop,
        event_types=plan.event_types,
        order=plan.order,
        missing=plan.missing,
        total=len(plan.steps),
        length=plan.length,
        skipped=plan.skipped,
        created_by=created_by,
    )
    items = (
        ReplayItem(
            replay=replay,
            index=index,
            event_id=step.event_id,
            event_type=step.event_type,
            position=step.position,
            received_at=step.received_at,
            occurred_at=step.occurred_at,
            virtual=step.virtual,
        )
        for index, step in enumerate(plan.steps)
    )
    ReplayItem.objects.bulk_create(items, batch_size=2000)
    return replay


def _write_down(actor: Actor, replay: Replay, prepared: Prepared) -> None:
    target = f"replay/{replay.pk}"
    details = {
        **replay.scope,
        "to": replay.kind,
        "target": replay.target if prepared.place is None else prepared.place,
        "speed": replay.speed,
        "events": replay.total,
        **({"as": replay.read_as} if replay.read_as else {}),
    }
    audit.record(actor=actor, action="replay.started", target=target, details=details)
    if replay.side_effects:
        told = {"event_types": replay.event_types, "events": replay.total}
        audit.record(actor=actor, action="replay.effects_allowed", target=target, details=told)


def find_replay(*, actor: Actor, replay_id: uuid.UUID) -> Replay:
    """Raises ReplayNotFound also for a run that the actor may not see."""
    found = Replay.objects.visible_to(actor).filter(pk=replay_id).first()
    if found is None:
        raise ReplayNotFound(f"There is no replay {replay_id}.", replay_id=str(replay_id))
    return found


def find_readable_replay(*, actor: Actor, replay_id: uuid.UUID) -> Replay:
    """For what shows the events themselves. Raises ReplayNotFound, and Forbidden without `read` on all their types."""
    found = find_replay(actor=actor, replay_id=replay_id)
    for event_type in found.event_types:
        if not changes.may(actor, "read", event_type):
            raise Forbidden.lacking("read", event_type)
    return found


def check_loop(passes: int) -> None:
    """Raises ReplayInvalid."""
    if not 0 <= passes <= settings.REPLAY_MAX_PASSES:
        raise ReplayInvalid(
            f"A run is followed by 0 to {settings.REPLAY_MAX_PASSES} passes over the same events (REPLAY_MAX_PASSES).",
            pointer="/loop",
        )
