"""Code first: a pydantic model or a dataclass that is the schema of an event type.

    @event("order.created", version="^1.2")
    class OrderCreated(BaseModel):
        amount: int
        currency: str = "EUR"

    emit_model(OrderCreated(amount=3))

`onex push --module shop.events` registers what such classes say, and `onex codegen --language jsonschema` writes it into
files for review.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, TypeVar, cast

Model = TypeVar("Model", bound=type)

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLACE = "__onex_event__"
_RANGE = re.compile(r"[\^~]?(\d+)(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?")
_INSTALL = "pip install 'onex-sdk[pydantic]'"


@dataclass(frozen=True)
class EventType:
    """What a decorated class says."""

    name: str
    #: The range of versions that the class is written for, such as `^1.2`; None for whatever is the latest.
    version: str | None
    model: type

    @property
    def schema_version(self) -> str | None:
        """The lowest version of the range, which is the least that the class needs: what its events say."""
        if self.version is None:
            return None
        numbers = _matched(self.version).groups(default="0")
        return ".".join("0" if number in "xX*" else number for number in numbers)

    def admits(self, semver: str) -> bool:
        """Whether the range holds this version, as npm reads ranges."""
        if self.version is None or self.schema_version is None:
            return True
        lowest = [int(number) for number in self.schema_version.split(".")]
        asked = [int(number) for number in re.split("[-+]", semver)[0].split(".")]
        fixed = _fixed(self.version)
        return asked >= lowest and asked[:fixed] == lowest[:fixed]

    def schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the class as pydantic has it: fields with a default may be left out."""
        return {"$schema": _DIALECT, **_adapter(self.model).json_schema(by_alias=True, mode="validation")}

    def schema_text(self) -> str:
        """The same as a file holds it."""
        return json.dumps(self.schema(), indent=2, ensure_ascii=False) + "\n"


def event(name: str, *, version: str | None = None) -> Callable[[Model], Model]:
    """Makes a pydantic v2 model or a dataclass the schema of the event type `name`.

    `version` is an exact SemVer, or a range of npm's: `^1`, `~1.2`, `1.x`. Raises ValueError for anything else, and
    TypeError for a class that is neither.
    """
    if version is not None:
        _matched(version)

    def decorated(model: Model) -> Model:
        if not (is_dataclass(model) or hasattr(model, "model_json_schema")):
            raise TypeError(f"{model.__name__} is neither a pydantic model nor a dataclass.")
        setattr(model, _PLACE, EventType(name, version, model))
        return model

    return decorated


def event_type_of(model: type) -> EventType | None:
    """What the class itself was decorated with; a subclass is another type."""
    found = vars(model).get(_PLACE)
    return found if isinstance(found, EventType) else None


def metadata_of(instance: Any) -> Mapping[str, Any]:
    """The instance as JSON values, without what is None because nobody said anything.

    Raises TypeError for one of a class that is not decorated.
    """
    adapter = _adapter(_type_of(instance).model)
    whole = adapter.dump_python(instance, mode="json", by_alias=True)
    said = adapter.dump_python(instance, mode="json", by_alias=True, exclude_unset=True)
    return cast("dict[str, Any]", _without_silence(whole, said))


def emit_model(instance: Any, **envelope: Any) -> str | None:
    """As `emit`, with type, version and metadata from an instance of a decorated class.

    Raises TypeError when its class is not decorated; what becomes of the event is told as by `emit`.
    """
    from onex_sdk._current import emit

    kind = _type_of(instance)
    return emit(kind.name, metadata_of(instance), **{"schema_version": kind.schema_version, **envelope})


def _without_silence(whole: Any, said: Any) -> Any:
    """An optional field that is left out is None in Python, which a schema need not allow."""
    if isinstance(whole, dict):
        given = said if isinstance(said, dict) else {}
        return {
            key: _without_silence(value, given.get(key))
            for key, value in whole.items()
            if value is not None or key in given
        }
    if isinstance(whole, list) and isinstance(said, list):
        return [_without_silence(item, given) for item, given in zip(whole, said, strict=True)]
    return whole


def _type_of(instance: Any) -> EventType:
    found = event_type_of(type(instance))
    if found is None:
        raise TypeError(f"{type(instance).__name__} is not decorated with @event.")
    return found


def _matched(version: str) -> re.Match[str]:
    found = _RANGE.fullmatch(version.strip())
    if found is None:
        raise ValueError(f"{version!r} is no version of an event: say ^1, ~1.2, 1.x or 1.2.3.")
    return found


def _fixed(version: str) -> int:
    """How many leading numbers the versions of a range have in common."""
    numbers = [number for number in _matched(version).groups() if number is not None and number not in "xX*"]
    if version.startswith("^"):
        return next((place for place, number in enumerate(numbers, 1) if int(number)), len(numbers))
    return min(len(numbers), 2) if version.startswith("~") else len(numbers)


_adapters: dict[type, Any] = {}


def _adapter(model: type) -> Any:
    """Raises ImportError, with what to type, where there is no pydantic 2."""
    if model not in _adapters:
        try:
            from pydantic import TypeAdapter
        except ImportError as absent:
            raise ImportError(f"@event needs pydantic 2: {_INSTALL}") from absent
        _adapters[model] = TypeAdapter(model)
    return _adapters[model]
