"""Random schemas of 2020-12 over few names and small values, and the instances that tell most of them apart."""

import json
import random
from collections.abc import Callable
from typing import Any

NAMES = ["a", "b", "c"]
_LEAVES: list[Any] = [
    True, False, {}, {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"},
    {"const": 1}, {"const": "a"}, {"const": None}, {"const": []}, {"enum": [0, 1, "a"]}, {"enum": [None, True, {"a": 1}]},
]  # fmt: skip
_TYPES: list[Any] = [
    "string", "integer", "number", "boolean", "null", "object", "object", "object", "array", "array",
    ["string", "null"], ["object", "array"], ["integer", "string"],
]  # fmt: skip


def _instances() -> list[Any]:
    scalars: list[Any] = [
        None,
        True,
        False,
        0,
        1,
        2,
        3,
        -1,
        0.5,
        1.5,
        4,
        6,
        "",
        "a",
        "b",
        "ab",
        "ba",
        "c",
        "aa",
        "abc",
    ]
    few = (0, 1, "a", None, {}, [])
    arrays: list[Any] = [
        [],
        *([x] for x in scalars),
        *([x, y] for x in few for y in few),
        [1, 1, 1],
        [0, 1, 2],
        [0, 1, 2, 3],
    ]
    objects: list[Any] = [
        {},
        *({n: v} for n in ("a", "b", "c", "x", "d") for v in [*scalars, [], {}, [1], {"a": 1}]),
    ]
    objects += [{"a": x, "b": y} for x in few for y in few] + [{"a": x, "b": x, "c": x} for x in few]
    objects += (
        [{"a": 1, "c": x} for x in few]
        + [{"b": 1, "c": x} for x in few]
        + [{"a": 1, "x": 1}, {"x": 1, "d": 1}]
    )
    return [*scalars, *arrays, *objects]


INSTANCES = _instances()


class Maker:
    """Makes schemas from one source of randomness."""

    def __init__(self, source: random.Random) -> None:
        self.pick = source

    def schema(self, depth: int) -> Any:
        if depth <= 0 or self.pick.random() < 0.12:
            return json.loads(json.dumps(self.pick.choice(_LEAVES)))
        made: dict[str, Any] = {}
        if self.pick.random() < 0.6:
            made["type"] = self.pick.choice(_TYPES)
        types = made.get("type", ["object", "array", "string", "number"])
        for kind, keywords in self._tables(depth).items():
            if kind in types and self.pick.random() < 0.6:
                for keyword in self.pick.sample(sorted(keywords), self.pick.choice([1, 2])):
                    made[keyword] = keywords[keyword]()
        self._combine(made, depth)
        return made

    def _tables(self, depth: int) -> dict[str, dict[str, Callable[[], Any]]]:
        pick, below = self.pick, lambda: self.schema(depth - 1)
        return {
            "object": {
                "properties": lambda: {name: below() for name in pick.sample(NAMES, pick.choice([1, 2]))},
                "required": lambda: pick.sample(NAMES, pick.choice([1, 2])),
                "additionalProperties": lambda: pick.choice([False, below()]),
                "patternProperties": lambda: {pick.choice(["^a", "b", "^[ac]$", "^x"]): below()},
                "minProperties": lambda: pick.choice([1, 2]),
                "maxProperties": lambda: pick.choice([0, 1, 2]),
                "propertyNames": lambda: pick.choice(
                    [{"maxLength": 1}, {"pattern": "^[ab]"}, {"enum": ["a", "b"]}]
                ),
                "dependentRequired": lambda: {pick.choice(NAMES): pick.sample(NAMES, 1)},
                "dependentSchemas": lambda: {pick.choice(NAMES): below()},
                "unevaluatedProperties": lambda: pick.choice([False, below()]),
            },
            "array": {
                "items": below,
                "prefixItems": lambda: [below() for _ in range(pick.choice([1, 2]))],
                "minItems": lambda: pick.choice([1, 2]),
                "maxItems": lambda: pick.choice([0, 1, 2, 3]),
                "uniqueItems": lambda: True,
                "contains": below,
            },
            "string": {
                "minLength": lambda: pick.choice([1, 2]),
                "maxLength": lambda: pick.choice([0, 1, 2]),
                "pattern": lambda: pick.choice(["^a", "b$", "^[ab]+$", "^$", "c"]),
            },
            "number": {
                "minimum": lambda: pick.choice([0, 1, 2, 0.5]),
                "maximum": lambda: pick.choice([0, 1, 2, 0.5]),
                "exclusiveMaximum": lambda: pick.choice([0, 1, 2]),
                "multipleOf": lambda: pick.choice([1, 2, 3, 0.5]),
            },
        }

    def _combine(self, made: dict[str, Any], depth: int) -> None:
        for keyword in ("allOf", "anyOf", "oneOf"):
            if self.pick.random() < 0.15:
                made[keyword] = [self.schema(depth - 1) for _ in range(self.pick.choice([1, 2, 2, 3]))]
        if self.pick.random() < 0.12:
            made["not"] = self.schema(depth - 1)
        if self.pick.random() < 0.08:
            made["if"] = self.schema(depth - 1)
            made[self.pick.choice(["then", "else"])] = self.schema(depth - 1)

    def neighbour(self, schema: Any, depth: int) -> Any:
        """Nearly the same schema: one keyword dropped, replaced or added somewhere."""
        if not isinstance(schema, dict) or not schema or self.pick.random() < 0.2:
            return self.schema(depth)
        out = json.loads(json.dumps(schema))
        keyword = self.pick.choice(sorted(out))
        value = out[keyword]
        if keyword in {"allOf", "anyOf", "oneOf", "prefixItems"}:
            index = self.pick.randrange(len(value))
            value[index] = self.neighbour(value[index], depth - 1)
        elif keyword in {"properties", "patternProperties", "dependentSchemas"}:
            name = self.pick.choice(sorted(value))
            value[name] = self.neighbour(value[name], depth - 1)
        elif self.pick.random() < 0.5:
            del out[keyword]
        else:
            added = self.schema(depth)
            out.update(added if isinstance(added, dict) else {})
        return out
