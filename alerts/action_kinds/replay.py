"""Replays the evidence of an episode: to a webhook that a channel names, or to be watched."""

from uuid import UUID

from access.actor import Actor
from access.signing import PREFIX
from alerts.action_kinds.kind import ActionKind, Begun
from alerts.errors import InvalidAction
from alerts.models import Action, ActionRun, Channel
from events import changes
from events.errors import ReplayOver
from events.replay import Destination, Manner, create_replay
from events.replay_scope import Scope
from events.steer_replay import cancel_replay

# Whoever watches does not wait for a quiet hour to pass.
_LONGEST_GAP = 5.0


def _require(actor: Actor, action: Action) -> None:
    edition = action.rule.current
    assert edition is not None
    if edition.event_types is None:
        actor.require_everywhere("replay")
    for event_type in edition.event_types or ():
        changes.require(actor, "replay", event_type)
    if action.channel is not None:
        # The address of a channel is shown only to who may change channels.
        actor.require_everywhere("alert")
        _destination(action.channel)


def _destination(channel: Channel) -> Destination:
    if channel.kind != Channel.Kind.WEBHOOK or not channel.secret.startswith(PREFIX):
        raise InvalidAction(
            "Events are replayed to a webhook that is signed with v1; other channels take messages, not events.",
            pointer="/channel",
        )
    return Destination(kind="webhook", address=channel.url, secret=channel.secret)


def _begin(actor: Actor, run: ActionRun) -> Begun:
    action = run.action
    if action.to_channel and action.channel is None:
        raise InvalidAction("The channel that the events were to go to was deleted.", pointer="/channel")
    to = _destination(action.channel) if action.channel else Destination(kind="browser")
    positions = list(run.episode.evidence.values_list("position", flat=True))
    replay = create_replay(
        actor=actor,
        scope=Scope(positions=positions),
        to=to,
        manner=Manner(max_gap=_LONGEST_GAP) if to.kind == "browser" else Manner(speed=0),
    )
    return Begun(f"A replay of {replay.total} events was started.", {"replay": str(replay.pk)})


def _take_back(actor: Actor, run: ActionRun) -> str:
    try:
        cancel_replay(actor=actor, replay_id=UUID(run.before["replay"]))
    except ReplayOver:
        return "The replay had come to its end."
    return "The replay was cancelled."


KIND = ActionKind("replay", frozenset(), _require, _begin, _take_back)
