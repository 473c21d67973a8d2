"""What is left of a run, read ahead in small portions with the producers' bytes."""

from collections import deque
from dataclasses import fields
from datetime import datetime

from events.encrypted import gone_keys
from events.models import Replay
from events.replay_reading import read_events, reader_of
from events.replay_targets import Due, Item, Stored
from events.timeline import Clock

# Reading ahead makes a run that keeps time a little late, one that does not only faster.
_PORTION, _PORTION_AT_MAX = 200, 500
_COLUMNS = [field.name for field in fields(Item)]
# Bytes of events between two checkpoints: commands wait for one.
_MOST_BYTES = 1_000_000


class Queue:
    """From the run's checkpoint on; a jump to another segment wants a new one."""

    def __init__(self, replay: Replay, *, reads: bool) -> None:
        self._replay = replay
        self._reader = reader_of(replay)
        # Whether an event can be read as another version, and decrypted, is told whatever its target needs.
        self._gone = gone_keys(replay.event_types)
        self._reads = reads or self._reader is not None or bool(self._gone)
        self._next = replay.done
        self._ahead: deque[tuple[Item, Stored | None]] = deque()
        self.segment = replay.segment

    def first(self) -> Item | None:
        """None at the end."""
        if not self._ahead:
            self._read()
        return self._ahead[0][0] if self._ahead else None

    def due(self, clock: Clock, now: datetime, *, most: int) -> list[Due]:
        """The first event, whatever the clock says, and those after it whose moment has come; at most `most` of those that
        were read ahead, and no more than a run in single steps may take."""
        replay = self._replay
        stepping = replay.step_until is not None
        if replay.step_until is not None:
            most = min(most, max(replay.step_until - self._next, 1))
        found: list[Due] = []
        size = 0
        for item, event in self._ahead:
            at = clock.deadline(item.virtual)
            size += len(event.raw) if event else 0
            if len(found) == most or (found and (size > _MOST_BYTES or (at > now and not stepping))):
                break
            found.append(Due(item, event, at if replay.speed and not stepping else None))
        return found

    def sent(self, count: int) -> None:
        for _ in range(count):
            self._ahead.popleft()
        self._next += count

    def _read(self) -> None:
        portion = _PORTION if self._replay.speed else _PORTION_AT_MAX
        rows = self._replay.items.filter(index__gte=self._next, index__lt=self._next + portion)
        items = [Item(*row) for row in rows.order_by("index").values_list(*_COLUMNS)]
        places = [(item.position, item.received_at) for item in items] if self._reads else []
        events = read_events(places, self._reader, self._gone)
        self._ahead.extend((item, events.get(item.position)) for item in items)
