"""The one client that most programs have: `init` once, `emit` everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from typing import Any

from onex_sdk._correlation import Correlation
from onex_sdk._operations import Operation
from onex_sdk._options import Options
from onex_sdk._producer import Client
from onex_sdk._profiling import Profile
from onex_sdk._usage import Scope

_lock = Lock()
_current: Client | None = None


def init(
    url: str | None = None, token: str | None = None, service: str | None = None, **options: Any
) -> Client:
    """Makes the client of this process, instead of the one before. What is not said here, `ONEX_…` says.

    Raises InvalidOption for an option that cannot be; nothing else, and nothing later.
    """
    global _current
    made = Client(Options.read({"url": url, "token": token, "service": service, **options}))
    with _lock:
        before, _current = _current, made
    if before is not None:
        before.close()
    return made


def client() -> Client:
    """The client of this process; made from the environment when nobody called `init`."""
    return _current or init()


def emit(
    event_type: str,
    metadata: Mapping[str, Any] | None = None,
    *,
    node_id: str | None = None,
    correlation_id: str | None = None,
    parent_correlation_id: str | None = None,
    trace_id: str | None = None,
    span_id: str | None = None,
    schema_version: str | None = None,
    timestamp: datetime | str | None = None,
    event_id: str | None = None,
    sample_rate: float | None = None,
) -> str | None:
    """As `Client.emit`, with the client of this process."""
    return client().emit(
        event_type,
        metadata,
        node_id=node_id,
        correlation_id=correlation_id,
        parent_correlation_id=parent_correlation_id,
        trace_id=trace_id,
        span_id=span_id,
        schema_version=schema_version,
        timestamp=timestamp,
        event_id=event_id,
        sample_rate=sample_rate,
    )


def operation(
    name: str | None = None,
    *,
    correlation_id: str | None = None,
    remote: Correlation | None = None,
    tags: Mapping[str, str] | None = None,
    context: Mapping[str, Any] | None = None,
) -> Operation:
    """As `Client.operation`, with the client that this process has when it begins: good for decorators."""
    return Operation(
        emit,
        name,
        correlation_id=correlation_id,
        remote=remote,
        tags=tags,
        context=context,
        sampling=lambda: client().sampling_rules(),
    )


def profile(
    step: str | None = None,
    *,
    stacks: bool = False,
    cpu: Scope = "thread",
    tags: Mapping[str, str] | None = None,
) -> Profile:
    """As `Client.profile`, with the client that this process has when it ends: good for decorators."""
    return Profile(emit, step, named=lambda: client().options.named, stacks=stacks, cpu=cpu, tags=tags)
