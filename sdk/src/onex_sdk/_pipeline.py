"""What happens to an event between `emit` and the queue. The order is this one, and each stage may be absent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onex_sdk._queue import Queue
from onex_sdk._serialise import serialise
from onex_sdk._stats import Stats

Event = dict[str, Any]


@dataclass(kw_only=True)
class Pipeline:
    """The stages of one client. Each is a callable that a module of its own makes."""

    stats: Stats
    queue: Queue
    #: Fills in the correlation and trace ids that `emit` was not given.
    fill_context: Callable[[Event], None] | None = None
    #: Whether the event is kept; writes `sample_rate` into it.
    keep: Callable[[Event], bool] | None = None
    #: Whether the event goes on: what violates its schema stops here in strict mode.
    validate: Callable[[Event], bool] | None = None
    #: Encrypts the fields that the schema marks as sensitive, in a copy.
    encrypt: Callable[[Event], Event] | None = None
    #: The same event with a signature over exactly these bytes.
    sign: Callable[[bytes], bytes] | None = None

    def run(self, event: Event) -> str | None:
        """The id of the event when it was queued, None when it was dropped on the way."""
        if self.fill_context is not None:
            self.fill_context(event)
        if self.keep is not None and not self.keep(event):
            self.stats.add("sampled_out")
            return None
        if self.validate is not None and not self.validate(event):
            return None
        if self.encrypt is not None:
            event = self.encrypt(event)
        line = serialise(event)
        if self.sign is not None:
            line = self.sign(line)
        return event["event_id"] if self.queue.put(line) else None
