"""One batch to the server, and what it says about each event."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from onex_sdk._breaker import Breaker
from onex_sdk._dead_letters import DeadLetters
from onex_sdk._errors import BadAnswer, Denied, NotFound, Refused, RegistryError, Unavailable
from onex_sdk._events import EventResult, SendResult, result_of
from onex_sdk._queue import Item
from onex_sdk._stats import Stats
from onex_sdk._stores import Value, ValueStore

_log = logging.getLogger("onex_sdk")
#: Statuses after which the event is nowhere but here.
_LOST = frozenset({"rejected", "conflict"})
_STATUSES = _LOST | {"stored", "stored_with_violations", "duplicate", "quarantined"}
_SERVER_ERROR = 500
#: Of refusals of whole requests, those that say nothing about the events in them.
_NOT_ABOUT_EVENTS = (401, 403, 404, 405, 407, 408, 415)
_COMPLAINT_SECONDS = 60.0
_STORE_ATTEMPTS = 3
#: So many kinds of complaints are remembered.
_COMPLAINTS = 1_000


class Sender:
    def __init__(
        self,
        post: Callable[[bytes], Any],
        *,
        stats: Stats,
        breaker: Breaker,
        dead_letters: DeadLetters,
        store: ValueStore | None = None,
        on_result: Callable[[str, EventResult], None] | None = None,
    ) -> None:
        """`post` sends a body of events, compressed as it sees fit; it raises what `RegistryClient.send` does."""
        self._post = post
        self._stats = stats
        self._breaker = breaker
        self._dead_letters = dead_letters
        self._store = store
        self._on_result = on_result
        self._complained: dict[str, float] = {}

    def send(self, items: Sequence[Item]) -> Sequence[Item]:
        """What has to be sent again later, always the end of `items`; the breaker says when."""
        without = {index for index, item in enumerate(items) if not self._stored(item)}
        ready = [item for index, item in enumerate(items) if index not in without]
        again = self._sent(ready) if ready else ()
        first = len(items) if not again else next(i for i, item in enumerate(items) if item is again[0])
        for index in sorted(without):
            if index < first:
                self._stats.settle("dropped_store_failed", items[index].event_type)
                self._dead_letters.put(items[index].line, "its large values could not be stored")
        return items[first:]

    def _sent(self, items: Sequence[Item]) -> Sequence[Item]:
        self._stats.add("requests")
        try:
            sent = result_of(self._post(b"[" + b",".join([item.line for item in items]) + b"]"))
            _check_complete(sent, len(items))
        except Unavailable as error:
            self._breaker.asked_to_wait(error.retry_after)
            return self._again(items, error)
        except Refused as error:
            if error.status < _SERVER_ERROR and error.status not in _NOT_ABOUT_EVENTS:
                return self._halves(items, error)
            return self._failed(items, error)
        except RegistryError as error:
            return self._failed(items, error)
        self._breaker.succeeded()
        self._settle(items, sent)
        return ()

    def _halves(self, items: Sequence[Item], error: Refused) -> Sequence[Item]:
        """Too large as a whole, or something among them is refused: what is refused alone is the one."""
        if len(items) == 1:
            self._breaker.succeeded()
            self._stats.settle("rejected", items[0].event_type)
            self._dead_letters.put(items[0].line, str(error))
            self._complain(f"An event was refused: {error}")
            return ()
        self._stats.add("split")
        middle = len(items) // 2
        again = self._sent(items[:middle])
        return [*again, *items[middle:]] if again else self._sent(items[middle:])

    def _failed(self, items: Sequence[Item], error: RegistryError) -> Sequence[Item]:
        if self._breaker.failed():
            self._stats.add("circuit_opened")
        return self._again(items, error)

    def _again(self, items: Sequence[Item], error: RegistryError) -> Sequence[Item]:
        self._stats.add(f"failed_{_kind_of(error)}")
        self._stats.add("retried", len(items))
        self._complain(f"Events wait to be sent again: {error}")
        return items

    def _settle(self, items: Sequence[Item], sent: SendResult) -> None:
        ends: Counter[tuple[str, str]] = Counter()
        for result in sent.results:
            item = items[result.index]
            status = result.status if result.status in _STATUSES else "other_status"
            ends[status, item.event_type] += 1
            if result.errors:
                self._stats.add("violations", len(result.errors))
                told = result.errors[0]
                self._complain(f"{item.event_type} was {status}: {told.pointer} {told.message}")
            if status in _LOST:
                self._dead_letters.put(item.line, status, result.errors)
            if self._on_result is not None:
                self._tell(self._on_result, item.event_type, result)
        for (status, event_type), count in ends.items():
            self._stats.settle(status, event_type, count)

    def _tell(
        self, on_result: Callable[[str, EventResult], None], event_type: str, result: EventResult
    ) -> None:
        try:
            on_result(event_type, result)
        except Exception:  # noqa: BLE001 - the host's own mistake must not stop the sending
            self._stats.add("on_result_failed")
            self._complain("on_result raised.", exc_info=True)

    def _stored(self, item: Item) -> bool:
        """Whether the values of an event are where it says they are."""
        return all(self._put(value) for value in item.values)

    def _put(self, value: Value) -> bool:
        return self._store is not None and any(
            self._put_once(self._store, value) for _ in range(_STORE_ATTEMPTS)
        )

    def _put_once(self, store: ValueStore, value: Value) -> bool:
        try:
            store.put(value.name, value.data)
        except Exception as error:  # noqa: BLE001 - a store may be the host's own
            self._stats.add("store_failed")
            self._complain(f"A large value was not stored: {error}")
            return False
        return True

    def _complain(self, sentence: str, *, exc_info: bool = False) -> None:
        """Logs what is wrong, the same kind of thing once a minute."""
        kind = sentence.split(":", 1)[0]
        now = time.monotonic()
        if now - self._complained.get(kind, -_COMPLAINT_SECONDS) < _COMPLAINT_SECONDS:
            return
        if len(self._complained) > _COMPLAINTS:
            self._complained.clear()
        self._complained[kind] = now
        _log.warning("%s", sentence, exc_info=exc_info)


def _check_complete(sent: SendResult, count: int) -> None:
    if sorted(result.index for result in sent.results) != list(range(count)):
        raise BadAnswer(f"{len(sent.results)} results came for {count} events.")


def _kind_of(error: RegistryError) -> str:
    match error:
        case Unavailable():
            return "unavailable"
        case Denied():
            return "denied"
        case NotFound() | BadAnswer():
            return "bad_answer"
        case Refused():
            return "server_error"
        case _:
            return "unreachable"
