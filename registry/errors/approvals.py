"""What a second person has to decide, or has decided."""

from access.errors import ProductError
from registry.models import Approval


class ApprovalRequired(ProductError):
    """The upload is kept as a draft and waits for a second person. Facts: `approval`, and the draft's number and id."""

    kind = "conflict"
    code = "approval_required"

    @classmethod
    def of(cls, waiting: Approval | None) -> "ApprovalRequired":
        assert waiting is not None
        draft = waiting.version
        return cls(
            f"This upload to '{draft.subject.name}' waits for a second person: approval {waiting.pk}. It is kept as "
            f"draft {draft.number} and becomes {draft.semver} when somebody else than {waiting.requested_by} approves.",
            approval=waiting.pk,
            subject=draft.subject.name,
            version=draft.number,
            semver=draft.semver,
            id=draft.identity.number,
            # Why it waits; the approval has the whole verdict.
            status=draft.status,
            reason=draft.verdict.get("semver", {}).get("reason"),
        )


class AlreadyDecided(ProductError):
    kind = "conflict"
    code = "already_decided"

    def __init__(self, approval: Approval) -> None:
        told = f"was {approval.state} by {approval.decided_by}" if approval.decided_at else "was withdrawn"
        super().__init__(
            f"Approval {approval.pk} {told} meanwhile.", approval=approval.pk, state=approval.state
        )


class OwnApproval(ProductError):
    """Nobody approves what they uploaded, nor does a machine without a person behind it."""

    kind = "forbidden"
    code = "own_approval"


class ApprovalOutdated(ProductError):
    """Others published since the person who approves looked."""

    kind = "conflict"
    code = "approval_outdated"

    def __init__(self, approval_id: int, seen: int, latest: int) -> None:
        super().__init__(
            f"You looked at it beside version {seen}; version {latest} is the latest by now. Look at the verdict again.",
            approval=approval_id,
            seen=seen,
            latest=latest,
        )
