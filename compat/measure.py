"""How much work a schema is before anybody starts on it: sizes counted as validators and provers would unfold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from compat.dialects import Schema

#: Where counting stops; every limit is below it.
ENOUGH = 1_000_000
#: The algebra compares enumerations pair by pair: 800 values take 26 ms.
_VALUES_PER_PROPERTY = 8


@dataclass
class Measure:
    """Sizes of one schema in the normal form. Definitions count wherever they are used."""

    definitions: dict[str, Schema]
    #: Schema objects, each definition once.
    nodes: int = 0
    #: Most properties and required names, or enumerated values, of one object.
    widest: int = 0
    #: Most schema objects that speak about one instance location, references unfolded.
    heaviest: int = 0
    #: Whether a reference leads back to itself without going into the instance: no validator can come to an end.
    endless: bool = False
    _known: dict[str, tuple[int, int]] = field(default_factory=dict)
    _inside: frozenset[str] = frozenset()

    def of(self, schema: Any) -> tuple[int, int]:
        """How many cases the unions multiply to at the worst location, and how many objects speak about this one."""
        if not isinstance(schema, dict):
            return 1, 1
        self.nodes += 1
        named = len(schema.get("properties", ())) + len(schema.get("required", ()))
        self.widest = max(self.widest, named, len(schema.get("enum", ())) // _VALUES_PER_PROPERTY)
        cases, weight = self._here(schema)
        inside, self._inside = self._inside, frozenset()
        for child in _elsewhere(schema):
            cases = max(cases, self.of(child)[0])
        self._inside = inside
        self.heaviest = max(self.heaviest, weight)
        return min(cases, ENOUGH), min(weight, ENOUGH)

    def _here(self, schema: dict[str, Any]) -> tuple[int, int]:
        cases, weight = self._referred(schema.get("$ref"))
        for keyword in ("anyOf", "oneOf"):
            branches = [self.of(branch) for branch in schema.get(keyword, ())]
            cases *= max(1, sum(count for count, _ in branches))
            weight += sum(size for _, size in branches)
        for branch in [*schema.get("allOf", ()), *schema.get("dependentSchemas", {}).values()]:
            count, size = self.of(branch)
            cases, weight = cases * count, weight + size
        if "not" in schema:
            cases, weight = cases * _keywords(schema["not"]), weight + self.of(schema["not"])[1]
        if "if" in schema:
            parts = [self.of(schema.get(key, True)) for key in ("if", "then", "else")]
            cases *= sum(count for count, _ in parts)
            weight += sum(size for _, size in parts)
        return min(cases * 2 ** min(20, len(schema.get("dependentSchemas", ()))), ENOUGH), weight + 1

    def _referred(self, reference: str | None) -> tuple[int, int]:
        if reference is None:
            return 1, 0
        name = reference.rsplit("/", 1)[-1]
        if name in self._inside:
            self.endless = True
        if name not in self._known:
            self._known[name] = (1, 1)  # a cycle multiplies nothing
            outside, self._inside = self._inside, self._inside | {name}
            self._known[name] = self.of(self.definitions[name])
            self._inside = outside
        return self._known[name]


def _elsewhere(schema: dict[str, Any]) -> list[Any]:
    """The subschemas that speak about other instance locations."""
    children = [
        schema[key] for key in ("items", "contains", "additionalProperties", "propertyNames") if key in schema
    ]
    children += [schema[key] for key in ("unevaluatedProperties", "unevaluatedItems") if key in schema]
    for key in ("properties", "patternProperties"):
        children.extend(schema.get(key, {}).values())
    return children + list(schema.get("prefixItems", ()))


def _keywords(schema: Any) -> int:
    """A negated schema is a union of its keywords' negations."""
    if not isinstance(schema, dict):
        return 1
    inner = [branch for key in ("allOf", "anyOf", "oneOf") for branch in schema.get(key, ())]
    return max(1, len(schema)) * max(1, len(schema.get("properties", ()))) + sum(
        _keywords(branch) for branch in inner
    )
