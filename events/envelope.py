"""From the bytes of one event to what the product knows about it; what was odd is told, what is no event is refused."""

import json
import re
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings

from events import numbers, scan
from events.clocks import read_clock
from events.scan import Piece

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Unacceptable(Exception):
    """These bytes cannot become an event; `code` and the sentence are the answer for this one event."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Envelope(NamedTuple):
    """One event as read. Texts are cut to what their columns hold; `raw` is never changed."""

    raw: bytes
    # What schemas judge: the parsed event, with the id it was given here if it had none.
    document: dict[str, Any]
    # Whether a jsonb column can hold the document.
    representable: bool
    event_id: str
    event_type: str
    # As sent, or "".
    schema_version: str
    node_id: str
    correlation_id: str | None
    parent_correlation_id: str | None
    trace_id: str | None
    span_id: str | None
    error_code: str | None
    sample_rate: float
    # The producer's clock in UTC, or None when it could not be read.
    occurred_at: datetime | None
    lints: tuple[str, ...]


def read_event(piece: Piece, *, now: datetime) -> Envelope:
    """Raises Unacceptable for what is no JSON object, has duplicate keys, or is over a hard limit."""
    raw, depth = piece.raw, piece.depth
    if len(raw) > settings.EVENT_MAX_BYTES:
        raise Unacceptable(
            "event_too_large",
            f"The event has {len(raw):,} bytes; {settings.EVENT_MAX_BYTES:,} are allowed (EVENT_MAX_BYTES).",
        )
    if depth > settings.EVENT_MAX_DEPTH:
        raise Unacceptable(
            "event_too_deep",
            f"The event is nested {depth} levels deep; {settings.EVENT_MAX_DEPTH} are allowed (EVENT_MAX_DEPTH).",
        )
    return _read_object(raw, depth, _parsed(piece), now)


def _parsed(piece: Piece) -> dict[str, Any]:
    """Raises Unacceptable, with the place, for what is no JSON object."""
    try:
        document = scan.parse(piece.raw) if piece.value is None else piece.value
    except ValueError as bad:
        line = f" of line {piece.line} of the body" if piece.line else ""
        near = _near(piece.raw, str(bad))
        half = " (half of a surrogate pair)" if "hex escape" in str(bad) else ""
        raise Unacceptable("unreadable_event", f"Not readable as JSON: {bad}{half}{line}{near}.") from bad
    if not isinstance(document, dict):
        raise Unacceptable("not_an_object", f"An event is a JSON object, not {_JSON_NAMES[type(document)]}.")
    return document


_JSON_NAMES: dict[type, str] = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}
_PLACE = re.compile(r" at line (\d+) column (\d+)$")


def _near(raw: bytes, problem: str) -> str:
    """A few characters of the place that the parser complains about."""
    place = _PLACE.search(problem)
    if place is None:
        return ""
    line = raw.split(b"\n")[int(place[1]) - 1]
    start = max(int(place[2]) - 11, 0)
    return f", near {line[start : start + 20].decode(errors='backslashreplace')!r}"


def _read_object(raw: bytes, depth: int, document: dict[str, Any], now: datetime) -> Envelope:
    lints: list[str] = []
    representable = True
    if not numbers.look_plain(raw):
        document, representable = _with_exact_numbers(raw, document, lints)
    if nul := b"\\u0000" in raw and _NUL.search(raw) is not None:
        lints.append("nul_character")
    if len(raw) > settings.EVENT_WARN_BYTES:
        lints.append("large_event")
    if depth > settings.EVENT_WARN_DEPTH:
        lints.append("deep_event")
    get = document.get
    sent_time = get("timestamp")
    occurred_at, time_lints = read_clock(sent_time, now=now)
    lints += time_lints
    event_id = _id_of(get("event_id"), nul=nul)
    if event_id is None:
        event_id = str(uuid.uuid4())
        lints.append("event_id_assigned")
        if get("event_id") is None:
            document = {**document, "event_id": event_id}
    if "epoch_timestamp" in time_lints and occurred_at is not None:
        document = {**document, "timestamp": occurred_at.isoformat()}
    metadata = get("metadata")
    return Envelope(
        raw=raw,
        document=document,
        representable=representable and not nul,
        event_id=event_id,
        event_type=_text(get("event_type"), 255, lints, nul=nul) or "",
        schema_version=_text(get("schema_version"), 60, lints, nul=nul) or "",
        node_id=_text(get("node_id"), 255, lints, nul=nul) or "",
        correlation_id=_text(get("correlation_id"), 255, lints, nul=nul),
        parent_correlation_id=_text(get("parent_correlation_id"), 255, lints, nul=nul),
        trace_id=_text(get("trace_id"), 64, lints, nul=nul),
        span_id=_text(get("span_id"), 32, lints, nul=nul),
        error_code=_text(metadata.get("error_code"), 255, lints, nul=nul) if type(metadata) is dict else None,
        sample_rate=_rate(get("sample_rate")),
        occurred_at=occurred_at,
        lints=tuple(lints),
    )


def _with_exact_numbers(
    raw: bytes, document: dict[str, Any], lints: list[str]
) -> tuple[dict[str, Any], bool]:
    """The document with decimals that a double cannot hold kept as Decimal, and whether jsonb can hold it."""
    odd = numbers.oddities(document)
    lints += sorted(odd)
    if "number_beyond_double" in odd:
        document = json.loads(raw, parse_float=Decimal)
    return document, numbers.fit_jsonb(raw)


def _id_of(value: Any, *, nul: bool) -> str | None:
    """A usable event id, or None: then one is assigned."""
    if type(value) is not str or not 0 < len(value) <= 255 or (nul and "\0" in value):
        return None
    return value


def _text(value: Any, limit: int, lints: list[str], *, nul: bool) -> str | None:
    """A text for a column of `limit` characters; numbers as they print, None for what is no text at all."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        text = str(value)
    elif isinstance(value, str | int | float):
        text = value if isinstance(value, str) else json.dumps(value)
    else:
        return None
    if len(text) > limit:
        lints.append("cut_to_column")
        text = text[:limit]
    return text.replace("\0", "\ufffd") if nul else text


def _rate(value: Any) -> float:
    """The sample rate, or 1 for what is none."""
    if type(value) in {int, float} and 0.0001 <= value <= 1:
        return float(value)
    return 1.0
