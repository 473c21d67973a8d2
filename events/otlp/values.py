"""OpenTelemetry's values as JSON's, and the parts that all its records have."""

import base64
import hashlib
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from events.scan import Piece, depth_of

Json = dict[str, Any]

_NOBODY = "unknown_service"


def plain(value: AnyValue) -> Any:
    """Bytes as base64, and numbers that JSON has not as the texts that protobuf's JSON has for them."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "kvlist_value":
        return attributes(value.kvlist_value.values)
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if kind == "double_value" and not math.isfinite(value.double_value):
        number = value.double_value
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    return getattr(value, kind)


def attributes(pairs: Iterable[KeyValue]) -> Json:
    return {pair.key: plain(pair.value) for pair in pairs}


def of_resource(resource: Resource, schema_url: str) -> Json:
    told: Json = {"attributes": attributes(resource.attributes)}
    return {**told, "schema_url": schema_url} if schema_url else told


def of_scope(scope: InstrumentationScope, schema_url: str) -> Json:
    told = {"name": scope.name, "version": scope.version, "attributes": attributes(scope.attributes)}
    told["schema_url"] = schema_url
    return {name: value for name, value in told.items() if value}


def node_of(resource: Json) -> str:
    """The service; its instances would be a node for each start of a process."""
    named = resource["attributes"].get("service.name")
    return named if isinstance(named, str) and named else _NOBODY


def id_in(value: bytes, length: int) -> str | None:
    """As hexadecimal; None for what is no id: of another length, or nothing but zeroes."""
    return value.hex() if len(value) == length and any(value) else None


def time_of(nanoseconds: int) -> str:
    """RFC 3339 with all nine digits: what is exported again is the same nanosecond."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def piece_of(event: Json, times_before: int = 0) -> tuple[Piece, bytes]:
    """An event whose id follows from what is in it, and the digest of that: sent again, it is the same event.

    `times_before`: how many of the same request are its like in everything.
    """
    told = orjson.dumps(event)
    digest = hashlib.blake2b(told, digest_size=16, salt=times_before.to_bytes(8, "big")).hexdigest()
    return _identified(told, digest), digest.encode()


def piece_named(event: Json, *parts: str) -> Piece:
    """An event whose id follows from what it is called."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
    return _identified(orjson.dumps(event), digest)


def _identified(told: bytes, digest: str) -> Piece:
    raw = b'{"event_id":"%b",%b' % (_as_uuid(digest).encode(), told[1:])
    return Piece(raw, depth_of(raw))


def _as_uuid(digest: str) -> str:
    """Of the version that says nothing about how it was made."""
    return (
        f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{'89ab'[int(digest[16], 16) & 3]}"
        f"{digest[17:20]}-{digest[20:]}"
    )
