"""The events of a run as it reads them: the producers' bytes, or what they are as another version of their subject."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from events.encrypted import undecryptable
from events.models import Event, Replay
from events.replay_targets import Stored
from events.upcast import Reader, Upcast


def reader_of(replay: Replay) -> Reader | None:
    return Reader(replay.read_as) if replay.read_as else None


def read_events(
    places: Sequence[tuple[int, datetime]], reader: Reader | None, gone: Mapping[str, str]
) -> dict[int, Stored]:
    """By position, without those that are not stored any more. A place is a position and when that event was received.

    What needs a key that is `gone` says so, and is as it was sent.
    """
    if not places:
        return {}
    found = _read(places, reader)
    if not gone:
        return found
    return {at: one._replace(undecryptable=undecryptable(one.raw, gone)) for at, one in found.items()}


def _read(places: Sequence[tuple[int, datetime]], reader: Reader | None) -> dict[int, Stored]:
    received = [at for _, at in places]
    rows = Event.everything.filter(
        position__in=[position for position, _ in places],
        # Lets PostgreSQL look into the partitions of those days only.
        received_at__gte=min(received),
        received_at__lte=max(received),
    )
    if reader is None:
        columns = rows.values_list("position", "occurred_at", "raw", "lints")
        return {position: Stored(at, bytes(raw), lints) for position, at, raw, lints in columns}
    events = list(rows.defer("document"))
    return {
        event.position: _as_read(event, read) for event, read in zip(events, reader.read(events), strict=True)
    }


def _as_read(event: Event, read: Upcast) -> Stored:
    # Lints tell of the bytes that came; what was made of them has its fields under their names.
    return Stored(event.occurred_at, read.raw, None if read.changed else event.lints, read)
