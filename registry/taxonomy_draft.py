"""An uploaded taxonomy document on its way to an edition: checked against the schema, with what it left out filled in.

An author need not know what the edition will be called: `version`, and `since` of every code, may be left out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from access.errors import ProductError
from compat import Validator, compile_validator
from registry.names import check_subject_name
from registry.taxonomy_errors import InvalidTaxonomy, TaxonomyTooLarge
from registry.taxonomy_problems import problems
from registry.taxonomy_tree import Tree

SCHEMA_FILE = Path(__file__).parent / "onex" / "taxonomy.schema.json"
# Words that come after a name in an address, or in its place.
RESERVED = frozenset({"codes", "compare", "dependents", "diff", "normalize", "upload", "usage"})
_WHOLE_NUMBERS = ("number", "http_status", "exit_code")


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that fits the schema; `version` is the declared one, or None."""

    name: str
    version: str | None
    given: Mapping[str, Any]

    def filled(self, *, version: str, known: Tree | None) -> dict[str, Any]:
        """The whole document as an edition of this version; `known` says since when its codes are there."""
        areas = [
            {**area, "codes": [self._code(area["token"], code, version, known) for code in area["codes"]]}
            for area in self.given["areas"]
        ]
        return {**self.given, "taxonomy": self.name, "version": version, "areas": areas}

    def _code(self, area: str, code: Mapping[str, Any], version: str, known: Tree | None) -> dict[str, Any]:
        # A schema's integer may be written 1.0.
        whole = {name: int(code[name]) for name in _WHOLE_NUMBERS if code.get(name) is not None}
        before = known.by_short.get(f"{self.given['prefix']}_{area}_{whole['number']:03}") if known else None
        return {"since": before.since if before else version, **code, **whole}


def read_draft(document: Any, *, name: str | None = None) -> Draft:
    """The document of an upload to `name` (None: to whatever it calls itself). Raises InvalidTaxonomy, TaxonomyTooLarge."""
    if not isinstance(document, Mapping):
        raise _one("", "schema", "A taxonomy is an object with prefix and areas.", "")
    given = dict(document) if name is None else {"taxonomy": name, **document}
    # What the likeliest branch refuses says more than that no branch fits.
    _, violations = _validator().causes(given)
    broken = [
        {"pointer": v.pointer, "rule": "schema", "message": v.message, "remedy": _remedy(v.keyword)}
        for v in violations
        if v.keyword not in {"anyOf", "oneOf"}
    ]
    if broken:
        raise InvalidTaxonomy.because(broken)
    if name is not None and given["taxonomy"] != name:
        message = f"The document calls itself '{given['taxonomy']}', the address says '{name}'."
        raise _one("/taxonomy", "name", message, "Make them agree, or leave `taxonomy` out.")
    _check_name(given["taxonomy"])
    count = sum(len(area["codes"]) for area in given["areas"])
    if count > settings.TAXONOMY_MAX_CODES:
        raise TaxonomyTooLarge.codes(count, settings.TAXONOMY_MAX_CODES)
    return Draft(given["taxonomy"], given.get("version"), given)


def check_tree(tree: Tree) -> None:
    """Raises InvalidTaxonomy for what the schema cannot say: duplicates, ranges, links, the order of editions."""
    if wrong := problems(tree):
        raise InvalidTaxonomy.because([problem.as_dict() for problem in wrong])


def in_reading_order(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its members in the order in which the schema describes them; the database keeps none."""
    properties = _schema()["properties"]
    definitions = _schema()["$defs"]
    areas = [
        {
            **_ordered(area, definitions["area"]["properties"]),
            "codes": [_ordered(code, definitions["code"]["properties"]) for code in area["codes"]],
        }
        for area in document["areas"]
    ]
    return {**_ordered(document, properties), "areas": areas}


def _ordered(value: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[name] for name in properties if name in value}


def _remedy(keyword: str) -> str:
    if keyword == "additionalProperties":
        return "Leave it out; docs/reference/taxonomies.md lists the members."
    return "docs/reference/taxonomies.md says what each member holds."


def _check_name(name: str) -> None:
    try:
        check_subject_name(name)
    except ProductError as bad:
        sentence = bad.message.partition("is not a valid subject: ")[2]
        raise _one("/taxonomy", "name", f"'{name}' cannot be the name: {sentence}", "") from bad
    if taken := sorted(RESERVED & set(name.split("/"))):
        message = f"'{taken[0]}' in a name cannot be told from the address of its {taken[0]}."
        raise _one("/taxonomy", "name", message, "Choose another name.")


def _one(pointer: str, rule: str, message: str, remedy: str) -> InvalidTaxonomy:
    problem = {"pointer": pointer, "rule": rule, "message": message, "remedy": remedy}
    return InvalidTaxonomy.because([problem])


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


@cache
def _validator() -> Validator:
    return compile_validator(_schema())
