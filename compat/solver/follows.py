"""For each keyword, whether it follows from what a narrower node says at the same place. True is a proof, False says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from compat import patterns
from compat.solver.inclusion import matches_no_more
from compat.solver.parts import demanded_at, required_of
from compat.values import exact

if TYPE_CHECKING:
    from compat.solver.implied import Implications
    from compat.solver.nodes import Node


@dataclass(slots=True)
class Question:
    """Does one keyword of the wide node follow from what the parts of the narrow one say?"""

    known: Implications
    parts: list[Node]
    kinds: frozenset[str]
    wide: Node
    keyword: str

    @property
    def value(self) -> Any:
        assert isinstance(self.wide.schema, dict)
        return self.wide.schema[self.keyword]

    def said(self, keyword: str) -> Iterator[Any]:
        """What the parts say under a keyword."""
        for part in self.parts:
            if keyword in part.schema:  # type: ignore[operator]
                yield part.schema[keyword]  # type: ignore[index]

    def any_implies(self, nodes: list[Node], wanted: Any) -> bool:
        node = self.wide.child(wanted)
        return node in nodes or any(self.known.holds(each, node) for each in nodes)


_Rule: TypeAlias = Callable[[Question], bool]


def _written_alike(question: Question) -> bool:
    """For keywords without a rule of their own: one part says the very same, together with what the keyword looks at."""
    wide = question.wide
    assert isinstance(wide.schema, dict)
    keywords = _LOOKED_AT.get(question.keyword, (question.keyword,))
    wanted = wide.child({keyword: wide.schema[keyword] for keyword in keywords if keyword in wide.schema})
    return any(_only(part, keywords) is wanted for part in question.parts)


def _only(part: Node, keywords: tuple[str, ...]) -> Node:
    schema = part.schema
    assert isinstance(schema, dict)
    return part.child({keyword: schema[keyword] for keyword in keywords if keyword in schema})


#: Keywords that mean something only together; what `unevaluated…` looks at is the whole schema, so it is never alike.
_LOOKED_AT = {
    "if": ("if", "then", "else"),
    "then": ("if", "then", "else"),
    "else": ("if", "then", "else"),
    "contains": ("contains", "minContains", "maxContains"),
    "minContains": ("contains", "minContains", "maxContains"),
    "maxContains": ("contains", "minContains", "maxContains"),
}


def _never(_question: Question) -> bool:
    return False


def _type(question: Question) -> bool:
    types = question.value
    wanted = {types} if isinstance(types, str) else set(types)
    missing = question.kinds - wanted
    if missing - {"number"}:
        return False
    return not missing or ("integer" in wanted and any(_is_integer(said) for said in question.said("type")))


def _is_integer(types: Any) -> bool:
    return types == "integer" or (not isinstance(types, str) and "integer" in types and "number" not in types)


def _reference(question: Question) -> bool:
    node = question.wide.world.referred(question.value)
    return any(question.known.holds(part, node) for part in question.parts)


def _all_of(question: Question) -> bool:
    return all(question.any_implies(question.parts, branch) for branch in question.value)


def _any_of(question: Question) -> bool:
    return any(question.any_implies(question.parts, branch) for branch in question.value)


def _one_of(question: Question) -> bool:
    """One branch follows and no other can hold as well; so it is for what is said at once, or for each branch said."""
    branches = [question.wide.child(branch) for branch in question.value]
    if len(set(branches)) < len(branches):
        return False
    if any(_exactly_one(question, part, (), branches) for part in question.parts):
        return True
    return any(_each_in_one(question, part, branches) for part in question.parts)


def _each_in_one(question: Question, part: Node, branches: list[Node]) -> bool:
    assert isinstance(part.schema, dict)
    said = [part.child(branch) for branch in part.schema.get("oneOf", ())]
    return bool(said) and all(
        _exactly_one(question, chosen, [other for other in said if other is not chosen], branches)
        for chosen in said
    )


def _exactly_one(question: Question, narrow: Node, excluded: Sequence[Node], branches: list[Node]) -> bool:
    """Whether what is accepted by `narrow` and by none of `excluded` is accepted by exactly one branch."""
    known = question.known
    possible = (branch for branch in branches if not known.apart(narrow, branch))
    chosen = next((branch for branch in possible if known.holds(narrow, branch)), None)
    return chosen is not None and all(
        any(known.apart(part, branch) for part in (narrow, *question.parts))
        or any(known.holds(branch, other) for other in excluded)
        for branch in branches
        if branch is not chosen
    )


def _not(question: Question) -> bool:
    """What is excluded here is excluded there, or is something else altogether."""
    excluded = question.wide.child(question.value)
    if any(question.known.apart(part, excluded) for part in question.parts):
        return True
    return any(
        question.known.holds(excluded, part.child(part.schema["not"]))  # type: ignore[index]
        for part in question.parts
        if "not" in part.schema  # type: ignore[operator]
    )


def _at_least(*keywords: str) -> _Rule:
    return lambda question: any(
        exact(said) >= exact(question.value) for keyword in keywords for said in question.said(keyword)
    )


def _at_most(*keywords: str) -> _Rule:
    return lambda question: any(
        exact(said) <= exact(question.value) for keyword in keywords for said in question.said(keyword)
    )


def _pattern(question: Question) -> bool:
    return any(matches_no_more(said, question.value) for said in question.said("pattern"))


def _count_at_least(question: Question) -> bool:
    return question.value == 0 or any(said >= question.value for said in question.said(question.keyword))


def _least_properties(question: Question) -> bool:
    return _count_at_least(question) or len(required_of(question.parts)) >= question.value


def _multiple(question: Question) -> bool:
    steps = (exact(said) for said in question.said("multipleOf"))
    return any((step / exact(question.value)).denominator == 1 for step in steps)


def _required_names(question: Question) -> bool:
    return required_of(question.parts).issuperset(question.value)


def _properties(question: Question) -> bool:
    return all(
        child is True or question.any_implies(demanded_at(name, question.parts), child)
        for name, child in question.value.items()
    )


def _members(question: Question) -> bool:
    """The same pattern with a schema that implies the wanted one."""
    said = [
        (part, part.schema["patternProperties"])  # type: ignore[index]
        for part in question.parts
        if "patternProperties" in part.schema  # type: ignore[operator]
    ]
    return all(
        child is True
        or question.any_implies([p.child(own[pattern]) for p, own in said if pattern in own], child)
        for pattern, child in question.value.items()
    )


def _additional(question: Question) -> bool:
    """One part says enough about every name that the wide node leaves to `additionalProperties`."""
    return question.value is True or any(_covers_the_rest(question, part) for part in question.parts)


def _covers_the_rest(question: Question, part: Node) -> bool:
    own, wide = part.schema, question.wide.schema
    assert isinstance(own, dict)
    assert isinstance(wide, dict)
    rest = question.wide.child(question.value)
    if not question.known.holds(part.child(own.get("additionalProperties", True)), rest):
        return False
    listed, members = wide.get("properties", {}), wide.get("patternProperties", {})
    for name, child in own.get("properties", {}).items():
        covered = name in listed or any(patterns.matches(pattern, name) for pattern in members)
        if not covered and not question.known.holds(part.child(child), rest):
            return False
    return all(
        pattern in members or question.known.holds(part.child(child), rest)
        for pattern, child in own.get("patternProperties", {}).items()
    )


def _names(question: Question) -> bool:
    return any(
        question.any_implies([part.child(part.schema["propertyNames"])], question.value)  # type: ignore[index]
        for part in question.parts
        if "propertyNames" in part.schema  # type: ignore[operator]
    )


def _prefix(question: Question) -> bool:
    return all(
        child is True or question.any_implies(_items_at(index, question.parts), child)
        for index, child in enumerate(question.value)
    )


def _items_at(index: int, parts: list[Node]) -> list[Node]:
    found = []
    for part in parts:
        schema = part.schema
        assert isinstance(schema, dict)
        prefix = schema.get("prefixItems", ())
        child = prefix[index] if index < len(prefix) else schema.get("items", True)
        found.append(part.child(child))
    return found


def _items(question: Question) -> bool:
    """One part says enough about every item beyond the wide node's prefix."""
    assert isinstance(question.wide.schema, dict)
    start = len(question.wide.schema.get("prefixItems", ()))
    for part in question.parts:
        assert isinstance(part.schema, dict)
        beyond = part.schema.get("prefixItems", ())[start:]
        nodes = [part.child(child) for child in (*beyond, part.schema.get("items", True))]
        if all(question.any_implies([node], question.value) for node in nodes):
            return True
    return False


def _unique(question: Question) -> bool:
    return not question.value or any(question.said("uniqueItems"))


def _needed_names(question: Question) -> bool:
    required = required_of(question.parts)
    said = list(question.said("dependentRequired"))
    return all(
        required.issuperset(needed) or any(set(needed) <= set(own.get(name, ())) for own in said)
        for name, needed in question.value.items()
    )


#: keyword: (JSON type it speaks about, None for all; whether it follows)
RULES: dict[str, tuple[str | None, _Rule]] = {
    "type": (None, _type),
    "$ref": (None, _reference),
    "allOf": (None, _all_of),
    "anyOf": (None, _any_of),
    "oneOf": (None, _one_of),
    "not": (None, _not),
    "minimum": ("number", _at_least("minimum", "exclusiveMinimum")),
    "maximum": ("number", _at_most("maximum", "exclusiveMaximum")),
    "exclusiveMinimum": ("number", _at_least("exclusiveMinimum")),
    "exclusiveMaximum": ("number", _at_most("exclusiveMaximum")),
    "multipleOf": ("number", _multiple),
    "minLength": ("string", _count_at_least),
    "maxLength": ("string", _at_most("maxLength")),
    "pattern": ("string", _pattern),
    "format": (None, _written_alike),
    "minProperties": ("object", _least_properties),
    "maxProperties": ("object", _at_most("maxProperties")),
    "required": ("object", _required_names),
    "properties": ("object", _properties),
    "patternProperties": ("object", _members),
    "additionalProperties": ("object", _additional),
    "unevaluatedProperties": ("object", _never),
    "propertyNames": ("object", _names),
    "dependentRequired": ("object", _needed_names),
    "dependentSchemas": ("object", _written_alike),
    "minItems": ("array", _count_at_least),
    "maxItems": ("array", _at_most("maxItems")),
    "uniqueItems": ("array", _unique),
    "prefixItems": ("array", _prefix),
    "items": ("array", _items),
    "contains": ("array", _written_alike),
    "minContains": ("array", _written_alike),
    "maxContains": ("array", _written_alike),
    "unevaluatedItems": ("array", _never),
}
#: A keyword without a rule.
ANY_OTHER: tuple[None, _Rule] = (None, _written_alike)
