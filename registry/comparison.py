"""What compat says about two documents, remembered for as long as there is room.

A comparison depends on nothing but its two documents and the question, so a dry run and the publication after it, or a
refusal and the declared major after it, are one comparison. Each process remembers its own.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from threading import Lock
from typing import Any, Generic, Literal, TypeVar

import orjson
from django.conf import settings

from compat import Bump, SchemaError, Verdict, bump, check
from compat.apart import apart
from registry.opaque_codes import KEYWORD, UNPROVEN, binds, opaque

Direction = Literal["backward", "forward", "full"]
World = Literal["open", "declared"]
Answer = TypeVar("Answer")

#: Characters of schema text whose comparisons are remembered; an answer keeps parts of both documents alive.
_ROOM = 4_000_000


@dataclass(frozen=True)
class Document:
    """A parsed schema with the documents it may refer to."""

    value: Any
    store: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def identity(self) -> tuple[bytes, int]:
        """Equal for documents that read the same, key order included; with the number of characters."""
        return self._written[:2]

    @property
    def mentions_codes(self) -> bool:
        """Whether one of the documents has the keyword that binds to a taxonomy, or a member of that name in its data."""
        return self._written[2]

    @cached_property
    def _written(self) -> tuple[bytes, int, bool]:
        """What is asked of the text, which itself is not kept."""
        text = _text_of([self.value, dict(self.store)])
        return hashlib.sha256(text).digest(), len(text), _MENTIONED in text


_MENTIONED = f'"{KEYWORD}":'.encode()


def _text_of(value: Any) -> bytes:
    """Always the same of the same value, in one of two ways: orjson writes neither large integers nor halves of characters."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


@dataclass
class _Remembered(Generic[Answer]):
    """The answers asked for last. Two threads that ask the same at once both work; the answers are equal."""

    room: int
    _answers: "OrderedDict[Hashable, tuple[Answer, int]]" = field(default_factory=OrderedDict)
    _held: int = 0
    _lock: Lock = field(default_factory=Lock)

    def answer(self, old: Document, new: Document, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        key = (old.identity[0], new.identity[0], question, settings.DEFAULT_DIALECT)
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key][0]
        found = ask()
        with self._lock:
            self._keep(key, found, old.identity[1] + new.identity[1])
        return found

    def _keep(self, key: Hashable, found: Answer, size: int) -> None:
        if size > self.room or key in self._answers:
            return
        self._answers[key] = (found, size)
        self._held += size
        while self._held > self.room:
            self._held -= self._answers.popitem(last=False)[1][1]


_verdicts: _Remembered[Verdict] = _Remembered(_ROOM)
_bumps: _Remembered[Bump] = _Remembered(_ROOM)


def compare(old: Document, new: Document, *, mode: Direction, world: World, formats: bool = False) -> Verdict:
    """compat's verdict on two documents that may each refer to others; with `formats`, `format` is an assertion."""
    question = (mode, world, formats)
    return _verdicts.answer(old, new, question, lambda: _compared(old, new, mode, world, formats=formats))


def required_bump(
    old: Document, new: Document, *, world: World, known: Verdict | None, formats: bool = False
) -> Bump:
    """The SemVer step from old to new; `known` is what `compare` said about them, if it was asked."""
    question = (world, formats)
    return _bumps.answer(old, new, question, lambda: _bumped(old, new, world, known, formats=formats))


def _compared(old: Document, new: Document, mode: Direction, world: World, *, formats: bool) -> Verdict:
    older, store = _one_store(old, new)
    ask = partial(check, mode=mode, world=world, dialect=settings.DEFAULT_DIALECT, formats=formats)
    try:
        verdict = ask(older, new.value, store=store)
        if verdict.status != "compatible" or not _is_bound(old, new):
            return verdict
        bound = ask(opaque(older), opaque(new.value), store=_opaque_store(store))
        return (
            verdict if bound.status == "compatible" else replace(verdict, status="undecided", proof=UNPROVEN)
        )
    except SchemaError as unreadable:
        return Verdict(
            "undecided", mode, world, proof=f"the older version can no longer be read: {unreadable}"
        )


def _bumped(old: Document, new: Document, world: World, known: Verdict | None, *, formats: bool) -> Bump:
    older, store = _one_store(old, new)
    ask = partial(bump, world=world, dialect=settings.DEFAULT_DIALECT, formats=formats)
    try:
        step = ask(older, new.value, store=store, known=known)
        if step.level == "major" or not _is_bound(old, new):
            return step
        bound = ask(opaque(older), opaque(new.value), store=_opaque_store(store))
        if bound.level == "major":
            return Bump("major", UNPROVEN)
        widened = step.level == "patch" and bound.level == "minor"
        return Bump("minor", "fields are no longer bound to a taxonomy") if widened else step
    except SchemaError as unreadable:
        return Bump("major", f"the version before can no longer be read: {unreadable}")


def _is_bound(old: Document, new: Document) -> bool:
    return any(each.mentions_codes and binds(each.value, each.store) for each in (old, new))


def _opaque_store(store: Mapping[str, Any]) -> dict[str, Any]:
    return {name: opaque(document) for name, document in store.items()}


def _one_store(old: Document, new: Document) -> tuple[Any, dict[str, Any]]:
    older, store = apart(old.value, old.store, new.store)
    return older, {**store, **new.store}
