"""The bytes on the wire: orjson in and out, under the content types that registry clients send."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from access.errors import ProductError
from registry.canonical import exact_text

V1 = "application/vnd.schemaregistry.v1+json"
VENDOR = "application/vnd.schemaregistry+json"
JSON = "application/json"
PROBLEM = "application/problem+json"

# The addresses of registry clients, which expect their own content type where they name none.
_WIRE = re.compile(
    "/api/v1/(|(subjects|schemas|config|mode|compatibility|contexts|v1/metadata)(/.*)?)$", re.DOTALL
)

# What `curl -d` and hand-written clients send for JSON, beside anything that says json.
_ALSO_JSON = frozenset({"", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain"})


class BodyTooLarge(ProductError):
    kind = "too_large"
    code = "body_too_large"

    def __init__(self) -> None:
        limit = settings.API_BODY_MAX_BYTES
        super().__init__(
            f"The body is larger than the {limit} bytes this address takes (setting API_BODY_MAX_BYTES).",
            limit=limit,
        )


class NestedTooDeep(ProductError):
    code = "invalid_schema"


class WireParser(BaseParser):
    """Reads a JSON body, however its content type says so: clients of the field send five different ones."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        _check_media_type(media_type or "")
        raw = _read_bounded(stream, _length_said(parser_context or {}))
        try:
            body = orjson.loads(raw) if raw else {}
        except orjson.JSONDecodeError as bad:
            if "depth limit" in bad.msg:
                raise NestedTooDeep("The body is nested more than 1,000 levels deep.") from bad
            raise ParseError(f"The body is not JSON: {bad}") from bad
        return _with_schema_as_text(body, raw)


def _check_media_type(media_type: str) -> None:
    plain = media_type.partition(";")[0].strip().lower()
    if "json" not in plain and plain not in _ALSO_JSON:
        raise UnsupportedMediaType(
            plain, f"This address takes JSON, not '{plain}'. Send Content-Type: {JSON}."
        )


def _length_said(context: Mapping[str, Any]) -> int:
    said = context["request"].META.get("CONTENT_LENGTH") if "request" in context else None
    return int(said) if said and said.isdigit() else 0


def _read_bounded(stream: IO[Any], length: int) -> bytes:
    """A body that says it is too large is not begun: a connection on which half of one lies breaks for the next request."""
    if length > settings.API_BODY_MAX_BYTES:
        raise BodyTooLarge
    raw: bytes = stream.read(settings.API_BODY_MAX_BYTES + 1)
    if len(raw) > settings.API_BODY_MAX_BYTES:
        raise BodyTooLarge
    return raw


def _with_schema_as_text(body: Any, raw: bytes) -> Any:
    """A schema sent as an object instead of a string becomes the text it would have been, numbers as written."""
    if isinstance(body, dict) and isinstance(body.get("schema"), dict):
        return {**body, "schema": exact_text(raw, "schema")}
    return body


class WireRenderer(BaseRenderer):
    """JSON; `Negotiation` says under which name."""

    media_type = JSON
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        # Schema texts are answered as they were uploaded.
        if isinstance(data, bytes):
            return data
        return b"" if data is None else _dumped(data)


def _dumped(data: Any) -> bytes:
    """Counterexamples and changes hold integers of any size; orjson writes 64 bits."""
    try:
        return orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


class Negotiation(BaseContentNegotiation):
    """Never refuses: a client that accepts nothing we have is served JSON, as registries of the field do."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        accept = request.META.get("HTTP_ACCEPT", "")
        renderer.media_type = (
            content_type_for(accept) if _WIRE.match(request.path_info) else named_type(accept) or JSON
        )
        return renderer, renderer.media_type


def named_type(accept: str) -> str | None:
    """The first of the field's content types that an Accept header names."""
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return next((name for name in named if name in {V1, VENDOR, JSON}), None)


@lru_cache(maxsize=256)
def content_type_for(accept: str) -> str:
    """How the registry's own addresses answer: as registries of the field do, but in a browser so that it shows."""
    return named_type(accept) or (JSON if "text/html" in accept.lower() else V1)


def wants_problem(accept: str) -> bool:
    """Whether errors are to be answered in RFC 9457's shape."""
    return PROBLEM in accept.lower()


def accepts_extras(request: Request) -> bool:
    """Whether an answer may carry members that Confluent's do not have: older clients of theirs refuse such answers."""
    asked = request.headers.get("Confluent-Accept-Unknown-Properties", "").lower() == "true"
    return asked or named_type(request.META.get("HTTP_ACCEPT", "")) not in {V1, VENDOR}


class InvalidParameter(ProductError):
    code = "malformed_body"


def flag(request: Request, name: str) -> bool:
    """A boolean parameter: "true" in any case, anything else is false."""
    return str(request.query_params.get(name, "")).lower() == "true"


def wants_bundle(request: Request) -> bool:
    """Whether one self-contained schema is asked for; what else `format` may say for other schema types is ignored."""
    return str(request.query_params.get("format", "")).lower() == "bundled"


def window(request: Request) -> slice:
    """The slice that `offset` and `limit` ask for; a negative limit is none. Raises InvalidParameter."""
    offset, limit = max(0, integer(request, "offset", 0)), integer(request, "limit", -1)
    return slice(offset, offset + limit if limit >= 0 else None)


def integer(request: Request, name: str, default: int) -> int:
    """An integer parameter, cut to what slices take. Raises InvalidParameter."""
    given = request.query_params.get(name, "")
    if not given:
        return default
    try:
        return max(-(2**31), min(2**31, int(given[:20])))
    except ValueError as bad:
        raise InvalidParameter(f"'{name}' has to be an integer, not '{given[:40]}'.", parameter=name) from bad
