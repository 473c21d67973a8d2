"""What the world is told about an episode: one outbox row per channel, in the transaction that changes it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from access.actor import LABEL_LENGTH
from access.delivery import ALERT_SCHEDULE, enqueue_delivery, withdraw_held
from access.models import Delivery
from alerts.channel_kinds import KINDS
from alerts.gathering import gather, gather_reminder, never_told
from alerts.inhibition import inhibitor_of
from alerts.models import ABOUT, Channel, Episode, EpisodeEntry, Silence
from alerts.quiet import held_until
from alerts.silences import latest, reaches
from alerts.told import Told, about_episode
from alerts.want_actions import want_actions
from alerts.wording import worded


def notify(
    *,
    episode: Episode,
    what: Literal["firing", "resolved"],
    channels: list[Channel],
    now: datetime,
    silences: Sequence[Silence] = (),
) -> list[Delivery]:
    """Writes the messages for every enabled channel, and what the rule wants done. The same again changes nothing.

    What a channel's quiet hours or one of the active `silences` hold back is withdrawn when it is over before they are.
    A silence says that people know: nothing is done by itself then, nor later. The same is true while an episode of another rule
    inhibits this one, which then is told of when that is over, if it still fires.
    """
    if what == "firing" and _is_inhibited(episode, now):
        return []
    if what == "resolved" and episode.inhibited_at is not None:
        return []
    muted = _muted(episode, silences) if what == "firing" else None
    if what == "firing" and muted is None:
        want_actions(episode)
    if not channels:
        return []
    told = about_episode(episode, what, now)
    return [
        written
        for channel in channels
        if what == "firing" or not (_withdrawn(episode, channel) or never_told(channel, episode))
        if not gather(channel, episode, what, now)
        for written in write_messages(
            channel=channel,
            told=told,
            message_id=f"{told.thread}-{what}-{channel.pk}",
            about=ABOUT,
            about_id=episode.pk,
            hold=latest(held_until(channel, told.severity, now), muted) if what == "firing" else None,
        )
    ]


def _is_inhibited(episode: Episode, now: datetime) -> bool:
    inhibitor = inhibitor_of(episode)
    if inhibitor is None:
        if episode.inhibited_at is not None:
            Episode.objects.filter(pk=episode.pk).update(inhibited_at=None)
            episode.inhibited_at = None
        return False
    if episode.inhibited_at is None:
        Episode.objects.filter(pk=episode.pk).update(inhibited_at=now)
        episode.inhibited_at = now
        who = f"episode {inhibitor.pk} of {inhibitor.rule.name}"[:LABEL_LENGTH]
        EpisodeEntry.objects.create(episode=episode, kind=EpisodeEntry.Kind.INHIBITED, by=who)
    return True


def remind(*, episode: Episode, channels: list[Channel], now: datetime) -> list[Delivery]:
    """Tells again what still fires, but for channels in their quiet hours. `episode.reminders` counts this one already."""
    told = about_episode(episode, "firing", now)
    return [
        written
        for channel in channels
        if held_until(channel, told.severity, now) is None
        if not gather_reminder(channel, episode, now)
        for written in write_messages(
            channel=channel,
            told=told,
            message_id=f"{told.thread}-reminder-{episode.reminders}-{channel.pk}",
            about=ABOUT,
            about_id=episode.pk,
        )
    ]


def _muted(episode: Episode, silences: Sequence[Silence]) -> datetime | None:
    """Until when silences hold it, which its course then says."""
    reaching = [one for one in silences if reaches(one, episode)]
    EpisodeEntry.objects.bulk_create(
        EpisodeEntry(
            episode=episode,
            kind=EpisodeEntry.Kind.MUTED,
            by=f"silence {one.pk} by {one.created_by}"[:LABEL_LENGTH],
            text=one.reason,
            until=one.ends_at,
        )
        for one in reaching
    )
    return latest(*(one.ends_at for one in reaching))


def _withdrawn(episode: Episode, channel: Channel) -> bool:
    """Whether the channel never heard of the episode, and now need not."""
    return withdraw_held(about=ABOUT, about_id=episode.pk, target=channel.target) > 0


def write_messages(
    *,
    channel: Channel,
    told: Told,
    message_id: str,
    about: str,
    about_id: int,
    schedule: Sequence[float] = ALERT_SCHEDULE,
    hold: datetime | None = None,
    in_its_words: bool = True,
) -> list[Delivery]:
    """One outbox row for each message that the channel's kind makes of it. The words of its templates are for episodes."""
    said = worded(channel, told) if in_its_words else told
    return [
        enqueue_delivery(
            message_id=message_id + message.suffix,
            about=about,
            about_id=about_id,
            url=message.url,
            secret=message.secret,
            payload=message.body,
            schedule=schedule,
            target=channel.target,
            by=message.transport,
            held_until=hold,
        )
        for message in KINDS[channel.kind].messages(channel, said)
    ]
