"""Validating offline with the very verdict the server gives.

The same engine with the same options as the server's: ECMA-262 patterns that run in linear time (with a step
limit where a pattern looks around or back), `format` asserted only where the server does, drafts 4 to 2020-12,
nothing fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import jsonschema_rs

from onex_sdk._codes import KEYWORD, Codes, keyword_of
from onex_sdk._errors import SchemaUnusable

BACKTRACK_LIMIT = 100_000
#: Base of a schema that names none; the one jsonschema-rs uses.
_BASE = "json-schema:///"
_LINEAR = jsonschema_rs.RegexOptions()
_BACKTRACKING = jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACK_LIMIT)
_LOOKAROUND = ("(?=", "(?!", "(?<=", "(?<!")


@dataclass(frozen=True)
class Violation:
    """One place that one keyword of the schema refuses. `pointer` is a JSON Pointer into the instance."""

    pointer: str
    keyword: str
    message: str


@dataclass(frozen=True)
class _Draft:
    uri: str
    validator: type[Any]
    id_keyword: str = "$id"


_D4 = _Draft("http://json-schema.org/draft-04/schema#", jsonschema_rs.Draft4Validator, "id")
_D7 = _Draft("http://json-schema.org/draft-07/schema#", jsonschema_rs.Draft7Validator)
_D2019 = _Draft("https://json-schema.org/draft/2019-09/schema", jsonschema_rs.Draft201909Validator)
_D2020 = _Draft("https://json-schema.org/draft/2020-12/schema", jsonschema_rs.Draft202012Validator)
_DRAFTS = (
    _D4,
    _Draft("http://json-schema.org/draft-06/schema#", jsonschema_rs.Draft6Validator),
    _D7,
    _D2019,
    _D2020,
)
_BY_ADDRESS = {draft.uri.rstrip("#").split("://")[1]: draft for draft in _DRAFTS}
_BY_NAME = dict(zip(("draft-04", "draft-06", "draft-07", "2019-09", "2020-12"), _DRAFTS, strict=True))
#: Snowplow's self-describing schemas extend draft-04.
_SNOWPLOW = "com.snowplowanalytics.self-desc/schema/jsonschema"


class _Inert:
    """A keyword that only annotates, although the engine would assert it."""

    def __init__(self, _parent: dict[str, Any], _value: Any, _path: list[str | int]) -> None: ...
    def validate(self, _instance: Any) -> None: ...


_INERT: dict[str, Any] = {"contentEncoding": _Inert, "contentMediaType": _Inert}
_INERT_FROM_2019: dict[str, Any] = {**_INERT, "dependencies": _Inert}


class Validator:
    """A compiled schema. Safe to share between threads."""

    def __init__(
        self,
        text: str,
        store: Mapping[str, str],
        *,
        dialect: str | None = None,
        formats: bool = False,
        codes: Mapping[str, Codes] | None = None,
    ) -> None:
        """`store` maps what `$ref` may name to schema texts, `dialect` is a draft by the server's name for it, and
        `codes` has what `x-taxonomy` may say. Raises SchemaUnusable.
        """
        if dialect is not None and dialect not in _BY_NAME:
            raise SchemaUnusable(f"The server reads this schema as {dialect}, which is not known here.")
        try:
            schema = json.loads(text)
            documents = {name: json.loads(other) for name, other in store.items()}
            keywords = {KEYWORD: keyword_of(codes)} if codes else {}
            self._compiled = _compiled(schema, documents, dialect, formats=formats, keywords=keywords)
            self._bound = bool(codes)
        except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            raise SchemaUnusable(f"The schema cannot be compiled: {str(error).splitlines()[0]}") from error

    def violations(self, instance: Any) -> list[Violation]:
        """Every violation; empty when the instance is valid."""
        if self.is_valid(instance):
            return []
        errors = list(self._compiled.iter_errors(instance))
        found = [_violation(error) for error in errors]
        if self._bound:
            # In a branch of anyOf a foreign code only shows as "no branch accepts"; it is told by its own name, too.
            inner = (_violation(each) for error in errors for each in _with_branches(error))
            found += [one for one in inner if one.keyword == KEYWORD and one not in found]
        return found

    def is_valid(self, instance: Any) -> bool:
        return bool(self._compiled.is_valid(instance))


def _compiled(
    schema: Any,
    documents: Mapping[str, Any],
    dialect: str | None,
    *,
    formats: bool,
    keywords: Mapping[str, Any],
) -> Any:
    draft = _BY_NAME[dialect] if dialect else _draft_of(schema, _D7)
    try:
        return _with_draft(draft, schema, documents, formats=formats, keywords=keywords)
    except jsonschema_rs.ValidationError as error:
        if not _reads_as_draft_4(schema, error):
            raise
        return _with_draft(_D4, schema, documents, formats=formats, keywords=keywords)


def _with_draft(
    draft: _Draft,
    schema: Any,
    documents: Mapping[str, Any],
    *,
    formats: bool,
    keywords: Mapping[str, Any],
) -> Any:
    needs_more = any(_needs_backtracking(p) for d in (schema, *documents.values()) for p in _patterns(d))
    return draft.validator(
        _standard(schema, draft),
        validate_formats=formats,
        registry=_registry(schema, draft, documents),
        pattern_options=_BACKTRACKING if needs_more else _LINEAR,
        keywords={**(_INERT_FROM_2019 if draft in (_D2019, _D2020) else _INERT), **keywords},
        offline=True,
    )


def _registry(schema: Any, draft: _Draft, documents: Mapping[str, Any]) -> jsonschema_rs.Registry | None:
    if not documents:
        return None
    written = schema.get(draft.id_keyword) if isinstance(schema, dict) else None
    base = urljoin(_BASE, written) if isinstance(written, str) else _BASE
    resources = []
    for name, document in documents.items():
        standard = _standard(document, _draft_of(document, draft))
        resources += [(uri, standard) for uri in {name, urljoin(_BASE, name), urljoin(base, name)}]
    return jsonschema_rs.Registry(resources)


def _draft_of(schema: Any, default: _Draft) -> _Draft:
    uri = schema.get("$schema") if isinstance(schema, dict) else None
    if not isinstance(uri, str):
        return default
    known = _BY_ADDRESS.get(uri.rstrip("#").split("://")[-1])
    return known or (_D4 if _SNOWPLOW in uri else default)


def _reads_as_draft_4(schema: Any, error: jsonschema_rs.ValidationError) -> bool:
    """Boolean exclusive bounds without `$schema` are draft-04's."""
    place = error.instance_path[-1] if error.instance_path else None
    says_draft = isinstance(schema, dict) and "$schema" in schema
    return not says_draft and place in ("exclusiveMinimum", "exclusiveMaximum")


def _standard(schema: Any, draft: _Draft) -> Any:
    return {**schema, "$schema": draft.uri} if isinstance(schema, dict) else schema


def _patterns(schema: Any) -> Iterator[str]:
    stack = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            if isinstance(node.get("pattern"), str):
                yield node["pattern"]
            if isinstance(node.get("patternProperties"), dict):
                yield from node["patternProperties"]
            stack += [
                value for key, value in node.items() if key not in ("enum", "const", "default", "examples")
            ]


def _needs_backtracking(pattern: str) -> bool:
    """Whether the pattern uses lookaround or a backreference."""
    in_class, position = False, 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            if not in_class and pattern[position + 1 : position + 2] in tuple("123456789k"):
                return True
            position += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif pattern.startswith(_LOOKAROUND, position):
            return True
        position += 1
    return False


_FALSE_UNDER = {
    "properties",
    "patternProperties",
    "additionalProperties",
    "items",
    "additionalItems",
    "prefixItems",
}
_BACKTRACKED = f"the pattern needed more than {BACKTRACK_LIMIT} backtracking steps on this value, so it counts as not matching"


def _violation(error: jsonschema_rs.ValidationError) -> Violation:
    exhausted = isinstance(error.kind, jsonschema_rs.ValidationErrorKind.BacktrackLimitExceeded)
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in error.instance_path)
    keyword = "pattern" if exhausted else _keyword(error)
    return Violation(pointer, keyword, _BACKTRACKED if exhausted else error.message)


def _with_branches(error: jsonschema_rs.ValidationError) -> Iterator[jsonschema_rs.ValidationError]:
    yield error
    for branch in getattr(error.kind, "context", None) or []:
        for inner in branch:
            yield from _with_branches(inner)


def _keyword(error: jsonschema_rs.ValidationError) -> str:
    """The keyword that refused; a `false` schema is named after the keyword that holds it."""
    if error.kind.name != "falseSchema":
        return error.kind.name
    holders = [part for part in error.schema_path if isinstance(part, str) and part in _FALSE_UNDER]
    return holders[-1] if holders else "false"
