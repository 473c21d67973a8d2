"""Taxonomy documents as text: JSON or YAML in, either out.

YAML is read as version 1.2 has it, into JSON's values only: `no` and `yes` are words there (and what `recoverable` is
about), dates are text, and tags make nothing. It is read event by event, so that neither deep nesting nor aliases of
aliases cost more than the limits say, and a key that occurs twice is refused in both languages.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

import jiter
import yaml
from django.conf import settings

from registry.canonical import storable
from registry.taxonomy_errors import TaxonomyTooLarge, UnreadableTaxonomy

Format = Literal["json", "yaml"]
MAX_DEPTH = 32

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
# Scalars of the YAML 1.2 core schema, as far as JSON has them.
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,3})?")
_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{\]}]', re.DOTALL)


def read_document(raw: bytes, *, form: Format) -> Any:
    """The value of an uploaded text. Raises TaxonomyTooLarge, or UnreadableTaxonomy with line and column."""
    if len(raw) > settings.TAXONOMY_MAX_BYTES:
        raise TaxonomyTooLarge.bytes(len(raw), settings.TAXONOMY_MAX_BYTES)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        raise UnreadableTaxonomy(f"The text is not UTF-8: {bad.reason} at byte {bad.start}.") from bad
    value = _read_json(text) if form == "json" else _read_yaml(text)
    if storable(value) != value:
        raise UnreadableTaxonomy("The text holds the character U+0000 or half of a surrogate pair.")
    return value


def write_document(document: Any, *, form: Format) -> str:
    """The document as people keep it in a file; reading it gives the same document."""
    if form == "json":
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    text: str = yaml.dump(
        document, Dumper=_DUMPER, allow_unicode=True, sort_keys=False, default_flow_style=False, width=120
    )
    return text


def _read_json(text: str) -> Any:
    depth = 0
    for found in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found.group()[0], 0)
        if depth > MAX_DEPTH:
            raise _too_deep()
    try:
        return jiter.from_json(text.encode(), catch_duplicate_keys=True, allow_inf_nan=False)
    except ValueError as bad:
        raise UnreadableTaxonomy(f"The text is not JSON: {bad}.") from bad


def _read_yaml(text: str) -> Any:
    builder = _Builder(room=settings.TAXONOMY_MAX_BYTES // 4)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as bad:
        mark = bad.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UnreadableTaxonomy(f"The text is not YAML: {bad.problem or bad.context}{where}.") from bad
    except yaml.YAMLError as bad:
        raise UnreadableTaxonomy(f"The text is not YAML: {str(bad).splitlines()[0]}.") from bad
    if builder.documents != 1:
        raise UnreadableTaxonomy(f"The text holds {builder.documents} YAML documents; a taxonomy is one.")
    return builder.root


def _too_deep() -> UnreadableTaxonomy:
    return UnreadableTaxonomy(f"The text is nested more than {MAX_DEPTH} levels deep.", limit=MAX_DEPTH)


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    value: list[Any] | dict[str, Any]
    anchor: str | None
    size: int = 1
    # Of a mapping: the key that waits for its value.
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """JSON values out of YAML's events; `room` is how many values there may be with every alias written out."""

    room: int
    root: Any = None
    documents: int = 0
    _open: list[_Open] = field(default_factory=list)
    # Anchor → the value and how many values it holds.
    _anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
        elif isinstance(event, yaml.ScalarEvent):
            self._keep(_scalar(event), 1, event, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            done = self._open.pop()
            self._keep(done.value, done.size, event, done.anchor)

    def _begin(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise _too_deep()
        if event.tag not in {None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}:
            raise _refused(event, f"The tag {event.tag} makes nothing here")
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            raise _refused(event, "A key is a text, not a list or mapping")
        value: list[Any] | dict[str, Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Open(value, event.anchor))

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise _refused(event, f"The alias *{event.anchor} stands for nothing that ended before it")
        value, size = self._anchors[event.anchor]
        self._keep(value, size, event, None)

    def _keep(self, value: Any, size: int, event: yaml.Event, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, size)
        if not self._open:
            self.root = value
            return
        into = self._open[-1]
        into.size += size
        if into.size > self.room:
            raise TaxonomyTooLarge(
                f"With its aliases written out, the text holds more than {self.room:,} values.",
                limit=self.room,
            )
        if isinstance(into.value, list):
            into.value.append(value)
        elif into.key is None:
            into.key = _key(value, into.value, event)
        else:
            into.value[into.key] = value
            into.key = None


def _key(value: Any, into: dict[str, Any], event: yaml.Event) -> str:
    if not isinstance(value, str):
        raise _refused(event, f"The key {value!r} is no text; write it in quotes")
    if value == "<<":
        raise _refused(event, "Merge keys (<<) left YAML with version 1.2; write the members out")
    if value in into:
        raise _refused(event, f"The key '{value}' occurs twice in one mapping")
    return value


def _scalar(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    if event.tag == "tag:yaml.org,2002:str" or not event.implicit[0]:
        if event.tag not in {None, "!", "tag:yaml.org,2002:str"}:
            raise _refused(event, f"The tag {event.tag} makes nothing here")
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if number not in {float("inf"), float("-inf")} else text
    return text


def _refused(event: yaml.Event, problem: str) -> UnreadableTaxonomy:
    mark = event.start_mark
    assert mark is not None
    line, column = mark.line + 1, mark.column + 1
    message = f"{problem} (line {line}, column {column})."
    return UnreadableTaxonomy(message, line=line, column=column)
