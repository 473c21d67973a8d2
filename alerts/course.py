"""The course of an episode: what happened in which order, from the first event to the last word about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from access.models import Delivery
from alerts.lists import deliveries_of
from alerts.models import Channel, Episode, EpisodeEntry
from alerts.models.channels import TARGET


@dataclass(frozen=True, slots=True)
class Happened:
    """`what` is one word for machines; `by` is whoever did it, "" for the registry itself."""

    at: datetime
    what: str
    sentence: str
    text: str = ""
    by: str = ""
    delivery: int | None = None


_SAID = {
    EpisodeEntry.Kind.ACKNOWLEDGED: "{by} sees to it until {until:%Y-%m-%d %H:%M} UTC",
    EpisodeEntry.Kind.UNACKNOWLEDGED: "{by} no longer sees to it",
    EpisodeEntry.Kind.NOTE: "{by} noted",
    EpisodeEntry.Kind.RESOLVED: "{by} resolved it",
    EpisodeEntry.Kind.ESCALATED: "Nobody saw to it, so others are told",
    EpisodeEntry.Kind.INHIBITED: "Nobody is told while {by} fires",
    EpisodeEntry.Kind.GATHERED: "{by} was told in a digest",
    EpisodeEntry.Kind.MUTED: "Nobody is told until {until:%Y-%m-%d %H:%M} UTC: {by}",
}


def course_of(episode: Episode) -> list[Happened]:
    """The oldest first."""
    return sorted(_happened(episode), key=lambda one: one.at)


def _happened(episode: Episode) -> Iterator[Happened]:
    yield Happened(episode.started_at, "began", "The first of its events occurred")
    yield Happened(episode.fired_at, "fired", "There were enough of them: it fired")
    resolved = False
    for entry in episode.entries.all():
        resolved = resolved or entry.kind == EpisodeEntry.Kind.RESOLVED
        sentence = _SAID[EpisodeEntry.Kind(entry.kind)].format(by=entry.by, until=entry.until)
        yield Happened(entry.at, entry.kind, sentence, entry.text, entry.by)
    if episode.resolved_at and not resolved:
        yield Happened(episode.resolved_at, "resolved", episode.ended_by or "It was over")
    yield from _told(episode)
    yield from _acted(episode)


def _acted(episode: Episode) -> Iterator[Happened]:
    for run in episode.action_runs.select_related("action__channel"):
        at = run.ended_at or run.began_at or run.created_at
        yield Happened(at, "action", f"To {run.action.in_words}: {run.state}", run.said)


def _told(episode: Episode) -> Iterator[Happened]:
    sent = list(deliveries_of(episode).defer("body", "secret"))
    names = {channel.target: channel.name for channel in _channels(sent)}
    for one in sent:
        where = names.get(one.target, "a channel that is gone")
        what = next((word for word in ("resolved", "reminder") if f"-{word}-" in one.message_id), "firing")
        if one.finished_at is None:
            held = one.held_until is not None and one.attempts == 0
            yield Happened(
                one.created_at,
                "held" if held else "sending",
                f"{where} is to be told: {what}",
                delivery=one.pk,
            )
        else:
            yield Happened(
                one.finished_at,
                one.state,
                _OUTCOMES[Delivery.State(one.state)].format(where, what),
                delivery=one.pk,
            )


_OUTCOMES = {
    Delivery.State.DELIVERED: "{} was told: {}",
    Delivery.State.DEAD: "{} could not be told: {}",
    Delivery.State.CANCELLED: "{} was not told, as it was over before: {}",
}


def _channels(sent: list[Delivery]) -> Iterator[Channel]:
    keys = {one.target.removeprefix(TARGET) for one in sent if one.target.startswith(TARGET)}
    yield from Channel.objects.filter(pk__in=[key for key in keys if key.isdigit()])
