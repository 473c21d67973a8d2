"""The events of a run as a file."""

from collections.abc import Iterator

from events.models import Replay
from events.replay_reading import read_events, reader_of
from events.shapes import as_line

_PORTION = 500


def file_name(replay: Replay) -> str:
    return f"replay-{replay.pk}.ndjson"


def lines_of(replay: Replay) -> Iterator[bytes]:
    """In the order of the run, of what was played so far, is still stored, and can still be read as the run reads it."""
    after, reader = -1, reader_of(replay)
    while True:
        items = (
            replay.items.filter(index__gt=after)
            .exclude(outcome__in=["", "missing", "not_migrated"])
            .order_by("index")
        )
        portion = list(items.values_list("index", "position", "received_at")[:_PORTION])
        if not portion:
            return
        found = read_events([(position, at) for _, position, at in portion], reader, {})
        yield b"".join(
            as_line(event.raw)
            for _, position, _ in portion
            if (event := found.get(position)) and not event.obstacle
        )
        after = portion[-1][0]
