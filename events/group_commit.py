"""Small works of many threads, done together: one transaction, one append lock and one wait for the disk for all that wait."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Work = TypeVar("Work")


class QueueFull(Exception):
    """Too many wait, or for too long; this work was not done and will not be."""


# Not eq: a ticket is that of one thread.
@dataclass(eq=False, slots=True)
class _Ticket(Generic[Work]):
    work: Work
    done: bool = False
    error: BaseException | None = None


class GroupCommit(Generic[Work]):
    """Whoever has the turn does what waits; nobody waits for more than those who began before, and then the next group.

    `do` does several works or, when it raises, none. When a group fails for another reason than one of
    `common`, which would hit each of them, they are done one by one, so that a bad one fails alone.
    """

    def __init__(
        self,
        do: Callable[[Sequence[Work]], None],
        *,
        most: int,
        common: tuple[type[Exception], ...],
        patience: float,
    ) -> None:
        self._do, self._most, self._common, self._patience = do, most, common, patience
        self._waiting: list[_Ticket[Work]] = []
        self._guard = threading.Lock()
        self._turn = threading.Lock()

    def __call__(self, work: Work, *, most_waiting: int) -> None:
        """Returns when the work is done. Raises what `do` raised for it, or QueueFull."""
        ticket = _Ticket(work)
        with self._guard:
            if len(self._waiting) >= most_waiting:
                raise QueueFull
            self._waiting.append(ticket)
        while not ticket.done:
            if not self._turn.acquire(timeout=self._patience):
                if self._withdrawn(ticket):
                    raise QueueFull
                continue  # somebody is doing it: the outcome is near
            try:
                if not ticket.done:
                    self._do_group(self._next_group())
            finally:
                self._turn.release()
        if ticket.error is not None:
            raise ticket.error

    def _withdrawn(self, ticket: _Ticket[Work]) -> bool:
        with self._guard:
            waits = ticket in self._waiting
            if waits:
                self._waiting.remove(ticket)
            return waits

    def _next_group(self) -> list[_Ticket[Work]]:
        with self._guard:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            return group

    def _do_group(self, group: Sequence[_Ticket[Work]]) -> None:
        """Every ticket is done afterwards, and without an error only if its work is."""
        try:
            self._do([ticket.work for ticket in group])
        except BaseException as failed:  # noqa: BLE001 -- each is told; what is no Exception ends nothing but its works
            if len(group) == 1 or isinstance(failed, self._common) or not isinstance(failed, Exception):
                _settle(group, failed)
                return
        else:
            _settle(group, None)
            return
        for ticket in group:
            self._do_group([ticket])


def _settle(group: Sequence[_Ticket[Work]], error: BaseException | None) -> None:
    for ticket in group:
        ticket.error = error
        ticket.done = True
