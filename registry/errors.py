"""What the catalogue refuses, by what the caller can do about it.

    ProductError
    ├── SubjectNotFound, VersionNotFound, SchemaNotFound …     ask for something else
    ├── SubjectSoftDeleted … VersionNotSoftDeleted             delete in the right order
    ├── LevelNotConfigured, ModeNotConfigured, ContextNotFound nothing is set at this place
    ├── InvalidSchema, InvalidReference, SchemaTooLarge        mend the schema
    ├── InvalidSubject, InvalidVersion, InvalidLevel …         mend the request
    ├── Incompatible, Undecided, VersionTooLow, VersionTaken   publish something else, or under another version
    ├── IdMismatch, NextVersionExpected                        import under another id or number
    ├── ApprovalRequired, AlreadyDecided, OwnApproval …        somebody else has to decide, or has
    ├── InvalidTransition, InvalidDeprecation                  mend what was asked about a state
    └── NotPermitted, ReferenceExists, ContextNotEmpty, Busy   not now

Messages of errors that registry clients know by number are Confluent's, word for word.
"""

from collections.abc import Sequence

from access.errors import ProductError
from registry.models import Approval


class SubjectNotFound(ProductError):
    kind = "not_found"
    code = "subject_not_found"

    def __init__(self, subject: str) -> None:
        super().__init__(f"Subject '{subject}' not found.", subject=subject)


class VersionNotFound(ProductError):
    kind = "not_found"
    code = "version_not_found"

    def __init__(self, version: int | str, *, subject: str) -> None:
        super().__init__(f"Version {version} not found.", subject=subject, version=version)


class SchemaNotFound(ProductError):
    kind = "not_found"
    code = "schema_not_found"

    @classmethod
    def with_id(cls, content_id: int) -> "SchemaNotFound":
        return cls(f"Schema {content_id} not found", id=content_id)

    @classmethod
    def with_guid(cls, guid: str) -> "SchemaNotFound":
        return cls(f"Schema {guid} not found", guid=guid)

    @classmethod
    def under(cls, subject: str) -> "SchemaNotFound":
        return cls("Schema not found", subject=subject)


class NoExample(ProductError):
    """The schema admits nothing, or nothing was found that two validators accept."""

    kind = "not_found"
    code = "no_example"

    def __init__(self, subject: str, version: int) -> None:
        super().__init__(
            f"For version {version} of '{subject}' no example was found that validates: perhaps the schema admits "
            "nothing. Its author can give one in the keyword `examples`.",
            subject=subject,
            version=version,
        )


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


class LevelNotConfigured(ProductError):
    kind = "not_found"
    code = "subject_level_not_configured"

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"Subject '{subject}' does not have subject-level compatibility configured", subject=subject
        )


class ModeNotConfigured(ProductError):
    kind = "not_found"
    code = "subject_mode_not_configured"

    def __init__(self, subject: str) -> None:
        super().__init__(f"Subject '{subject}' does not have subject-level mode configured", subject=subject)


class InvalidSchema(ProductError):
    """`pointer` in the facts is where in the schema, when one place is to blame."""

    code = "invalid_schema"


class InvalidReference(InvalidSchema):
    """A reference that names no version of this registry, or does so ambiguously."""


class InvalidRuleSet(ProductError):
    code = "invalid_rule_set"

    def __init__(self, problem: str, *, pointer: str) -> None:
        super().__init__(f"Invalid ruleSet: {pointer} {problem}.", pointer=pointer)


class NextVersionExpected(InvalidSchema):
    """An upload names the number of its version, which only an import chooses."""

    def __init__(self, number: int, *, expected: int) -> None:
        super().__init__(
            "Version is not one more than previous version", pointer="/version", version=number, next=expected
        )


class IdMismatch(ProductError):
    code = "id_does_not_match"

    def __init__(self, number: int, context: str) -> None:
        super().__init__(
            f"Overwrite new schema with id {number} in context {context} is not permitted.",
            id=number,
            context=context,
        )


class SchemaTooLarge(ProductError):
    kind = "too_large"
    code = "schema_too_large"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"The schema has {size} bytes; this registry takes up to {limit} (setting SCHEMA_MAX_BYTES).",
            size=size,
            limit=limit,
        )


class InvalidSubject(ProductError):
    code = "invalid_subject"


class InvalidVersion(ProductError):
    code = "invalid_version"

    def __init__(self, version: object) -> None:
        super().__init__(
            f"The specified version '{version}' is not a valid version id. Allowed values are between "
            '[1, 2^31-1] and the string "latest"; this registry also takes an exact SemVer such as 1.2.0 and '
            "a range such as ^1.2.",
            version=str(version),
        )


class InvalidSemver(ProductError):
    """A declared version that is no SemVer 2.0.0."""

    code = "invalid_version"

    def __init__(self, semver: str) -> None:
        super().__init__(
            f"'{semver}' is not a SemVer version. Write major.minor.patch, as in 1.4.0.", semver=semver
        )


class InvalidLevel(ProductError):
    code = "invalid_compatibility_level"

    def __init__(self, level: object) -> None:
        super().__init__(
            "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, "
            "forward_transitive, and full_transitive",
            level=str(level),
        )


class InvalidPolicy(ProductError):
    code = "invalid_compatibility_level"

    def __init__(self, policy: object) -> None:
        super().__init__(
            "Invalid compatibility policy. Valid values are DECLARED, OPEN, STRICT and LENIENT",
            policy=str(policy),
        )


class InvalidMode(ProductError):
    code = "invalid_mode"

    def __init__(self, mode: object) -> None:
        super().__init__(
            "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.", mode=str(mode)
        )


class ForwardEverywhereOnly(ProductError):
    code = "invalid_mode"

    def __init__(self, subject: str) -> None:
        super().__init__("Forward mode only supported on global level", subject=subject)


class InvalidSearch(ProductError):
    """`position` in the facts is the character at which the search stops being readable."""

    code = "invalid_search"


class InvalidSettings(ProductError):
    """A subject setting with a value it cannot have."""

    code = "invalid_subject_settings"


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


class ContextNotFound(ProductError):
    kind = "not_found"
    code = "context_not_found"

    def __init__(self, context: str) -> None:
        super().__init__(f"Context '{context}' not found.", context=context)


class ContextNotEmpty(ProductError):
    code = "context_not_empty"

    def __init__(self, context: str, subjects: int) -> None:
        super().__init__(
            f"The specified context '{context}' is not empty: it has {subjects} subjects, soft-deleted ones "
            "included. Delete them for good first.",
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


class InvalidDeprecation(ProductError):
    """A sunset or successor that a version cannot have."""

    code = "invalid_deprecation"


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


class ApprovalNotFound(ProductError):
    kind = "not_found"
    code = "approval_not_found"

    def __init__(self, approval_id: int) -> None:
        super().__init__(f"Approval {approval_id} not found.", approval=approval_id)


class StudyNotFound(ProductError):
    kind = "not_found"
    code = "study_not_found"

    def __init__(self, study_id: int) -> None:
        super().__init__(f"Study {study_id} not found.", study=study_id)


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


class Busy(ProductError):
    """Too many others published under this subject at the same moment."""

    kind = "unavailable"
    code = "subject_busy"


class NothingToImport(ProductError):
    """A folder in which no schema lies where schemas are expected."""

    code = "nothing_to_import"

    def __init__(self, folder: object) -> None:
        super().__init__(
            f"There is no self-describing schema under {folder}: they lie at "
            "VENDOR/NAME/jsonschema/MODEL-REVISION-ADDITION.",
            folder=str(folder),
        )


class ImportRefused(ProductError):
    """One file of an import that does not go with what was imported before."""

    kind = "conflict"
    code = "import_refused"
