"""Operations: a START, and the SUCCESS or ERROR that ends it, in a chain of work of their own."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import Enum
from types import FrameType, TracebackType
from typing import Any, Protocol, TypeVar

from onex_sdk import _correlation as correlations
from onex_sdk._correlation import Correlation
from onex_sdk._decorated import decorated
from onex_sdk._sampling import SamplingRules

KIND = "TELEMETRY_OPERATION"
SCHEMA_VERSION = "1.1.0"
#: What the catalogue's taxonomies have as codes; an exception's `error_code` of another form is left out.
_CODE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z]+_[0-9]{3}(_[A-Z][A-Z0-9_]*)?")
_LONGEST_MESSAGE = 2_000
# The trace id is random; what comes of this operation was not recorded.
_NOT_SAMPLED = 2

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class Emit(Protocol):
    """`Client.emit`, or what stands for it: the id of the event, None when it was not kept."""

    def __call__(
        self, event_type: str, metadata: Mapping[str, Any] | None = None, *, schema_version: str | None = None
    ) -> str | None: ...


class Operation:
    """One piece of work: `with`, `async with`, or as a decorator. An exception ends it with ERROR and goes on.

    Within, `correlation` is the current one, below the one that was current before.
    """

    def __init__(
        self,
        emit: Emit,
        name: str | None,
        *,
        function: str | None = None,
        correlation_id: str | None = None,
        remote: Correlation | None = None,
        tags: Mapping[str, str] | None = None,
        context: Mapping[str, Any] | None = None,
        kind: str = KIND,
        schema_version: str | None = SCHEMA_VERSION,
        sampling: Callable[[], SamplingRules] | None = None,
    ) -> None:
        self._emit = emit
        self._name = name
        self._function = function
        self._correlation_id = correlation_id
        self._remote = remote
        self._tags = dict(tags or {})
        self._context = dict(context or {})
        self._kind = kind
        self._schema_version = schema_version
        self._sampling = sampling
        self._metrics: dict[str, Any] = {}
        self._call: dict[str, Any] = {}
        self._failure: dict[str, Any] | None = None
        self._result_type: str | None = None
        self._began = 0.0
        self._before: Correlation | None = None
        self.correlation: Correlation | None = None

    def measure(self, **metrics: Any) -> None:
        """Adds measurements, by name, to the SUCCESS event."""
        self._metrics.update(metrics)

    def tag(self, **tags: str) -> None:
        """Adds labels to the event that ends it."""
        self._tags.update(tags)

    def fail(
        self,
        error: BaseException | str,
        message: str = "",
        *,
        code: str | None = None,
        recoverable: bool | None = None,
    ) -> None:
        """It ends with ERROR, although no exception leaves it: by an exception, or the kind of error in a word."""
        if isinstance(error, BaseException):
            told = _told(error)
        else:
            told = {"error_type": error, "error_message": message or error}
        if code is not None:
            told["error_code"] = code
        if recoverable is not None:
            told["recoverable"] = recoverable
        self._failure = told

    @property
    def failed(self) -> bool:
        """Whether somebody said that it failed."""
        return self._failure is not None

    def __enter__(self) -> Operation:  # noqa: PYI034 - typing.Self needs Python 3.11
        self.begin(sys._getframe(1))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(error)

    async def __aenter__(self) -> Operation:  # noqa: PYI034 - the same
        self.begin(sys._getframe(1))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(error)

    def begin(self, caller: FrameType | None = None) -> None:
        """Emits START and makes its chain of work the current one. `end` takes it back."""
        if self._function is None:
            self._function = function_of(caller) if caller is not None else ""
        if self._name is None:
            self._name = self._function
        rules = self._sampling() if self._sampling is not None else None
        own = correlations.current() is None and self._remote is None
        made = correlations.begin(self._correlation_id, remote=self._remote, sampling=rules)
        self.correlation = made
        self._before = correlations.enter(made)
        kept = self._tell("START", {**self._call, **({"context": self._context} if self._context else {})})
        if own and kept is None and made.trace_id is not None:
            self.correlation = replace(made, trace_flags=_NOT_SAMPLED)
            correlations.enter(self.correlation)
        self._began = time.perf_counter()

    def end(self, error: BaseException | None = None) -> None:
        """Emits SUCCESS or ERROR, and makes the chain of work from before the current one."""
        took = {"execution_time_ms": round((time.perf_counter() - self._began) * 1000, 3)}
        inner = correlations.enter(self.correlation)
        failure = _told(error) if error is not None and self._failure is None else self._failure
        if failure is not None:
            self._tell("ERROR", {**took, **failure, "success": False})
        else:
            result = {"result_type": self._result_type} if self._result_type is not None else {}
            metrics = {"performance_metrics": self._metrics} if self._metrics else {}
            self._tell("SUCCESS", {**took, **result, "success": True, **metrics})
        # Left while something else is current: a generator's other half, which has its own way back.
        correlations.enter(self._before if inner is self.correlation or inner is None else inner)

    def returned(self, value: T) -> T:
        """Remembers of what type the result is, for SUCCESS."""
        self._result_type = type(value).__qualname__
        return value

    def pause(self) -> None:
        """Makes what was current before current again, until `resume`: for a generator between two items."""
        correlations.enter(self._before)

    def resume(self) -> None:
        self._before = correlations.enter(self.correlation)

    def _tell(self, phase: str, more: Mapping[str, Any]) -> str | None:
        metadata: dict[str, Any] = {"operation": self._name, "function": self._function, **more}
        if self._tags:
            metadata["tags"] = dict(self._tags)
        return self._emit(f"{self._kind}_{phase}", metadata, schema_version=self._schema_version)

    def __call__(self, function: F) -> F:
        """As a decorator: every call is an operation, of a coroutine or a generator as a whole."""
        own = f"{function.__module__}.{function.__qualname__}"
        name = self._name or function.__name__

        def made(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Operation:
            operation = Operation(
                self._emit,
                name,
                function=own,
                correlation_id=self._correlation_id,
                remote=self._remote,
                tags=self._tags,
                context=self._context,
                kind=self._kind,
                schema_version=self._schema_version,
                sampling=self._sampling,
            )
            # Names, never values: those may be anything.
            operation._call = {"args_count": len(args), "kwargs_keys": sorted(kwargs)}
            return operation

        return decorated(function, made)


def function_of(frame: FrameType) -> str:
    """The qualified name of what runs in a frame, as far as this Python knows it."""
    code = frame.f_code
    name = getattr(code, "co_qualname", code.co_name)
    return f"{frame.f_globals.get('__name__', '?')}.{name}"


def _told(error: BaseException) -> dict[str, Any]:
    """What an ERROR says of an exception. Its own `str` may fail, and its code may be anything."""
    try:
        message = str(error)[:_LONGEST_MESSAGE]
    except Exception:  # noqa: BLE001 - whatever the host's exception does when asked
        message = ""
    told: dict[str, Any] = {"error_type": type(error).__qualname__, "error_message": message}
    code = getattr(error, "error_code", None)
    code = code.value if isinstance(code, Enum) else code
    if isinstance(code, str) and _CODE.fullmatch(code):
        told["error_code"] = code
    recoverable = getattr(error, "recoverable", None)
    if isinstance(recoverable, bool):
        told["recoverable"] = recoverable
    return told
