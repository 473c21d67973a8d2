"""What has to be mended in the request."""

from access.errors import ProductError


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


class InvalidDeprecation(ProductError):
    """A sunset or successor that a version cannot have."""

    code = "invalid_deprecation"
