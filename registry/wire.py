"""The bytes on the wire: orjson in and out, under the content types that registry clients send."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

V1 = "application/vnd.schemaregistry.v1+json"
ACCEPTED = (V1, "application/vnd.schemaregistry+json", "application/json", "application/problem+json")


class WireParser(BaseParser):
    """Reads a JSON body whatever its content type says: clients of the field send five different ones."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = stream.read()
        try:
            return orjson.loads(raw) if raw else {}
        except orjson.JSONDecodeError as bad:
            raise ParseError(f"The body is not JSON: {bad}") from bad


class WireRenderer(BaseRenderer):
    """Answers under the first of the field's content types that the caller accepts."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)
