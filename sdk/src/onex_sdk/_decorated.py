"""A function of any kind as one that runs within an operation at every call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any, Protocol, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Running(Protocol):
    """An operation, as far as is needed here."""

    def begin(self) -> None: ...
    def end(self, error: BaseException | None = None) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def returned(self, value: Any) -> Any: ...


Make = Callable[[tuple[Any, ...], Mapping[str, Any]], Running]


def decorated(function: F, make: Make) -> F:
    """`make` gets the arguments of a call, and makes the operation for it."""
    kinds: list[tuple[Callable[[Any], bool], Callable[[Any, Make], Any]]] = [
        (inspect.iscoroutinefunction, _coroutine),
        (inspect.isasyncgenfunction, _async_generator),
        (inspect.isgeneratorfunction, _generator),
    ]
    wrap = next((wrap for is_one, wrap in kinds if is_one(function)), _plain)
    return functools.wraps(function)(wrap(function, make))  # type: ignore[return-value]


def _plain(function: Callable[..., Any], make: Make) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        operation = make(args, kwargs)
        operation.begin()
        try:
            result = operation.returned(function(*args, **kwargs))
        except BaseException as error:
            operation.end(error)
            raise
        operation.end()
        return result

    return call


def _coroutine(function: Callable[..., Any], make: Make) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        operation = make(args, kwargs)
        operation.begin()
        try:
            result = operation.returned(await function(*args, **kwargs))
        except BaseException as error:
            operation.end(error)
            raise
        operation.end()
        return result

    return call


def _generator(function: Callable[..., Any], make: Make) -> Callable[..., Any]:
    """Between two items the code that asks for them is not within the operation."""

    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        operation = make(args, kwargs)
        operation.begin()
        generator = function(*args, **kwargs)
        step, given = generator.send, None
        while True:
            try:
                item = step(given)
            except StopIteration as stopped:
                operation.end()
                return stopped.value
            except BaseException as error:
                _end(operation, error)
                raise
            operation.pause()
            try:
                given = yield item
                step = generator.send
            except BaseException as thrown:  # noqa: BLE001 - goes on where the generator stands
                step, given = generator.throw, thrown
            operation.resume()

    return call


def _async_generator(function: Callable[..., Any], make: Make) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        operation = make(args, kwargs)
        operation.begin()
        generator = function(*args, **kwargs)
        step, given = generator.asend, None
        while True:
            try:
                item = await step(given)
            except StopAsyncIteration:
                operation.end()
                return
            except BaseException as error:
                _end(operation, error)
                raise
            operation.pause()
            try:
                given = yield item
                step = generator.asend
            except BaseException as thrown:  # noqa: BLE001 - the same
                step, given = generator.athrow, thrown
            operation.resume()

    return call


def _end(operation: Running, error: BaseException) -> None:
    # Whoever has seen enough closes a generator: nothing failed.
    operation.end(None if isinstance(error, GeneratorExit) else error)
