"""What a migration does to an instance: an algebra of small steps, and JSONata where these do not reach.

    {"op": "rename",     "at": "/customer/name", "to": "full_name"}
    {"op": "default",    "at": "/currency", "value": "EUR"}
    {"op": "move",       "at": "/street", "to": "/address/street"}
    {"op": "remove",     "at": "/legacy"}
    {"op": "expression", "at": "/items/*", "jsonata": "{\"total\": price * count}"}

Places are JSON Pointers. A part `*` means every item where the value is an array, and the member of that name where it
is an object. What is not there is nothing to do; what would be overwritten is an error.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from registry.errors import InvalidMigration
from registry.expressions import Expression, ExpressionFailedError, InvalidExpressionError, expression

Json = Any
Path = tuple[str, ...]

MOST_STEPS = 200
_EVERY = "*"


class StepFailedError(ValueError):
    """A step has no result for this instance; `pointer` is where."""

    def __init__(self, pointer: str, sentence: str) -> None:
        super().__init__(f"{pointer or '/'}: {sentence}")
        self.pointer = pointer
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Step:
    """One step, read and checked. `run` may change what it is given, and gives the new root."""

    told: Mapping[str, Any]
    run: Callable[[Json], Json]


@dataclass(frozen=True, slots=True)
class Program:
    """Steps one after the other."""

    steps: tuple[Step, ...]

    def __call__(self, instance: Json) -> Json:
        """The migrated instance; the one that is given stays as it is. Raises StepFailedError."""
        value = _copied(instance)
        for step in self.steps:
            value = step.run(value)
        return value


def read_program(told: object, *, member: str) -> Program:
    """Raises InvalidMigration, with the pointer of what is wrong in the body whose `member` this is."""
    if not isinstance(told, list):
        raise InvalidMigration("the steps are a list", pointer=f"/{member}")
    if len(told) > MOST_STEPS:
        raise InvalidMigration(f"there are {len(told)} steps; {MOST_STEPS} are allowed", pointer=f"/{member}")
    return Program(tuple(_read(step, f"/{member}/{index}") for index, step in enumerate(told)))


def steps_as_text(steps: Any) -> str:
    """The same steps, the same text: 1 and true are not the same, and the order of members is nothing."""
    return json.dumps(steps, sort_keys=True, ensure_ascii=False)


@lru_cache(maxsize=1_000)
def program_of(text: str) -> Program:
    """The program of steps that were accepted, from their JSON: compiled once."""
    return read_program(json.loads(text), member="steps")


def _read(told: object, place: str) -> Step:
    if not isinstance(told, dict):
        raise InvalidMigration("a step is an object", pointer=place)
    op = told.get("op")
    if not isinstance(op, str) or op not in _READERS:
        raise InvalidMigration(f"'op' is one of {', '.join(_READERS)}", pointer=f"{place}/op")
    reader, members = _READERS[op]
    for name in told:
        if name not in members:
            raise InvalidMigration(
                f"'{op}' has no member '{name}'; it has {', '.join(sorted(members))}",
                pointer=f"{place}/{_escaped(name)}",
            )
    for name in sorted(members - told.keys() - ({"at"} if op == "expression" else set())):
        raise InvalidMigration(f"'{op}' needs '{name}'", pointer=f"{place}/{name}")
    return Step(told, reader(told, place))


def _rename(told: Mapping[str, Any], place: str) -> Callable[[Json], Json]:
    *parents, old = _member_path(told["at"], f"{place}/at")
    new = told["to"]
    if not isinstance(new, str) or new.startswith("/"):
        raise InvalidMigration(
            "'to' of a rename is the new name itself, without '/' in front; 'move' takes a pointer",
            pointer=f"{place}/to",
        )

    def run(root: Json) -> Json:
        for where, owner in _objects(root, tuple(parents)):
            if old not in owner or old == new:
                continue
            if new in owner:
                raise StepFailedError(
                    _pointer((*where, new)), "there is something already; it is not overwritten"
                )
            # The other members keep their order.
            members = [(new if name == old else name, value) for name, value in owner.items()]
            owner.clear()
            owner.update(members)
        return root

    return run


def _default(told: Mapping[str, Any], place: str) -> Callable[[Json], Json]:
    *parents, name = _member_path(told["at"], f"{place}/at")
    value = told["value"]

    def run(root: Json) -> Json:
        for _, owner in _objects(root, tuple(parents)):
            if name not in owner:
                owner[name] = _copied(value)
        return root

    return run


def _remove(told: Mapping[str, Any], place: str) -> Callable[[Json], Json]:
    *parents, name = _member_path(told["at"], f"{place}/at")

    def run(root: Json) -> Json:
        for _, owner in _objects(root, tuple(parents)):
            owner.pop(name, None)
        return root

    return run


def _move(told: Mapping[str, Any], place: str) -> Callable[[Json], Json]:
    source, target = _member_path(told["at"], f"{place}/at"), _member_path(told["to"], f"{place}/to")
    shared = _up_to_last_every(source)
    if shared != _up_to_last_every(target):
        raise InvalidMigration(
            "what is moved stays in the same item: up to the last '*' both places are the same",
            pointer=f"{place}/to",
        )
    if target[: len(source)] == source:
        raise InvalidMigration("nothing is moved into itself", pointer=f"{place}/to")
    inner, outer = source[len(shared) :], target[len(shared) :]

    def run(root: Json) -> Json:
        for where, item in _reached(root, shared):
            for _, owner in _objects(item, inner[:-1]):
                if inner[-1] in owner:
                    value = owner.pop(inner[-1])
                    _put(item, outer, value, (*where,))
        return root

    return run


def _put(root: Json, path: Path, value: Json, where: Path) -> None:
    """Objects on the way are made; nothing is overwritten."""
    for depth, name in enumerate(path[:-1]):
        if not isinstance(root, dict):
            break
        root = root.setdefault(name, {})
        if not isinstance(root, dict):
            raise StepFailedError(
                _pointer((*where, *path[: depth + 1])), "this is no object, so nothing moves into it"
            )
    if not isinstance(root, dict) or path[-1] in root:
        raise StepFailedError(_pointer((*where, *path)), "there is something already; it is not overwritten")
    root[path[-1]] = value


def _expression(told: Mapping[str, Any], place: str) -> Callable[[Json], Json]:
    path = read_pointer(told.get("at", ""), f"{place}/at")
    text = told["jsonata"]
    if not isinstance(text, str):
        raise InvalidMigration("an expression is a text", pointer=f"{place}/jsonata")
    try:
        compute = expression(text)
    except InvalidExpressionError as wrong:
        raise InvalidMigration(
            f"the expression cannot be used: {wrong}", pointer=f"{place}/jsonata"
        ) from wrong

    def run(root: Json) -> Json:
        if not path:
            return _computed(compute, root, ())
        for where, owner in list(_reached(root, path[:-1])):
            for key in _keys(owner, path[-1]):
                owner[key] = _computed(compute, owner[key], (*where, str(key)))
        return root

    return run


def _computed(compute: Expression, value: Json, where: Path) -> Json:
    try:
        return compute(value)
    except ExpressionFailedError as failed:
        raise StepFailedError(_pointer(where), str(failed)) from failed


_READERS: dict[str, tuple[Callable[[Mapping[str, Any], str], Callable[[Json], Json]], set[str]]] = {
    "rename": (_rename, {"op", "at", "to"}),
    "default": (_default, {"op", "at", "value"}),
    "move": (_move, {"op", "at", "to"}),
    "remove": (_remove, {"op", "at"}),
    "expression": (_expression, {"op", "at", "jsonata"}),
}


def read_pointer(text: object, place: str) -> Path:
    """Raises InvalidMigration for what is no JSON Pointer."""
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise InvalidMigration("a place is a JSON Pointer, such as /customer/name", pointer=place)
    parts = text.split("/")[1:]
    if any("~" in part.replace("~0", "").replace("~1", "") for part in parts):
        raise InvalidMigration("in a JSON Pointer '~' is written ~0, and '/' in a name ~1", pointer=place)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def _member_path(text: object, place: str) -> Path:
    path = read_pointer(text, place)
    if not path or path[-1] == _EVERY:
        raise InvalidMigration("this step needs the place of a member, such as /customer/name", pointer=place)
    return path


def _up_to_last_every(path: Path) -> Path:
    return path[: max((i + 1 for i, part in enumerate(path) if part == _EVERY), default=0)]


def _keys(owner: Json, part: str) -> Sequence[str | int]:
    """What one part of a place stands for in this value; nothing where it is not there."""
    if isinstance(owner, list):
        if part == _EVERY:
            return range(len(owner))
        return [int(part)] if part.isascii() and part.isdigit() and int(part) < len(owner) else []
    return [part] if isinstance(owner, dict) and part in owner else []


def _reached(root: Json, path: Path, where: Path = ()) -> Iterator[tuple[Path, Json]]:
    if not path:
        yield where, root
        return
    for key in _keys(root, path[0]):
        yield from _reached(root[key], path[1:], (*where, str(key)))


def _objects(root: Json, path: Path) -> Iterator[tuple[Path, dict[str, Json]]]:
    return ((where, value) for where, value in _reached(root, path) if isinstance(value, dict))


def _pointer(path: Path) -> str:
    return "".join(f"/{_escaped(part)}" for part in path)


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _copied(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
