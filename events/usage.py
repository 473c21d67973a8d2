"""What the stored events say about deleting a version: those it judged, and when the last one came."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max

from access.actor import Actor
from events import changes
from events.models import Event
from registry.judge import Finding
from registry.models import Version

WITNESS = "events.usage.stored_events"


def stored_events(version: Version, actor: Actor) -> list[Finding]:
    """One finding: how many retained events it judged. They stay readable, but who reads them needs the schema.

    When the last one came is told to those who may see all of them: changes of the catalogue tell of other subjects.
    """
    judged = Event.objects.filter(event_type=version.subject.name, content_id=version.content_id)
    found = judged.aggregate(count=Count("position"), last=Max("received_at"))
    if not found["count"]:
        told = f"No stored event of '{version.subject}' was judged by it."
        return [Finding(WITNESS, "info", told, {"retained": 0, "last_event": None})]
    if not changes.may(actor, "read", version.subject.name):
        told = f"{_judged(found['count'])}."
        return [Finding(WITNESS, "warning", told, {"retained": found["count"]})]
    recent = found["last"] > datetime.now(UTC) - timedelta(days=settings.USAGE_DAYS)
    told = f"{_judged(found['count'])}, the last one received on {found['last']:%Y-%m-%d %H:%M} UTC{'' if recent else ', which is long ago'}."
    facts = {"retained": found["count"], "last_event": found["last"].isoformat(), "recent": recent}
    return [Finding(WITNESS, "warning", told, facts)]


def _judged(count: int) -> str:
    return f"{count:,} retained event{'s were' if count > 1 else ' was'} judged by it"
