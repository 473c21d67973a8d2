"""What happens to an event between `emit` and the queue. The order is this one, and stages may be absent.

context → sampling → validation → encryption → redaction → bytes → size → signature → queue
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from onex_sdk._queue import Queue
from onex_sdk._serialise import TooDeep, serialise
from onex_sdk._size import Sizes
from onex_sdk._stats import Stats

Event = dict[str, Any]


class Held(Enum):
    """An event that waits to be encrypted, and goes on later by `Pipeline.resume`."""

    HELD = "held"


HELD: Final = Held.HELD


@dataclass(kw_only=True)
class Pipeline:
    """The stages of one client. Each is a callable that a module of its own makes."""

    stats: Stats
    sizes: Sizes
    queue: Queue
    #: Fills in the correlation and trace ids that `emit` was not given.
    fill_context: Callable[[Event], None] | None = None
    #: Whether the event is kept; writes `sample_rate` into it.
    keep: Callable[[Event], bool] | None = None
    #: Whether the event goes on: what violates its schema stops here in strict mode, and was counted.
    judge: Callable[[Event], bool] | None = None
    #: Encrypts the fields that the schema marks as sensitive, in a copy; None for what must not leave in the clear,
    #: and was counted.
    encrypt: Callable[[Event], Event | Held | None] | None = None
    #: The same for one that was held, which is not held again.
    encrypt_held: Callable[[Event], Event | None] | None = None
    #: Takes out what looks like a secret.
    redact: Callable[[Event], Event] | None = None
    #: The same event with a signature over exactly these bytes.
    sign: Callable[[bytes], bytes] | None = None

    def run(self, event: Event) -> str | None:
        """The id of the event when it was queued, or waits to be encrypted; None when it was dropped on the way."""
        self.stats.settle("emitted", event["event_type"])
        return event["event_id"] if self._counted(self._run, event) else None

    def resume(self, event: Event) -> bool:
        """The rest of the way of one that was held; whether it was queued."""
        return self._counted(self._resume, event)

    def _counted(self, stages: Callable[[Event], bool], event: Event) -> bool:
        try:
            return stages(event)
        except TooDeep:
            self.stats.settle("dropped_too_deep", event["event_type"])
        except OSError:
            self.stats.settle("dropped_store_failed", event["event_type"])
        except BaseException:
            self.stats.settle("dropped_internal_error", event["event_type"])
            raise
        return False

    def _run(self, event: Event) -> bool:
        if self.fill_context is not None:
            self.fill_context(event)
        if self.keep is not None and not self.keep(event):
            self.stats.settle("sampled_out", event["event_type"])
            return False
        if self.judge is not None and not self.judge(event):
            return False
        if self.encrypt is None:
            return self._queue(event)
        encrypted = self.encrypt(event)
        return encrypted is HELD or (isinstance(encrypted, dict) and self._queue(encrypted))

    def _resume(self, event: Event) -> bool:
        assert self.encrypt_held is not None
        encrypted = self.encrypt_held(event)
        return encrypted is not None and self._queue(encrypted)

    def _queue(self, event: Event) -> bool:
        if self.redact is not None:
            event = self.redact(event)
        item = self.sizes.fit(event, serialise(event, self.stats))
        if item is None:
            return False
        if self.sign is not None:
            item = item._replace(line=self.sign(item.line))
        return self.queue.put(item)
