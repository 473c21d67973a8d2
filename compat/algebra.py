"""The one place that touches jsonschema-rs's canonical algebra (experimental upstream, hence fenced in).

Calls into it cannot be interrupted, so the work is estimated first: the number of cases the unions of a schema multiply to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs
from jsonschema_rs.canonical import CanonicalizationError, Containment

from compat import patterns
from compat.dialects import D2020, Schema
from compat.rewrite import Rewritten

#: 2^7 cases took 45 ms, 2^8 took 200 ms; beyond this the other provers are asked instead.
MAX_CASES = 96
#: Schema objects per side; the algebra is about linear in them while the cases stay few.
MAX_NODES = 2_000
#: Properties of one object; a refused closed object of 50 took 100 ms, of 100 took 400 ms.
MAX_WIDTH = 32


def covers(new: Rewritten, old: Rewritten) -> bool | None:
    """Whether new admits everything old admits: True is a proof, None means that the algebra cannot or may not say.

    False comes without a witness: it only says that looking for one is worth while.
    """
    if _too_large(old) or _too_large(new):
        return None
    try:
        answer = _canonical(new).covers(_canonical(old))
    except (CanonicalizationError, jsonschema_rs.ValidationError, ValueError, RecursionError):
        return None
    return None if answer == Containment.UNKNOWN else answer == Containment.YES


def _canonical(schema: Rewritten) -> jsonschema_rs.CanonicalSchema:
    document = schema.document()
    return jsonschema_rs.canonicalize(
        document, draft=D2020.number, pattern_options=patterns.options_for(document), offline=True
    )


def _too_large(schema: Rewritten) -> bool:
    measure = _Measure(schema.definitions)
    return measure.cases(schema.root) > MAX_CASES or measure.widest > MAX_WIDTH or measure.nodes > MAX_NODES


@dataclass
class _Measure:
    """Sizes of one schema, definitions counted where they are used."""

    definitions: dict[str, Schema]
    nodes: int = 0
    widest: int = 0
    _known: dict[str, int] = field(default_factory=dict)

    def cases(self, schema: Any) -> int:
        """How many cases the unions of a schema multiply to at one instance location, at its worst location."""
        if not isinstance(schema, dict):
            return 1
        self.nodes += 1
        self.widest = max(self.widest, len(schema.get("properties", ())) + len(schema.get("required", ())))
        if self.nodes > MAX_NODES:
            return MAX_CASES + 1
        here = self._here(schema)
        below = max((self.cases(child) for child in _children(schema)), default=1)
        return min(max(here, below), MAX_CASES + 1)

    def _here(self, schema: dict[str, Any]) -> int:
        cases = self._referred(schema.get("$ref"))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                cases *= sum(self.cases(branch) for branch in schema[keyword])
        for branch in schema.get("allOf", ()):
            cases *= self.cases(branch)
        if "not" in schema:
            cases *= _keywords(schema["not"])
        if "if" in schema:
            cases *= self.cases(schema.get("then", True)) + self.cases(schema.get("else", True))
        return int(cases * 2 ** len(schema.get("dependentSchemas", ())))

    def _referred(self, reference: str | None) -> int:
        if reference is None:
            return 1
        name = reference.rsplit("/", 1)[-1]
        if name not in self._known:
            self._known[name] = 1  # a cycle multiplies nothing
            self._known[name] = self.cases(self.definitions[name])
        return self._known[name]


def _children(schema: dict[str, Any]) -> list[Any]:
    """The subschemas that speak about other instance locations."""
    children = [
        schema[key] for key in ("items", "contains", "additionalProperties", "propertyNames") if key in schema
    ]
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
