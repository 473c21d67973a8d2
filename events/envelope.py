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
from events.error_pattern import pattern_of
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
    # What its message says but for names and numbers; None where it tells of no failure.
    error_pattern: str | None
    sample_rate: float
    # The producer's clock in UTC, or None when it could not be read.
    occurred_at: datetime | None
    lints: tuple[str, ...]
    # How many levels it is nested.
    depth: int = 0
    # What a jsonb column gets instead of `raw`, where the document was read under other names.
    derived: bytes | None = None


class Limits(NamedTuple):
    """Sizes in bytes and depths at which an event is linted or refused."""

    warn_bytes: int
    max_bytes: int
    warn_depth: int
    max_depth: int

    @classmethod
    def of_settings(cls) -> "Limits":
        return cls(
            settings.EVENT_WARN_BYTES,
            settings.EVENT_MAX_BYTES,
            settings.EVENT_WARN_DEPTH,
            settings.EVENT_MAX_DEPTH,
        )


def read_event(piece: Piece, *, now: datetime, limits: Limits) -> Envelope:
    """Raises Unacceptable for what is no JSON object, has duplicate keys, or is over a hard limit."""
    size, depth = len(piece.raw), piece.depth
    if size > limits.max_bytes:
        raise Unacceptable(
            "event_too_large",
            f"The event has {size:,} bytes; {limits.max_bytes:,} are allowed (EVENT_MAX_BYTES).",
        )
    if depth > limits.max_depth:
        raise Unacceptable(
            "event_too_deep",
            f"The event is nested {depth} levels deep; {limits.max_depth} are allowed (EVENT_MAX_DEPTH).",
        )
    lints = []
    if size > limits.warn_bytes:
        lints.append("large_event")
    if depth > limits.warn_depth:
        lints.append("deep_event")
    return _read_object(piece, _parsed(piece), now, lints)


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


# Members that become text columns, with what these hold; named as the fields of Envelope are.
_TEXTS = (
    ("event_type", 255),
    ("schema_version", 60),
    ("node_id", 255),
    ("correlation_id", 255),
    ("parent_correlation_id", 255),
    ("trace_id", 64),
    ("span_id", 32),
)


def _read_object(piece: Piece, document: dict[str, Any], now: datetime, lints: list[str]) -> Envelope:
    raw, representable = piece.raw, True
    if not numbers.look_plain(raw):
        document, representable = _with_exact_numbers(raw, document, lints)
    if nul := b"\\u0000" in raw and _NUL.search(raw) is not None:
        lints.append("nul_character")
    get = document.get
    clock = read_clock(get("timestamp"), now=now)
    lints += clock.lints
    event_id = _id_of(get("event_id"), nul=nul)
    if event_id is None:
        event_id = str(uuid.uuid4())
        lints.append("event_id_assigned")
        if get("event_id") is None:
            document = {**document, "event_id": event_id}
    if "epoch_timestamp" in clock.lints and clock.at is not None:
        document = {**document, "timestamp": clock.at.isoformat()}
    metadata = get("metadata")
    # Nearly every text is absent or fits its column as it is; only the others cost a call.
    event_type, label, node_id, correlation_id, parent_id, trace_id, span_id = [
        value
        if (value := get(name)) is None or (type(value) is str and len(value) <= size and not nul)
        else _text(value, size, lints)
        for name, size in _TEXTS
    ]
    return Envelope(
        raw,
        document,
        representable and not nul,
        event_id,
        event_type or "",
        label or "",
        node_id or "",
        correlation_id,
        parent_id,
        trace_id,
        span_id,
        _text(metadata.get("error_code"), 255, lints) if type(metadata) is dict else None,
        pattern_of(event_type or "", metadata) if type(metadata) is dict else None,
        1.0 if (rate := get("sample_rate")) is None else _rate(rate),
        clock.at,
        tuple(lints),
        piece.depth,
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


def _text(value: Any, limit: int, lints: list[str]) -> str | None:
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
    return text.replace("\0", "\ufffd")


def _rate(value: Any) -> float:
    """The sample rate, or 1 for what is none."""
    if type(value) in {int, float} and 0.0001 <= value <= 1:
        return float(value)
    return 1.0
