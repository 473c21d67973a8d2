"""W3C Trace Context and Baggage as text, and the current span of OpenTelemetry where a program uses that."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_FORBIDDEN_VERSION = "ff"
# What the specifications let a receiver give up at.
_LONGEST_STATE = 512
_LONGEST_BAGGAGE = 8_192


class Trace(NamedTuple):
    """A place in a trace."""

    trace_id: str
    span_id: str
    trace_flags: int
    trace_state: str = ""


def parse(traceparent: str, tracestate: str = "") -> Trace | None:
    """None for what the specification says to ignore: a wrong form, zeros for an id, the version ff."""
    found = _TRACEPARENT.fullmatch(traceparent.strip())
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == _FORBIDDEN_VERSION or (version == "00" and more):
        return None
    if not trace_id.strip("0") or not span_id.strip("0"):
        return None
    state = tracestate.strip()
    fits = len(state) <= _LONGEST_STATE and state.isascii() and state.isprintable()
    return Trace(trace_id, span_id, int(flags, 16), state if fits else "")


def current_span() -> Trace | None:
    """OpenTelemetry's, if the program has imported that and a span is going on. Nothing is imported for it."""
    trace = sys.modules.get("opentelemetry.trace")
    # Another thread may be in the middle of importing it.
    ask = getattr(trace, "get_current_span", None)
    if ask is None:
        return None
    span = ask().get_span_context()
    if not span.is_valid:
        return None
    state = span.trace_state.to_header() if span.trace_state else ""
    return Trace(f"{span.trace_id:032x}", f"{span.span_id:016x}", int(span.trace_flags), state)


def baggage(header: str) -> dict[str, str]:
    """The members of a `baggage` header, without their properties; what is not well-formed is left out."""
    if len(header) > _LONGEST_BAGGAGE:
        return {}
    found = {}
    for member in header.split(","):
        name, equals, value = member.partition(";")[0].partition("=")
        if equals:
            found[name.strip()] = unquote(value.strip())
    return found


def with_baggage(header: str, members: Mapping[str, str]) -> str:
    """The header with these members instead of those of the same names; others stay as they are."""
    kept = [
        member.strip()
        for member in header.split(",")
        if member.strip() and member.partition("=")[0].strip() not in members
    ]
    ours = [f"{name}={quote(value, safe='')}" for name, value in members.items()]
    return ",".join([*kept, *ours])
