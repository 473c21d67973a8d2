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
        message = f"The taxonomy '{name}' has no version '{version}'. Ask for latest, a number or a SemVer."
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
            where = f" The area {area} is known." if area else ""
            message = f"'{text}' is not a code of '{taxonomy}' {version}.{where}"
        return cls(message, taxonomy=taxonomy, version=version, looked_up=normal, area=area)


class InvalidTaxonomy(ProductError):
    """The document is not a taxonomy; `problems` holds one sentence (and pointer) each."""

    code = "invalid_taxonomy"

    @classmethod
    def because(cls, problems: Sequence[dict[str, str]]) -> "InvalidTaxonomy":
        first = problems[0]
        where = f" at {first['pointer']}" if first["pointer"] else ""
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        return cls(f"This is not a taxonomy{where}: {first['message']}{more}", problems=list(problems))


class TaxonomyRuleBroken(ProductError):
    """The new edition changes what no edition may change, or is called less than it is."""

    kind = "conflict"
    code = "taxonomy_rule_broken"
