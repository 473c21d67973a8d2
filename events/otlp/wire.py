"""OTLP's bytes: requests out of protobuf and JSON, answers into the same.

OTLP's JSON is protobuf's, but for trace and span ids, which are hexadecimal.
"""

import base64
import re
from typing import Any, Literal, TypeVar

import orjson
from django.conf import settings
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from events import decode
from events.errors import BodyTooLarge, UnreadableBody
from events.otlp.errors import UnsupportedType

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
Encoding = Literal["application/x-protobuf", "application/json"]
Request = TypeVar("Request", bound=Message)

_IDS = ("traceId", "spanId", "parentSpanId")
# An id that is none: the record that carries it is answered for, and no other.
_NO_ID = base64.b64encode(b"?").decode()
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
# Of google.rpc.Code, by HTTP status.
_RPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 8, 415: 3, 422: 3, 429: 8, 503: 14}
_UNKNOWN = 2


def encoding_of(content_type: str) -> Encoding:
    """Raises UnsupportedType."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == PROTOBUF:
        return "application/x-protobuf"
    if media_type == JSON:
        return "application/json"
    raise UnsupportedType(
        f"Content-Type '{media_type}' is not understood here: send {PROTOBUF} or {JSON}.",
        content_type=media_type,
    )


def read(body: bytes, request: Request, *, encoding: Encoding) -> Request:
    """Fills the request from a plain body; fields nobody knows are passed over, as the protocol asks.

    Raises UnreadableBody, or BodyTooLarge for more records than OTLP_MAX_EVENTS.
    """
    if encoding == PROTOBUF:
        _refuse_flood(body)
        try:
            request.ParseFromString(body)
        except DecodeError as bad:
            raise UnreadableBody(
                f"The body is no {request.DESCRIPTOR.name}: {bad}. Nothing was stored."
            ) from bad
        return request
    document = _parsed(body)
    _ids_in_base64(document)
    try:
        return json_format.ParseDict(document, request, ignore_unknown_fields=True)
    except (json_format.ParseError, RecursionError) as bad:
        told = f"The body is no {request.DESCRIPTOR.name}: {bad}. Nothing was stored."
        raise UnreadableBody(told[:1_000]) from bad


def written(answer: Message, encoding: Encoding) -> bytes:
    if encoding == PROTOBUF:
        return answer.SerializeToString()
    return orjson.dumps(json_format.MessageToDict(answer))


def written_status(status: int, message: str, encoding: Encoding) -> bytes:
    """A refusal as the protocol has it: google.rpc.Status."""
    code = _RPC_CODES.get(status, _UNKNOWN)
    if encoding == JSON:
        return orjson.dumps({"code": code, "message": message})
    text = message.encode()
    # A message of one number and one text; a package for it would bring twenty others.
    return b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text


def too_many() -> BodyTooLarge:
    limit = settings.OTLP_MAX_EVENTS
    return BodyTooLarge(
        f"The body holds more than {limit:,} events. Nothing was stored: send less at once (OTLP_MAX_EVENTS is the limit).",
        limit=limit,
    )


def _parsed(body: bytes) -> dict[str, Any]:
    decode.check_openings(body)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as bad:
        raise UnreadableBody.at(bad.pos, f"It is no JSON: {bad.msg}.") from bad
    if not isinstance(document, dict):
        raise UnreadableBody.at(0, "It is no JSON object.")
    return document


def _ids_in_base64(document: dict[str, Any]) -> None:
    """Changes the ids of the records, and of the links of spans, into what protobuf's reader expects."""
    for record in _records(document):
        _convert(record)
        for link in _objects(record, "links"):
            _convert(link)


def _records(document: dict[str, Any]) -> list[dict[str, Any]]:
    scopes = [
        scope
        for whole, part in (("resourceLogs", "scopeLogs"), ("resourceSpans", "scopeSpans"))
        for resource in _objects(document, whole)
        for scope in _objects(resource, part)
    ]
    return [
        record for scope in scopes for name in ("logRecords", "spans") for record in _objects(scope, name)
    ]


def _objects(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = document.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _convert(record: dict[str, Any]) -> None:
    for name in _IDS:
        value = record.get(name)
        if isinstance(value, str):
            record[name] = (
                base64.b64encode(bytes.fromhex(value)).decode() if _HEX.fullmatch(value) else _NO_ID
            )


def _refuse_flood(body: bytes) -> None:
    """Two bytes are an empty record, and a message in memory has a hundred: they are counted before they are made.

    What is malformed is left to the reader.
    """
    left = settings.OTLP_MAX_EVENTS
    waiting = [(0, len(body), 0)]
    while waiting:
        at, end, depth = waiting.pop()
        while at < end:
            tag, at = _read_varint(body, at, end)
            if tag & 7 != 2:
                at = _past(body, at, end, tag & 7)
                continue
            length, at = _read_varint(body, at, end)
            # Field 1 of a request holds resources; field 2 of a resource scopes, and of a scope records.
            if tag >> 3 == (1 if depth == 0 else 2):
                if depth == 2:
                    left -= 1
                    if left < 0:
                        raise too_many()
                else:
                    waiting.append((at, min(at + length, end), depth + 1))
            at += length


def _past(body: bytes, at: int, end: int, wire_type: int) -> int:
    if wire_type == 0:
        return _read_varint(body, at, end)[1]
    return at + {1: 8, 5: 4}.get(wire_type, end)


def _read_varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end:
        byte = body[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            break
    return 0, end


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)
