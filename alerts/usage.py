"""What alert rules say about deleting a version: those that read its subject's events."""

from access.actor import Actor
from alerts.models import Rule
from registry.judge import Finding
from registry.models import Version

WITNESS = "alerts.usage.rules"


def rules(version: Version, actor: Actor) -> list[Finding]:
    """One finding. Rules read a subject's events whatever version judged them, so they miss only the last version."""
    subject = version.subject.name
    about = Rule.objects.living().filter(current__event_types__contains=[subject])
    count = about.count()
    if not count:
        return [Finding(WITNESS, "info", "No alert rule is about its subject alone.", {"rules": []})]
    others = Version.objects.live().filter(subject=version.subject).exclude(pk=version.pk).exists()
    named = list(about.visible_to(actor).order_by("name").values_list("name", flat=True)[:10])
    told = f"{count:,} alert rule{'s read' if count > 1 else ' reads'} events of '{subject}'" + (
        "; other live versions go on judging them." if others else ", which nothing would judge any more."
    )
    return [Finding(WITNESS, "info" if others else "warning", told, {"rules": named, "count": count})]
