"""How much work a schema is before anybody starts on it: sizes counted as validators and provers would unfold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from compat.dialects import Schema

#: Where counting stops; every limit is below it.
ENOUGH = 1_000_000
#: The algebra compares enumerations pair by pair: 800 values take 26 ms.
_VALUES_PER_PROPERTY = 8


class Size(NamedTuple):
    """How much one schema is."""

    #: What the unions at its worst location multiply to.
    cases: int = 1
    #: Objects that speak about its own location, references unfolded.
    weight: int = 0
    #: All objects, references unfolded.
    total: int = 0


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
    #: Schema objects with every reference written out.
    unfolded: int = 0
    #: What the unions of the whole multiply to; set by who asks for the whole.
    cases: int = 1
    _known: dict[str, Size] = field(default_factory=dict)
    _inside: frozenset[str] = frozenset()

    def of(self, schema: Any) -> Size:
        """The size of one schema. The fields of the measure hold the worst of what was looked at."""
        if not isinstance(schema, dict):
            return Size()
        self.nodes += 1
        if _TELLING.isdisjoint(schema):
            self.heaviest, self.unfolded = self.heaviest or 1, self.unfolded or 1
            return _ALONE
        self._widen(schema)
        size = self._here(schema)
        if _ELSEWHERE.isdisjoint(schema):
            self.heaviest = max(self.heaviest, size.weight)
            self.unfolded = max(self.unfolded, size.total)
            return size
        inside, self._inside = self._inside, frozenset()
        below = [self.of(child) for child in _elsewhere(schema)]
        self._inside = inside
        self.heaviest = max(self.heaviest, size.weight)
        total = min(size.total + sum(child.total for child in below), ENOUGH)
        self.unfolded = max(self.unfolded, total)
        return Size(max([size.cases, *(child.cases for child in below)]), size.weight, total)

    def _widen(self, schema: dict[str, Any]) -> None:
        if "properties" in schema or "required" in schema:
            named = len(schema.get("properties", ())) + len(schema.get("required", ()))
            self.widest = max(self.widest, named)
        if "enum" in schema:
            self.widest = max(self.widest, len(schema["enum"]) // _VALUES_PER_PROPERTY)

    def _here(self, schema: dict[str, Any]) -> Size:
        if _IN_PLACE.isdisjoint(schema):
            return _ALONE
        parts = [self._referred(schema["$ref"])] if "$ref" in schema else []
        parts += [self.of(branch) for branch in schema.get("allOf", ())]
        parts += [
            _alternatives([self.of(branch) for branch in schema[key]])
            for key in ("anyOf", "oneOf")
            if key in schema
        ]
        parts += [
            _alternatives([self.of(child), Size()]) for child in schema.get("dependentSchemas", {}).values()
        ]
        if "not" in schema:
            negated = self.of(schema["not"])
            parts.append(Size(_keywords(schema["not"]), negated.weight, negated.total))
        if "if" in schema:
            parts.append(_alternatives([self.of(schema.get(key, True)) for key in ("if", "then", "else")]))
        cases = 1
        for part in parts:
            cases = min(cases * part.cases, ENOUGH)
        weight, total = sum(part.weight for part in parts), sum(part.total for part in parts)
        return Size(cases, min(weight + 1, ENOUGH), min(total + 1, ENOUGH))

    def _referred(self, reference: str) -> Size:
        name = reference.rsplit("/", 1)[-1]
        if name in self._inside:
            self.endless = True
        if name not in self._known:
            self._known[name] = Size(1, 1, 1)  # a cycle multiplies nothing
            outside, self._inside = self._inside, self._inside | {name}
            self._known[name] = self.of(self.definitions[name])
            self._inside = outside
        return self._known[name]


#: Keywords whose schemas speak about the same location.
_IN_PLACE = frozenset({"$ref", "allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas"})
#: Keywords whose schemas speak about other locations.
_ONE = (
    "items",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
)
_ELSEWHERE = frozenset({*_ONE, "properties", "patternProperties", "prefixItems"})
#: Without any of these a schema is as small as can be.
_TELLING = _IN_PLACE | _ELSEWHERE | {"required", "enum"}
_ALONE = Size(1, 1, 1)


def _alternatives(branches: list[Size]) -> Size:
    """Cases of branches add up, where those of conjuncts multiply."""
    if not branches:
        return Size()
    weight, total = sum(branch.weight for branch in branches), sum(branch.total for branch in branches)
    return Size(sum(branch.cases for branch in branches), weight, total)


def _elsewhere(schema: dict[str, Any]) -> list[Any]:
    """The subschemas that speak about other instance locations."""
    children = [schema[key] for key in _ONE if key in schema]
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
