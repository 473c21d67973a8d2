"""The events of a run as a file."""

from collections.abc import Iterator

from events.models import Event, Replay
from events.shapes import as_line

_PORTION = 500


def file_name(replay: Replay) -> str:
    return f"replay-{replay.pk}.ndjson"


def lines_of(replay: Replay) -> Iterator[bytes]:
    """The producers' bytes in the order of the run, of what was played so far and is still stored."""
    after = -1
    while True:
        items = replay.items.filter(index__gt=after).exclude(outcome__in=["", "missing"]).order_by("index")
        portion = list(items.values_list("index", "position", "received_at")[:_PORTION])
        if not portion:
            return
        days = [at for _, _, at in portion]
        rows = Event.everything.filter(
            position__in=[position for _, position, _ in portion], received_at__range=(min(days), max(days))
        )
        raws = dict(rows.values_list("position", "raw"))
        yield b"".join(as_line(raws[position]) for _, position, _ in portion if position in raws)
        after = portion[-1][0]
