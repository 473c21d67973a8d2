"""What can go wrong with imports as a whole; what single subjects are refused for is listed in the report."""

from collections.abc import Sequence

from access.errors import ProductError


class InvalidArchive(ProductError):
    """Not an archive of a catalogue, or a damaged one. Facts: `problems`, all that were found."""

    code = "invalid_archive"

    @classmethod
    def because(cls, problems: Sequence[str]) -> "InvalidArchive":
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        return cls(f"The archive cannot be imported: {problems[0]}{more}", problems=list(problems))


class ArchiveTooLarge(ProductError):
    """Beyond a limit; `setting` names it."""

    kind = "too_large"
    code = "archive_too_large"

    def __init__(self, what: str, limit: int, setting: str) -> None:
        told = f"The archive has {what}; {limit:,} is the limit. An operator can raise {setting}."
        super().__init__(told, limit=limit, setting=setting)


class RegistryUnusable(ProductError):
    """The other registry answers, but not as a registry does, or not to this user."""

    code = "registry_unusable"


class ImportNotFound(ProductError):
    kind = "not_found"
    code = "import_not_found"

    def __init__(self, import_id: int) -> None:
        super().__init__(f"Import {import_id} not found.", id=import_id)


class ImportNotRepeatable(ProductError):
    """Only a dry run that ended can be done for real, once, and within a day."""

    kind = "conflict"
    code = "import_not_repeatable"

    def __init__(self, import_id: int) -> None:
        super().__init__(
            f"Import {import_id} cannot be done for real: it is no finished dry run, it was done already, or what was "
            "uploaded is not kept any more. Start a new import.",
            id=import_id,
        )


class NotRestored(ProductError):
    """Subjects that could not be brought in; `reasons` lists all that stands in the way."""

    kind = "conflict"
    code = "not_restored"

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(reasons[0], reasons=list(reasons))
        self.reasons = list(reasons)
