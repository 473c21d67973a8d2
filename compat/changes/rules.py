"""One small rule per keyword: what kind of change is it, which direction does it break, and how does one say it.

Kinds carry the names of Confluent's JSON Schema differences where one exists, so that policies written in those names can
be judged over the same list.
"""

from __future__ import annotations

from typing import Any

from compat.changes import arrays, branches, objects, values
from compat.changes.pairs import ANNOTATIONS, HARMLESS, Found, Pair, Rule, same_or_absent


def rules_for(old: dict[str, Any], new: dict[str, Any]) -> list[Rule]:
    """The rules that have something to look at, each once, in the order of the table."""
    present = sorted((old.keys() | new.keys()) & _RULES.keys(), key=_ORDER.__getitem__)
    return list(dict.fromkeys(_RULES[keyword] for keyword in present))


def _annotation(keyword: str, kind: str) -> Rule:
    def rule(pair: Pair) -> Found:
        if not same_or_absent(pair.old.get(keyword), pair.new.get(keyword)):
            yield pair.change(
                kind, keyword, HARMLESS, f"the {keyword} of {pair.name} changed; nothing is judged by it"
            )

    return rule


_RULES: dict[str, Rule] = {
    "type": values.types,
    "required": objects.required,
    "properties": objects.properties,
    "additionalProperties": objects.undeclared(
        "additionalProperties", "ADDITIONAL_PROPERTIES", "undeclared properties"
    ),
    "unevaluatedProperties": objects.undeclared(
        "unevaluatedProperties", "UNEVALUATED_PROPERTIES", "undeclared properties"
    ),
    "patternProperties": objects.pattern_properties,
    "propertyNames": branches.required_of_part(
        "propertyNames", "PROPERTY_NAMES", "the rule for property names", "(names)"
    ),
    "enum": values.enumeration,
    "const": values.enumeration,
    "minimum": values.limit("minimum", "MINIMUM", "the minimum", upper=False),
    "maximum": values.limit("maximum", "MAXIMUM", "the maximum", upper=True),
    "exclusiveMinimum": values.limit(
        "exclusiveMinimum", "EXCLUSIVE_MINIMUM", "the exclusive minimum", upper=False
    ),
    "exclusiveMaximum": values.limit(
        "exclusiveMaximum", "EXCLUSIVE_MAXIMUM", "the exclusive maximum", upper=True
    ),
    "multipleOf": values.multiple_of,
    "minLength": values.limit("minLength", "MIN_LENGTH", "the least length", upper=False),
    "maxLength": values.limit("maxLength", "MAX_LENGTH", "the greatest length", upper=True),
    "pattern": values.presence("pattern", "PATTERN", "the pattern"),
    "minProperties": values.limit(
        "minProperties", "MIN_PROPERTIES", "the least number of properties", upper=False
    ),
    "maxProperties": values.limit(
        "maxProperties", "MAX_PROPERTIES", "the greatest number of properties", upper=True
    ),
    "items": arrays.items,
    "prefixItems": arrays.items,
    "additionalItems": objects.undeclared("additionalItems", "ADDITIONAL_ITEMS", "further items"),
    "unevaluatedItems": objects.undeclared("unevaluatedItems", "UNEVALUATED_ITEMS", "further items"),
    "minItems": values.limit("minItems", "MIN_ITEMS", "the least number of items", upper=False),
    "maxItems": values.limit("maxItems", "MAX_ITEMS", "the greatest number of items", upper=True),
    "uniqueItems": values.presence("uniqueItems", "UNIQUE_ITEMS", "unique items:"),
    "contains": branches.required_of_part("contains", "CONTAINS", "the item it has to contain", "(one)"),
    "minContains": values.limit(
        "minContains", "MIN_CONTAINS", "the least number of matching items", upper=False
    ),
    "maxContains": values.limit(
        "maxContains", "MAX_CONTAINS", "the greatest number of matching items", upper=True
    ),
    "dependencies": objects.dependencies("dependencies"),
    "dependentRequired": objects.dependencies("dependentRequired"),
    "dependentSchemas": objects.dependencies("dependentSchemas"),
    "allOf": branches.combined("allOf", "PRODUCT_TYPE_EXTENDED", "PRODUCT_TYPE_NARROWED", sum_type=False),
    "anyOf": branches.combined("anyOf", "SUM_TYPE_EXTENDED", "SUM_TYPE_NARROWED", sum_type=True),
    "oneOf": branches.combined("oneOf", "SUM_TYPE_EXTENDED", "SUM_TYPE_NARROWED", sum_type=True),
    "not": branches.tested("not", "NOT_TYPE", "the excluded schema"),
    "if": branches.conditional,
    "then": branches.conditional,
    "else": branches.conditional,
    "$ref": branches.reference,
    **{keyword: _annotation(keyword, kind) for keyword, kind in ANNOTATIONS.items()},
}
_ORDER = {keyword: place for place, keyword in enumerate(_RULES)}
