"""Quiet hours of a channel: what it is told then waits until they end, and is not told at all when it is over by then."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.errors import InvalidChannel
from alerts.models import Channel, Severity


def held_until(channel: Channel, severity: str, at: datetime) -> datetime | None:
    """When the quiet hours end, if it is quiet now; None when it may be told at once, as critical always may."""
    begin, end = channel.quiet_from, channel.quiet_until
    if begin is None or end is None or severity == Severity.CRITICAL:
        return None
    zone = ZoneInfo(channel.time_zone)
    local = at.astimezone(zone)
    if not _within(local.time(), begin, end):
        return None
    # On the clock of the place, so that a night with a change of summer time ends when people get up.
    day = local.date() if local.time() < end else local.date() + timedelta(days=1)
    return datetime.combine(day, end, zone)


def _within(now: time, begin: time, end: time) -> bool:
    return begin <= now < end if begin < end else now >= begin or now < end


def check_quiet_hours(channel: Channel) -> None:
    """Raises InvalidChannel."""
    if (channel.quiet_from is None) != (channel.quiet_until is None):
        missing = "quiet_from" if channel.quiet_from is None else "quiet_until"
        raise InvalidChannel("Quiet hours have a beginning and an end, or neither.", pointer=f"/{missing}")
    if channel.quiet_from is not None and channel.quiet_from == channel.quiet_until:
        raise InvalidChannel(
            "Quiet hours end at another time than they begin; to be told nothing, disable the channel.",
            pointer="/quiet_until",
        )
    try:
        ZoneInfo(channel.time_zone)
    except (KeyError, ValueError, OSError):
        raise InvalidChannel(
            f"'{channel.time_zone[:100]}' is no time zone; there are Europe/Berlin, America/New_York, UTC …",
            pointer="/time_zone",
        ) from None
