"""Uploads that wait for a second person: kept as drafts, each with its request."""

from access import audit
from access.actor import Actor
from registry.judge import Judgement
from registry.models import Approval, Version


def must_wait(judgement: Judgement) -> bool:
    """Whether a subject that asks for approval lets this in only by it: what its rules refuse, and every new major."""
    required = judgement.label.required
    return (
        judgement.label.declared_major
        or judgement.status in {"incompatible", "undecided"}
        or (required is not None and required.level == "major")
    )


def request_approval(*, actor: Actor, draft: Version) -> Approval:
    """Puts a draft into the queue. Call it inside the transaction that stores the draft."""
    # The unique constraint decides between two requests for one draft.
    asked = Approval(version=draft, requested_by=actor.label, requester=actor.user)
    Approval.objects.bulk_create([asked], ignore_conflicts=True)
    pending = Approval.objects.get(version=draft, state=Approval.State.PENDING)
    audit.record(
        actor=actor,
        action="approval.requested",
        target=f"subject/{draft.subject.name}",
        details={"approval": pending.pk, "version": draft.number, "semver": draft.semver},
    )
    return pending


def pending_for(draft: Version) -> Approval | None:
    return (
        Approval.objects.select_related("version__subject", "version__identity")
        .waiting()
        .filter(version=draft)
        .first()
    )
