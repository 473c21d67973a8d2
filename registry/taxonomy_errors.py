"""What can go wrong with taxonomies."""

from collections.abc import Sequence

from access.errors import ProductError


class TaxonomyNotFound(ProductError):
    kind = "not_found"
    code = "taxonomy_not_found"

    @classmethod
    def named(cls, name: str) -> "TaxonomyNotFound":
        return cls(f"There is no taxonomy '{name}'.", taxonomy=name)


class TaxonomyVersionNotFound(ProductError):
    kind = "not_found"
    code = "taxonomy_version_not_found"

    @classmethod
    def of(cls, name: str, version: str) -> "TaxonomyVersionNotFound":
        message = f"The taxonomy '{name}' has no version '{version}'. Ask for latest, a number, a SemVer or a range."
        return cls(message, taxonomy=name, version=version)


class CodeNotFound(ProductError):
    kind = "not_found"
    code = "code_not_found"

    @classmethod
    def in_tree(
        cls, text: str, *, taxonomy: str, version: str, normal: str | None, area: str | None
    ) -> "CodeNotFound":
        """`normal` is the form that was looked up; `area` the known area it would belong to."""
        if normal is None:
            message = f"'{text}' does not have the form of a code of '{taxonomy}', such as PREFIX_AREA_102."
        else:
            where = f" The area {area} exists, this number in it does not." if area else ""
            message = f"'{text}' is not a code of '{taxonomy}' {version}.{where}"
        return cls(message, taxonomy=taxonomy, version=version, looked_up=normal, area=area)


class LanguageNotFound(ProductError):
    kind = "not_found"
    code = "language_not_found"

    @classmethod
    def named(cls, name: str, known: Sequence[str]) -> "LanguageNotFound":
        message = f"There is no generator for '{name}'. Ask for {', '.join(known)}."
        return cls(message, language=name, known=list(known))


class InvalidPackage(ProductError):
    """What `package` asks for is no package name of the language."""

    code = "invalid_package"


class TooManyCodes(ProductError):
    kind = "too_large"
    code = "too_many_codes"


class InvalidTaxonomy(ProductError):
    """The document is not a taxonomy; `problems` holds one sentence (and pointer) each."""

    code = "invalid_taxonomy"

    @classmethod
    def because(cls, problems: Sequence[dict[str, str]]) -> "InvalidTaxonomy":
        first = problems[0]
        where = f" at {first['pointer']}" if first["pointer"] else ""
        remedy = f" {first['remedy']}" if first.get("remedy") else ""
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        message = f"This is not a taxonomy{where}: {first['message'].rstrip('.')}.{remedy}{more}"
        return cls(message, pointer=first["pointer"], problems=list(problems))


class UnreadableTaxonomy(InvalidTaxonomy):
    """The text is neither JSON nor YAML that everyone reads alike; `line` and `column` say where it can be said."""


class TaxonomyTooLarge(ProductError):
    kind = "too_large"
    code = "taxonomy_too_large"

    @classmethod
    def bytes(cls, size: int, limit: int) -> "TaxonomyTooLarge":
        message = f"The taxonomy has {size:,} bytes; {limit:,} are allowed (setting TAXONOMY_MAX_BYTES)."
        return cls(message, size=size, limit=limit)

    @classmethod
    def codes(cls, count: int, limit: int) -> "TaxonomyTooLarge":
        message = f"The taxonomy has {count:,} codes; {limit:,} are allowed (setting TAXONOMY_MAX_CODES)."
        return cls(message, codes=count, limit=limit)


class TaxonomyBusy(ProductError):
    """Too many others published this taxonomy at the same moment."""

    kind = "unavailable"
    code = "taxonomy_busy"


class TaxonomyRuleBroken(ProductError):
    """The new edition changes what no edition may change, or is called less than it is.

    `changes` holds each refused change with its code, pointer, rule and remedy.
    """

    kind = "conflict"
    code = "taxonomy_rule_broken"
