"""What is not there."""

from access.errors import ProductError


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


class ContextNotFound(ProductError):
    kind = "not_found"
    code = "context_not_found"

    def __init__(self, context: str) -> None:
        super().__init__(f"Context '{context}' not found.", context=context)


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


class NothingToImport(ProductError):
    """A folder in which no schema lies where schemas are expected."""

    code = "nothing_to_import"

    def __init__(self, folder: object) -> None:
        super().__init__(
            f"There is no self-describing schema under {folder}: they lie at "
            "VENDOR/NAME/jsonschema/MODEL-REVISION-ADDITION.",
            folder=str(folder),
        )
