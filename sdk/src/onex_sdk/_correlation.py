"""Which chain of work this code belongs to: kept per thread and task, filled into events, carried between processes.

Between processes it travels as W3C Trace Context (`traceparent`, `tracestate`) and W3C Baggage, and it agrees with
the current span of OpenTelemetry where a program has one. A tree of work has a trace id in all its events or in none,
because sampling decides by it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from onex_sdk import _trace_context as trace_context
from onex_sdk._sampling import SamplingRules

#: The flags of a trace that begins here: sampled, and its id is random.
_FLAGS = 3
_CHAIN = "onex.correlation_id"
_ROOT = "onex.root_correlation_id"
#: What programs without trace context commonly send, and answer.
_PLAIN = "x-correlation-id"
_LONGEST = 255


@dataclass(frozen=True)
class Correlation:
    """A chain of work and its place in the tree. `root` is the chain that the tree began with.

    What calls from another process, and tells of a trace only, has no `correlation_id`: the empty text.
    """

    correlation_id: str
    parent_correlation_id: str | None = None
    root: str = ""
    trace_id: str | None = None
    span_id: str | None = None
    trace_flags: int = _FLAGS
    trace_state: str = ""
    #: The sampling rules that held when the tree began here: it is kept or dropped by those alone.
    sampling: SamplingRules | None = None

    @property
    def top(self) -> str:
        return self.root or self.correlation_id

    def child(self, correlation_id: str | None = None) -> Correlation:
        """A chain of work that this one starts."""
        chain = correlation_id or str(uuid4())
        return replace(
            self,
            correlation_id=chain,
            parent_correlation_id=self.correlation_id or None,
            root=self.top or chain,
            span_id=self.trace_id and _random_hex(8),
        )


_current: ContextVar[Correlation | None] = ContextVar("onex_correlation", default=None)


def current() -> Correlation | None:
    """The chain of work that this code belongs to; None outside of any."""
    return _current.get()


@contextmanager
def use(correlation: Correlation | None) -> Iterator[Correlation | None]:
    """What is emitted within belongs to this chain of work."""
    before = enter(correlation)
    try:
        yield correlation
    finally:
        enter(before)


def enter(correlation: Correlation | None) -> Correlation | None:
    """Makes it the current one; answers what was current before. Set again rather than reset: a generator may be
    left in another context than it was entered in, where a token is refused."""
    before = _current.get()
    _current.set(correlation)
    return before


def begin(
    correlation_id: str | None = None,
    *,
    remote: Correlation | None = None,
    sampling: SamplingRules | None = None,
) -> Correlation:
    """A chain of work that begins now: below `remote`, else below the current one, else as a tree of its own.

    Within a span of OpenTelemetry it is of that trace and has that span's id.
    """
    if remote is not None:
        return _in_span(replace(remote, sampling=sampling).child(correlation_id))
    above = _current.get()
    if above is not None:
        return _in_span(above.child(correlation_id))
    span = trace_context.current_span()
    chain = correlation_id or str(uuid4())
    if span is not None:
        return Correlation(chain, root=chain, sampling=sampling, **span._asdict())
    return Correlation(chain, root=chain, trace_id=_random_hex(16), span_id=_random_hex(8), sampling=sampling)


def joined(correlation_id: str, *, sampling: SamplingRules | None = None) -> Correlation:
    """A chain of work that others belong to as well and that has no trace, as far as is known here."""
    span = trace_context.current_span()
    known: dict[str, Any] = span._asdict() if span is not None else {}
    return Correlation(correlation_id, root=correlation_id, sampling=sampling, **known)


def fill(event: MutableMapping[str, Any]) -> None:
    """Gives an event the ids of the current chain of work that it does not have.

    An event that names another chain than the current one gets none of this one's ids.
    """
    correlation = _current.get()
    named = event.get("correlation_id")
    if correlation is None or (named is not None and named != correlation.correlation_id):
        span = trace_context.current_span() if "trace_id" not in event else None
        if span is not None:
            event["trace_id"] = span.trace_id
            event.setdefault("span_id", span.span_id)
        return
    event["correlation_id"] = correlation.correlation_id
    if correlation.parent_correlation_id is not None:
        event.setdefault("parent_correlation_id", correlation.parent_correlation_id)
    if correlation.trace_id is None or "trace_id" in event:
        return
    event["trace_id"] = correlation.trace_id
    if "span_id" not in event:
        event["span_id"] = _in_span(correlation).span_id


def of_event(event: Mapping[str, Any]) -> Correlation | None:
    """The current chain of work, if the event belongs to it."""
    correlation = _current.get()
    if correlation is None or event.get("correlation_id") != correlation.correlation_id:
        return None
    return correlation


def headers() -> dict[str, str]:
    """What tells another process which chain of work it is called by; empty outside of any."""
    found: dict[str, str] = {}
    inject(found)
    return found


def inject(into: MutableMapping[str, str]) -> None:
    """Writes `traceparent`, `tracestate` and `baggage` into headers. What is there already stays."""
    correlation = _current.get()
    if correlation is None:
        span = trace_context.current_span()
        if span is not None and "traceparent" not in into:
            _write_trace(into, Correlation("", **span._asdict()))
        return
    correlation = _in_span(correlation)
    if "traceparent" not in into:
        _write_trace(into, correlation)
    carried = {_CHAIN: correlation.correlation_id, _ROOT: correlation.top}
    into["baggage"] = trace_context.with_baggage(into.get("baggage", ""), carried)


def extract(headers: Mapping[str, str]) -> Correlation | None:
    """The chain of work that calls, from headers of any case; None when they tell of none.

    Headers come from outside: whatever is not well-formed counts as absent.
    """
    lower = {name.lower(): value for name, value in headers.items() if isinstance(value, str)}
    trace = trace_context.parse(lower.get("traceparent", ""), lower.get("tracestate", ""))
    carried = trace_context.baggage(lower.get("baggage", ""))
    chain = _usable(carried.get(_CHAIN)) or _usable(lower.get(_PLAIN))
    if chain is None and trace is None:
        return None
    known: dict[str, Any] = trace._asdict() if trace is not None else {}
    root = _usable(carried.get(_ROOT)) or chain or ""
    return Correlation(chain or "", root=root, **known)


def _write_trace(into: MutableMapping[str, str], correlation: Correlation) -> None:
    if correlation.trace_id is None or correlation.span_id is None:
        return
    into["traceparent"] = f"00-{correlation.trace_id}-{correlation.span_id}-{correlation.trace_flags & 3:02x}"
    if correlation.trace_state:
        into["tracestate"] = correlation.trace_state


def _in_span(correlation: Correlation) -> Correlation:
    """With the id of OpenTelemetry's current span, if that is of the same trace; without a trace, with its trace."""
    if "opentelemetry.trace" not in sys.modules:
        return correlation
    span = trace_context.current_span()
    if span is None or span.trace_id != correlation.trace_id:
        return correlation
    return replace(correlation, span_id=span.span_id)


def _usable(text: str | None) -> str | None:
    return text if text and len(text) <= _LONGEST and text.isprintable() else None


def _random_hex(size: int) -> str:
    while not (found := os.urandom(size).hex()).strip("0"):
        pass  # all zeros is no id
    return found
