"""What the state of the catalogue does not allow."""

from collections.abc import Sequence

from access.errors import ProductError


class SubjectSoftDeleted(ProductError):
    kind = "not_found"
    code = "subject_soft_deleted"

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"Subject '{subject}' was soft deleted.Set permanent=true to delete permanently", subject=subject
        )


class SubjectNotSoftDeleted(ProductError):
    kind = "not_found"
    code = "subject_not_soft_deleted"

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"Subject '{subject}' was not deleted first before being permanently deleted", subject=subject
        )


class VersionSoftDeleted(ProductError):
    kind = "not_found"
    code = "version_soft_deleted"

    def __init__(self, subject: str, version: int) -> None:
        super().__init__(
            f"Subject '{subject}' Version {version} was soft deleted.Set permanent=true to delete permanently",
            subject=subject,
            version=version,
        )


class VersionNotSoftDeleted(ProductError):
    kind = "not_found"
    code = "version_not_soft_deleted"

    def __init__(self, subject: str, version: int) -> None:
        super().__init__(
            f"Subject '{subject}' Version {version} was not deleted first before being permanently deleted",
            subject=subject,
            version=version,
        )


class NotPermitted(ProductError):
    """The mode does not allow it."""

    code = "operation_not_permitted"

    @classmethod
    def not_in(cls, mode: str, subject: str, context: str) -> "NotPermitted":
        return cls(f"Subject {subject} in context {context} is not in {mode} mode", subject=subject)

    @classmethod
    def found_subjects(cls, subject: str) -> "NotPermitted":
        return cls("Cannot import since found existing subjects", subject=subject)

    @classmethod
    def number_taken(cls, subject: str, number: int) -> "NotPermitted":
        return cls(
            f"Version {number} of subject {subject} is another schema. Published versions never change; delete it "
            "first, or import under another number.",
            subject=subject,
            version=number,
        )


class ReadOnly(NotPermitted):
    def __init__(self, subject: str) -> None:
        where = f"Subject {subject}" if subject else "The registry"
        super().__init__(f"{where} is in read-only mode", subject=subject)


class ContextNotEmpty(ProductError):
    code = "context_not_empty"

    def __init__(self, context: str, subjects: int) -> None:
        super().__init__(
            f"The specified context '{context}' is not empty: it has {subjects} subject{'s' if subjects > 1 else ''}, "
            "soft-deleted ones included. Delete them for good first.",
            context=context,
            subjects=subjects,
        )


class ReferenceExists(ProductError):
    code = "reference_exists"

    def __init__(self, subject: str, version: int, users: Sequence[str], *, hidden: int = 0) -> None:
        unnamed = [f"{hidden} schema{'s' if hidden > 1 else ''} that you may not read"] if hidden else []
        super().__init__(
            f"One or more references exist to the schema {{magic=1,keytype=SCHEMA,subject={subject},version={version}}}. "
            f"Used by: {', '.join([*users, *unnamed])}.",
            subject=subject,
            version=version,
            used_by=list(users),
        )


class Incompatible(ProductError):
    """The level refuses it. Facts: the judgement (witness, changes, semver, against)."""

    kind = "conflict"
    code = "incompatible_schema"


class Undecided(Incompatible):
    """Neither proven nor refuted, which is refused unless the subject accepts it."""

    code = "undecided_schema"


class VersionTooLow(ProductError):
    """The declared SemVer promises more than the schemas keep."""

    kind = "conflict"
    code = "version_too_low"


class VersionTaken(ProductError):
    kind = "conflict"
    code = "version_taken"

    def __init__(self, subject: str, semver: str, number: int) -> None:
        super().__init__(
            f"{semver} of subject '{subject}' is version {number} already, with another schema. Published "
            "versions never change; declare a higher one.",
            subject=subject,
            semver=semver,
            version=number,
        )


class AlreadyPublished(ProductError):
    """A draft that would only repeat a live version."""

    kind = "conflict"
    code = "already_published"

    def __init__(self, subject: str, number: int) -> None:
        super().__init__(
            f"This very schema is version {number} of '{subject}' already. Delete the draft.",
            subject=subject,
            version=number,
        )


class InvalidTransition(ProductError):
    """A state that cannot follow the present one."""

    kind = "conflict"
    code = "invalid_transition"

    def __init__(
        self, present: str, wanted: str, *, deleted: bool = False, allowed: Sequence[str] = ()
    ) -> None:
        if deleted:
            told = "A deleted version has no state to change."
        else:
            can = f"It can become {' or '.join(allowed)}." if allowed else "Look at it again."
            told = f"A version that is {present} cannot become {wanted}. {can}"
        super().__init__(told, present=present, wanted=wanted, allowed=list(allowed))


class Busy(ProductError):
    """Too many others published under this subject at the same moment."""

    kind = "unavailable"
    code = "subject_busy"


class ImportRefused(ProductError):
    """One file of an import that does not go with what was imported before."""

    kind = "conflict"
    code = "import_refused"
