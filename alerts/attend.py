"""What people do about an episode: somebody sees to it, says something about it, or ends it."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from alerts.errors import EpisodeEnded, InvalidEpisodeEntry
from alerts.lists import find_episode
from alerts.models import Channel, Episode, EpisodeEntry, Rule
from alerts.notify import notify
from alerts.rules import require_types

#: How long an acknowledgement holds when nobody says, and at most.
ACKNOWLEDGED_FOR = timedelta(hours=4)
ACKNOWLEDGED_AT_MOST = timedelta(days=30)
MAX_TEXT = 10_000


def acknowledge_episode(
    *, actor: Actor, episode_id: int, lasts: timedelta = ACKNOWLEDGED_FOR, reason: str = ""
) -> Episode:
    """The actor sees to it until then; said again, or by somebody else, it holds anew.

    Raises EpisodeNotFound, Forbidden, EpisodeEnded, InvalidEpisodeEntry.
    """
    _check_text(reason, "/reason")
    if not timedelta(minutes=1) <= lasts <= ACKNOWLEDGED_AT_MOST:
        raise InvalidEpisodeEntry(
            f"An acknowledgement holds for a minute at least and {ACKNOWLEDGED_AT_MOST.days} days at most.",
            pointer="/minutes",
        )
    with transaction.atomic():
        episode = _firing(actor, episode_id)
        episode.acknowledged_by, episode.acknowledged_until = actor.label, timezone.now() + lasts
        episode.save(update_fields=["acknowledged_by", "acknowledged_until"])
        until = episode.acknowledged_until
        _note(actor, "episode.acknowledged", episode, text=reason, until=until)
    return episode


def unacknowledge_episode(*, actor: Actor, episode_id: int) -> Episode:
    """Nobody sees to it any more. Changes nothing when nobody did. Raises EpisodeNotFound, Forbidden, EpisodeEnded."""
    with transaction.atomic():
        episode = _firing(actor, episode_id)
        if episode.acknowledged_by:
            episode.acknowledged_by, episode.acknowledged_until = "", None
            episode.save(update_fields=["acknowledged_by", "acknowledged_until"])
            _note(actor, "episode.unacknowledged", episode)
    return episode


def note_on_episode(*, actor: Actor, episode_id: int, text: str) -> EpisodeEntry:
    """Also on one that is over. Raises EpisodeNotFound, Forbidden, InvalidEpisodeEntry."""
    _check_text(text, "/text")
    if not text.strip():
        raise InvalidEpisodeEntry("A note says something.", pointer="/text")
    with transaction.atomic():
        return _note(actor, "episode.note", _locked(actor, episode_id), text=text.strip())


def resolve_episode(*, actor: Actor, episode_id: int, reason: str = "") -> Episode:
    """Ends it now and tells its channels. The next event that puts the group over the threshold begins a new one.

    Raises EpisodeNotFound, Forbidden, EpisodeEnded, InvalidEpisodeEntry.
    """
    _check_text(reason, "/reason")
    with transaction.atomic():
        episode, now = _firing(actor, episode_id), timezone.now()
        episode.state, episode.resolved_at = Episode.State.RESOLVED, now
        # What comes from now on is another episode; a producer's clock may be ahead of ours.
        episode.closes_at = max(episode.fired_at, min(episode.closes_at, now))
        episode.ended_by = _ended(actor, reason)
        episode.save(update_fields=["state", "resolved_at", "closes_at", "ended_by"])
        _note(actor, "episode.resolved", episode, text=reason)
        channels = list(Channel.objects.told_about(episode))
        notify(episode=episode, what="resolved", channels=channels, now=now)
    return episode


def _ended(actor: Actor, reason: str) -> str:
    field = Episode._meta.get_field("ended_by")
    whole = f"{actor.label} resolved it{': ' if reason.strip() else '.'}{reason.strip()}"
    room = field.max_length or len(whole)
    return whole if len(whole) <= room else f"{whole[: room - 1]}…"


def _locked(actor: Actor, episode_id: int) -> Episode:
    """The episode with its rule's row locked against the evaluator, if the actor may do something about it."""
    rule_id = find_episode(actor, episode_id).rule_id
    rule = Rule.objects.select_for_update(no_key=True, of=("self",)).select_related("current").get(pk=rule_id)
    assert rule.current is not None
    types = rule.current.event_types
    require_types(actor, None if types is None else frozenset(types))
    return find_episode(actor, episode_id)


def _firing(actor: Actor, episode_id: int) -> Episode:
    episode = _locked(actor, episode_id)
    if episode.state != Episode.State.FIRING:
        raise EpisodeEnded(f"Episode {episode.pk} is over.", episode=episode.pk)
    return episode


def _note(actor: Actor, action: str, episode: Episode, **said: object) -> EpisodeEntry:
    """In the course of the episode, and under the same name in the audit log."""
    kind = EpisodeEntry.Kind(action.removeprefix("episode."))
    entry = EpisodeEntry.objects.create(episode=episode, kind=kind, by=actor.label, **said)
    audit.record(
        actor=actor,
        action=action,
        target=f"episode/{episode.pk}",
        details={"rule": episode.rule.name, **{name: str(value) for name, value in said.items() if value}},
    )
    return entry


def _check_text(text: str, pointer: str) -> None:
    if len(text) > MAX_TEXT or "\0" in text:
        raise InvalidEpisodeEntry(
            f"A text has at most {MAX_TEXT:,} characters, and no NUL among them.", pointer=pointer
        )
