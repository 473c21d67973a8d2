"""The second person's word on an upload that waits: it is judged anew against what is live by then."""

from functools import partial

from django.db import transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from registry.errors import AlreadyDecided, ApprovalNotFound, ApprovalOutdated, OwnApproval
from registry.models import Approval, Version
from registry.publish import Published, activate_draft


def find_approval(actor: Actor, approval_id: int) -> Approval:
    """Raises ApprovalNotFound, also for one of a subject that the actor may not read."""
    rows = Approval.objects.select_related(
        "version__subject", "version__content", "version__identity"
    ).readable_by(actor)
    found = rows.filter(pk=approval_id).first()
    if found is None:
        raise ApprovalNotFound(approval_id)
    return found


def may_decide(actor: Actor, approval: Approval) -> bool:
    """Whether this person is a second one."""
    return (
        actor.user is not None
        and actor.user.pk != approval.requester_id
        and actor.may("write", approval.version.subject.name)
    )


def approve(*, actor: Actor, approval_id: int, reason: str = "", seen: int | None = None) -> Published:
    """Publishes what waits. `seen` is the latest version beside which the actor judged it; it must still be that.

    Raises ApprovalNotFound, Forbidden, OwnApproval, AlreadyDecided, ApprovalOutdated, and what `activate_draft`
    raises; the upload then still waits.
    """
    approval = _open(actor, approval_id)
    decide = partial(_decide, actor, approval, Approval.State.APPROVED, reason, seen)
    return activate_draft(actor=actor, draft=approval.version, approved=True, within=decide)


def reject(*, actor: Actor, approval_id: int, reason: str) -> Approval:
    """The draft stays one, for its author to mend or delete. Raises as `approve` does, but never about the schema."""
    approval = _open(actor, approval_id)
    with transaction.atomic():
        _decide(actor, approval, Approval.State.REJECTED, reason, None)
    approval.refresh_from_db()
    return approval


def latest_beside(approval: Approval) -> int:
    """The number of the latest live version, 0 for none."""
    numbers = Version.objects.live().filter(subject=approval.version.subject).order_by("-number")
    return numbers.values_list("number", flat=True).first() or 0


def _open(actor: Actor, approval_id: int) -> Approval:
    approval = find_approval(actor, approval_id)
    actor.require("write", approval.version.subject.name)
    if not may_decide(actor, approval):
        raise OwnApproval("Somebody else than the uploader has to decide, and it has to be a person.")
    _require_waiting(approval)
    return approval


def _require_waiting(approval: Approval) -> None:
    if approval.state != Approval.State.PENDING or approval.version.deleted_at is not None:
        raise AlreadyDecided(approval)


def _decide(actor: Actor, approval: Approval, state: str, reason: str, seen: int | None) -> None:
    """Raises AlreadyDecided when somebody was faster: of two decisions at once, the update lets one through."""
    # By now the draft itself may be active and the latest one.
    before = Version.objects.live().filter(subject=approval.version.subject).exclude(pk=approval.version_id)
    latest = before.order_by("-number").values_list("number", flat=True).first() or 0
    if seen is not None and seen != latest:
        raise ApprovalOutdated(approval.pk, seen, latest)
    # Of columns of this row only: a join would be looked up before the wait for the row, and let both through.
    waiting = Approval.objects.filter(pk=approval.pk, state=Approval.State.PENDING)
    if not waiting.update(
        state=state, decided_by=actor.label, decider=actor.user, decided_at=timezone.now(), reason=reason
    ):
        raise AlreadyDecided(Approval.objects.get(pk=approval.pk))
    # It may have another number by now, and another label.
    approval.version.refresh_from_db(fields=["number", "semver"])
    audit.record(
        actor=actor,
        action=f"approval.{state}",
        target=f"subject/{approval.version.subject.name}",
        details={
            "approval": approval.pk,
            "version": approval.version.number,
            "semver": approval.version.semver,
            "reason": reason,
        },
    )
