"""From a request's bytes to its events: encoding, content type and size limits, all checked before any parsing."""

import zlib
from collections.abc import Iterable
from itertools import islice

import zstandard
from django.conf import settings

from events import scan
from events.errors import BodyTooLarge, UnreadableBody, UnsupportedEncoding
from events.scan import Piece

NDJSON_TYPES = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)
JSON_TYPES = frozenset({"application/json", "text/json", ""})
# More objects and arrays than this in one body are refused: cutting costs time by the bracket, not by the byte.
_MAX_OPENINGS = 1_000_000
# Streams that are flushed by gzip member have tens of them; each costs time, even an empty one.
_MAX_MEMBERS = 1_000
_PIECE = 64 * 1024


def plain_body(body: bytes, *, encoding: str) -> bytes:
    """The body decompressed, at most INGEST_MAX_BYTES of it.

    Raises BodyTooLarge as soon as decoding passes the limit, UnsupportedEncoding, or UnreadableBody when the
    compressed data is damaged or cut off.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        plain = body
    elif name in {"gzip", "x-gzip"}:
        plain = _gunzip(body, settings.INGEST_MAX_BYTES)
    elif name == "zstd":
        plain = _unzstd(body, settings.INGEST_MAX_BYTES)
    else:
        raise UnsupportedEncoding(
            f"Content-Encoding '{encoding}' is not understood here: send gzip, zstd, or none.",
            encoding=encoding,
        )
    check_size(len(plain))
    return plain


def check_size(size: int) -> None:
    """Raises BodyTooLarge for a body of more than INGEST_MAX_BYTES."""
    if size > settings.INGEST_MAX_BYTES:
        raise _too_large()


def check_openings(body: bytes) -> None:
    """Raises BodyTooLarge for JSON of more objects and arrays than are read at once."""
    if body.count(b"[") + body.count(b"{") > _MAX_OPENINGS:
        raise BodyTooLarge(
            f"The body holds more than {_MAX_OPENINGS:,} objects and arrays. Nothing was stored: send less at once.",
            limit=_MAX_OPENINGS,
        )


def pieces(body: bytes, *, content_type: str) -> list[Piece]:
    """The events of a plain body: one object, an array, or NDJSON.

    Raises UnsupportedEncoding, UnreadableBody when nothing of a JSON body is JSON, or BodyTooLarge for more than
    INGEST_MAX_EVENTS.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in NDJSON_TYPES:
        found: Iterable[Piece] = scan.lines(body)
    elif media_type in JSON_TYPES:
        found = _json_events(body)
    else:
        raise UnsupportedEncoding(
            f"Content-Type '{media_type}' is not understood here: send application/json (one event or an array) "
            "or application/x-ndjson (one event a line).",
            content_type=media_type,
        )
    events = list(islice(found, settings.INGEST_MAX_EVENTS + 1))
    if len(events) > settings.INGEST_MAX_EVENTS:
        raise BodyTooLarge(
            f"The body holds more than {settings.INGEST_MAX_EVENTS} events. Nothing was stored: send less at once "
            "(INGEST_MAX_EVENTS is the limit).",
            limit=settings.INGEST_MAX_EVENTS,
        )
    if events and media_type in JSON_TYPES:
        _refuse_no_json(body, events)
    return events


def _refuse_no_json(body: bytes, events: list[Piece]) -> None:
    """Raises UnreadableBody when none of the events is JSON; one that is none among others spoils only itself."""
    breaks = (None if event.value is not None else scan.where_json_ends(event.raw) for event in events)
    if (first := next(breaks)) is None or None in breaks:
        return
    offset, why = first
    raise UnreadableBody.at(
        body.index(events[0].raw) + offset,
        f"{why}. Send one JSON object or an array of them; one event a line is application/x-ndjson.",
    )


def _json_events(body: bytes) -> Iterable[Piece]:
    stripped = body.strip(b" \t\r\n")
    if not stripped:
        raise UnreadableBody.at(0, "It is empty.")
    check_openings(body)
    if stripped[:1] != b"[":
        return [Piece(stripped, scan.depth_of(stripped))]
    return scan.elements(stripped)


def _gunzip(body: bytes, limit: int) -> bytes:
    """All members of a gzip body, decoded no further than one byte beyond the limit."""
    plain, rest, members = bytearray(), memoryview(body), 0
    while rest:
        members += 1
        if members > _MAX_MEMBERS:
            raise BodyTooLarge(
                f"The gzip body consists of more than {_MAX_MEMBERS:,} members. Nothing was stored: compress it as one.",
                limit=_MAX_MEMBERS,
            )
        try:
            rest = _inflate(rest, plain, limit)
        except zlib.error as bad:
            raise UnreadableBody(f"The gzip body is damaged: {bad}. Nothing was stored.") from bad
    return bytes(plain)


def _inflate(rest: memoryview, plain: bytearray, limit: int) -> memoryview:
    """Decodes the first member to the end of `plain`; what follows it."""
    member = zlib.decompressobj(wbits=31)
    at = 0
    while not member.eof:
        # In pieces: zlib copies what it was given and did not need.
        piece = rest[at : at + _PIECE]
        if not piece:
            raise UnreadableBody("The gzip body is cut off before its end. Nothing was stored.")
        plain += member.decompress(piece, limit + 1 - len(plain))
        if len(plain) > limit:
            raise _too_large()
        at += len(piece)
    return rest[at - len(member.unused_data) :]


def _unzstd(body: bytes, limit: int) -> bytes:
    """One zstd frame. The output buffer is never larger than the limit, whatever the frame claims to hold."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=limit)
    try:
        if zstandard.frame_content_size(body) > limit:
            raise _too_large()
        return decompressor.decompress(body, max_output_size=limit, allow_extra_data=False)
    except zstandard.ZstdError as bad:
        if _goes_on_past(decompressor, body, limit):
            raise _too_large() from bad
        raise UnreadableBody(
            f"The zstd body is damaged, cut off, or not one frame: {bad}. Nothing was stored."
        ) from bad


def _goes_on_past(decompressor: zstandard.ZstdDecompressor, body: bytes, limit: int) -> bool:
    """A frame that does not say its size fails in the same way when it is too large and when it is cut off."""
    try:
        return len(decompressor.stream_reader(body).read(limit + 1)) > limit
    except zstandard.ZstdError:
        return False


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is larger than {settings.INGEST_MAX_BYTES:,} bytes when decoded. Nothing was stored: send less "
        "at once (INGEST_MAX_BYTES is the limit).",
        limit=settings.INGEST_MAX_BYTES,
    )
