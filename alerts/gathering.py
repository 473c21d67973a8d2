"""Whether a channel is told of something at once, or together with what else comes: fewer messages, and none lost.

Three things gather: a channel that waits for what comes close together (`gather_seconds`), one that was told too much within a minute
(`most_per_minute`), and a rule one group of which fires again and again (`flapping_after`). `alerts.digest` tells what was gathered.
"""

from datetime import datetime, timedelta

from django.db.models import Min

from access.models import Delivery
from alerts.channel_kinds import KINDS
from alerts.models import ABOUT, Channel, Episode, Gathered

# What deliveries of digests are found by, beside the number of the channel.
ABOUT_DIGEST = "alerts.digest"
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


def gather(channel: Channel, episode: Episode, what: str, now: datetime) -> bool:
    """Writes it down for the next digest of the channel, if it is not to be told at once."""
    wanted = _wanted(channel, episode, what, now)
    if wanted is None:
        return False
    why, wait = wanted
    _write(channel, episode, what, why, due_at=now + wait)
    return True


def gather_reminder(channel: Channel, episode: Episode, now: datetime) -> bool:
    """Likewise a reminder, which only a limit holds back: who is reminded has heard of it, and is to hear that it is over."""
    if not is_over_limit(channel, now):
        return False
    _write(channel, episode, "firing", Gathered.Why.LIMITED, due_at=now)
    return True


def _write(channel: Channel, episode: Episode, what: str, why: Gathered.Why, *, due_at: datetime) -> None:
    # What waits already is told by then, and this with it.
    waiting = Gathered.objects.filter(channel=channel, why=why, due_at__lte=due_at)
    first = waiting.aggregate(first=Min("due_at"))["first"] or due_at
    one = Gathered(channel=channel, episode=episode, what=what, why=why, due_at=first)
    Gathered.objects.bulk_create([one], ignore_conflicts=True)


def never_told(channel: Channel, episode: Episode) -> bool:
    """Whether a channel has not heard yet that the episode fires, which is over now.

    What came and went while the channel gathers is not told at all; what was held for its number is, in a digest.
    """
    waiting = Gathered.objects.filter(channel=channel, episode=episode, what="firing")
    if waiting.filter(why=Gathered.Why.GROUPED).delete()[0]:
        return True
    return waiting.exists()


def is_over_limit(channel: Channel, now: datetime) -> bool:
    """Whether it was told as much within the last minute as it takes."""
    if channel.most_per_minute is None:
        return False
    sent = Delivery.objects.filter(
        target=channel.target, created_at__gt=now - _MINUTE, about__in=(ABOUT, ABOUT_DIGEST)
    )
    # An e-mail to many is one thing told.
    things = sent.order_by().values("about", "about_id", "created_at").distinct()
    return things[: channel.most_per_minute].count() >= channel.most_per_minute


def _wanted(
    channel: Channel, episode: Episode, what: str, now: datetime
) -> tuple[Gathered.Why, timedelta] | None:
    if "gather_seconds" not in KINDS[channel.kind].parts:
        return None
    if what == "firing" and _flaps(episode):
        return Gathered.Why.FLAPPING, _HOUR
    if channel.gather_seconds:
        return Gathered.Why.GROUPED, timedelta(seconds=channel.gather_seconds)
    return (Gathered.Why.LIMITED, timedelta()) if is_over_limit(channel, now) else None


def _flaps(episode: Episode) -> bool:
    """Whether its group has fired more often within an hour than the rule tells one by one."""
    most = episode.rule.flapping_after
    if most is None:
        return False
    before = Episode.objects.filter(
        rule=episode.rule_id,
        group_key=episode.group_key,
        fired_at__gt=episode.fired_at - _HOUR,
        fired_at__lte=episode.fired_at,
    )
    return before.exclude(pk=episode.pk)[:most].count() >= most
