"""Small works of many threads, done together: one transaction, one append lock and one wait for the disk for all that wait."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
    # Whether its thread is to do what waits.
    leads: bool = False
    # Held until there is news: it is done, or leads.
    told: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.told.acquire()


class GroupCommit(Generic[Work]):
    """Whoever has the turn does what waits, and gives the turn to the oldest of those who came meanwhile.

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
        # Whether somebody has the turn.
        self._busy = False

    def __call__(self, work: Work, *, most_waiting: int) -> None:
        """Returns when the work is done. Raises what `do` raised for it, or QueueFull."""
        ticket = _Ticket(work)
        with self._guard:
            if len(self._waiting) >= most_waiting:
                raise QueueFull
            self._waiting.append(ticket)
            ticket.leads = not self._busy
            self._busy = True
        if not ticket.leads:
            self._wait(ticket)
        if not ticket.done:
            try:
                self._do_group(self._next_group())
            finally:
                self._pass_on()
        if ticket.error is not None:
            raise ticket.error

    def _wait(self, ticket: _Ticket[Work]) -> None:
        """Returns when the ticket is done or leads. Raises QueueFull."""
        if ticket.told.acquire(timeout=self._patience):
            return
        with self._guard:
            if ticket in self._waiting and not ticket.leads:
                self._waiting.remove(ticket)
                raise QueueFull
        # Somebody is doing it, or has just given it the turn: the news is near.
        ticket.told.acquire()

    def _pass_on(self) -> None:
        with self._guard:
            self._busy = bool(self._waiting)
            if self._busy:
                self._waiting[0].leads = True
                self._waiting[0].told.release()

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
        if not ticket.leads:
            ticket.told.release()
