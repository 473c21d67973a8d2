"""Clients and the life of their process: its end, its forks, and the ends of its children."""

from __future__ import annotations

import atexit
import os
import sys
from typing import Any, Protocol
from weakref import WeakSet


class Living(Protocol):
    def close(self) -> object:
        """Called at the end of the process."""

    def begin_anew(self) -> None:
        """Called in the child of a fork, where no thread but the one that forked goes on."""


_living: WeakSet[Any] = WeakSet()
#: They end with os._exit, so that nothing that is registered with `atexit` is called in a child of theirs.
_WITH_FINALIZERS = ("multiprocessing.util", "billiard.util")


def watch(client: Living) -> None:
    _living.add(client)


def close_with_child(client: Living) -> None:
    """Sees to it that the client is closed at the end of a process of multiprocessing, or of Celery's pool."""
    for name in _WITH_FINALIZERS:
        module = sys.modules.get(name)
        if module is not None:
            module.Finalize(client, client.close, exitpriority=10)


def _close_all() -> None:
    for client in list(_living):
        client.close()


def _begin_anew() -> None:
    for client in list(_living):
        client.begin_anew()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
