"""What is wrong with a migration between versions of a subject."""

from typing import Any

from access.errors import ProductError


class MigrationNotFound(ProductError):
    kind = "not_found"
    code = "migration_not_found"

    def __init__(self, subject: str, number: int) -> None:
        super().__init__(
            f"Subject '{subject}' has no migration {number}. Its list is at "
            f"/api/v1/subjects/{subject}/migrations.",
            subject=subject,
            migration=number,
        )


class InvalidMigration(ProductError):
    """Mend the request; `pointer` says where in it."""

    code = "invalid_migration"

    def __init__(self, sentence: str, *, pointer: str) -> None:
        super().__init__(f"Invalid migration: {sentence}. (at {pointer or '/'})", pointer=pointer)


class MigrationRefused(ProductError):
    """It does not do what it is for: `failures` says for which instances, and where."""

    kind = "conflict"
    code = "migration_refused"

    def __init__(self, sentence: str, **facts: Any) -> None:
        super().__init__(sentence, **facts)


class MigrationExists(ProductError):
    kind = "conflict"
    code = "migration_exists"

    def __init__(self, subject: str, source: str, target: str, number: int) -> None:
        super().__init__(
            f"Migration {number} of '{subject}' leads from {source} to {target} otherwise. A migration never changes: "
            "say 'replace' to put this one in its place, or retire that one first.",
            subject=subject,
            migration=number,
        )


class MigrationNotWaiting(ProductError):
    kind = "conflict"
    code = "migration_not_waiting"

    def __init__(self, number: int, state: str) -> None:
        super().__init__(f"Migration {number} does not wait for approval: it is {state}.", migration=number)
