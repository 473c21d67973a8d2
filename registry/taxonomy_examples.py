"""Schemas whose bound fields list their codes, so that an example made from one shows codes there are."""

from collections.abc import Mapping
from typing import Any

from registry.comparison import Document
from registry.opaque_codes import DATA, KEYWORD
from registry.taxonomy_bindings import Binding
from registry.taxonomy_tree import Tree


def with_codes(document: Document, trees: Mapping[str, Tree]) -> Document:
    """Of strings, the codes alone are left at every binding: those that the author names, then those not deprecated."""
    return Document(
        _listed(document.value, trees),
        {name: _listed(schema, trees) for name, schema in document.store.items()},
    )


def _listed(schema: Any, trees: Mapping[str, Tree]) -> Any:
    if isinstance(schema, list):
        return [_listed(item, trees) for item in schema]
    if not isinstance(schema, dict):
        return schema
    listed = {key: item if key in DATA else _listed(item, trees) for key, item in schema.items()}
    tree = trees.get(str(Binding.read(schema.get(KEYWORD))))
    if tree is None:
        return listed
    named = [value for value in _values_of(schema) if isinstance(value, str) and tree.find(value)]
    usual = sorted(tree.codes, key=lambda code: code.deprecated is not None)
    codes = list(dict.fromkeys([*named, *(code.short for code in usual)]))
    choice = {"anyOf": [{"enum": codes}, {"not": {"type": "string"}}]}
    # What the author shows and what is no code (any more) would be taken first.
    kept = {key: item for key, item in listed.items() if key not in _SHOWN}
    return {**kept, "allOf": [*kept.get("allOf", []), choice]}


_SHOWN = ("examples", "example", "default")


def _values_of(schema: Mapping[str, Any]) -> list[Any]:
    """What its author gives as values of this place."""
    several = [
        value for key in ("examples", "enum") if isinstance(schema.get(key), list) for value in schema[key]
    ]
    return [*several, *(schema[key] for key in ("example", "default", "const") if key in schema)]
