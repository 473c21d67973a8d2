"""What the stored events say about deleting a version: those it judged, and when the last one came."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max

from access.actor import Actor
from events.models import Event
from registry.judge import Finding
from registry.models import Version

WITNESS = "events.usage.stored_events"


def stored_events(version: Version, _actor: Actor) -> list[Finding]:
    """One finding: how many retained events it judged. They stay readable, but who reads them needs the schema."""
    judged = Event.objects.filter(event_type=version.subject.name, content_id=version.content_id)
    found = judged.aggregate(count=Count("position"), last=Max("received_at"))
    if not found["count"]:
        told = f"No stored event of '{version.subject}' was judged by it."
        return [Finding(WITNESS, "info", told, {"retained": 0, "last_event": None})]
    recent = found["last"] > datetime.now(UTC) - timedelta(days=settings.USAGE_DAYS)
    told = (
        f"{found['count']:,} retained event{'s were' if found['count'] > 1 else ' was'} judged by it, the last one "
        f"received on {found['last']:%Y-%m-%d %H:%M} UTC{'' if recent else ', which is long ago'}."
    )
    facts = {"retained": found["count"], "last_event": found["last"].isoformat(), "recent": recent}
    return [Finding(WITNESS, "warning", told, facts)]
