"""Up to when a rule may decide what a late event could prove wrong.

Others wait for the slowest of their sources; here everybody waits `ALERT_WATERMARK_DELAY`, and whoever judges by what did not come waits as
well for the registry: nothing is decided beyond the last moment at which events could come in, and after an outage not before
producers had `ALERT_OUTAGE_GRACE` to send what they kept.
"""

from datetime import datetime, timedelta

from django.conf import settings

from events.doors import open_until, outage_at

_SECOND = timedelta(seconds=1)


def horizon(moment: datetime, *, wary: bool) -> datetime:
    """The instant up to which may be decided when the log was read up to a moment; `wary` of what did not come."""
    last = moment - settings.ALERT_WATERMARK_DELAY
    if not wary:
        return last
    known = open_until()
    outage = outage_at(moment, grace=settings.ALERT_OUTAGE_GRACE)
    return min([last, *([known] if known else []), *([outage.began_at] if outage else [])])


def look_again(instant: datetime, moment: datetime) -> datetime:
    """When to look whether an instant may be decided; not at once again where it was held up."""
    return max(instant + settings.ALERT_WATERMARK_DELAY, moment + _SECOND)


def held_since(moment: datetime) -> datetime | None:
    """Since when nothing is decided that is judged by what did not come; None when nothing holds it up."""
    since = horizon(moment, wary=True)
    # A few seconds between two words of the web processes hold nothing up that anybody notices.
    return since if since < moment - settings.ALERT_WATERMARK_DELAY - timedelta(seconds=15) else None
