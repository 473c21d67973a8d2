"""Tasks of Celery as operations, below whatever has sent them.

    onex_sdk.integrations.celery.install()

once in every process that sends or works: where the Celery application is made.
"""

from __future__ import annotations

from typing import Any

from celery import signals

import onex_sdk
from onex_sdk import Operation

#: What travels in the headers of a message.
_CARRIED = ("traceparent", "tracestate", "baggage")
_running: dict[str, Operation] = {}


def install() -> None:
    """May be called more than once. The client is the one of the process."""
    for signal, receiver in _receivers():
        signal.connect(receiver, weak=False, dispatch_uid=f"onex_sdk.{receiver.__name__}")


def uninstall() -> None:
    """Takes `install` back."""
    for signal, receiver in _receivers():
        signal.disconnect(dispatch_uid=f"onex_sdk.{receiver.__name__}")


def _receivers() -> list[tuple[Any, Any]]:
    return [
        (signals.before_task_publish, _sent),
        (signals.task_prerun, _began),
        (signals.task_failure, _failed),
        (signals.task_retry, _put_off),
        (signals.task_postrun, _ended),
    ]


def _sent(headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None:
        onex_sdk.inject(headers)


def _began(task_id: str, task: Any, **_: Any) -> None:
    told = {name: value for name in _CARRIED if isinstance(value := task.request.get(name), str)}
    operation = onex_sdk.client().operation(task.name, remote=onex_sdk.extract(told))
    _running[task_id] = operation
    operation.begin()


def _failed(task_id: str, exception: BaseException, **_: Any) -> None:
    if task_id in _running:
        _running[task_id].fail(exception)


def _put_off(request: Any, reason: Any, **_: Any) -> None:
    if request.id in _running:
        _running[request.id].fail("Retry", str(reason), recoverable=True)


def _ended(task_id: str, **_: Any) -> None:
    operation = _running.pop(task_id, None)
    if operation is not None:
        operation.end()
