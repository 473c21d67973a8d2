"""Watching a run: its events as server-sent events, while they are played.

A stream holds a thread of its process and asks the database in short questions, between which it holds no connection. There
are few streams in a process, and each ends after a while: browsers open a new one by themselves, which asks again
who is watching, and go on behind the last event they saw.
"""

import time
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

import orjson
from django.conf import settings
from django.db import connection
from django.utils import timezone

from events.encrypted import gone_keys
from events.errors import TooManyStreams
from events.models import Replay, ReplayItem
from events.replay_clock import stands_at
from events.replay_reading import read_events, reader_of
from events.replay_targets import Stored, marks_of
from events.shapes import as_line

# How late somebody who watches sees an event at most, beside the network.
_EVERY_SECONDS = 0.2
# A comment now and then tells proxies, and us, that the other side is still there.
_SILENT_SECONDS = 15.0
_PORTION = 200
_open = 0
_lock = Lock()


class Stream:
    """What is sent; gives its place back when it ends, is closed, or is thrown away before it began."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._holds = True

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        global _open  # noqa: PLW0603 -- one count per process
        with _lock:
            _open -= self._holds
            self._holds = False


def open_stream(
    replay: Replay,
    *,
    after: str = "",
    sleep: Callable[[float], None] = time.sleep,
    steady: Callable[[], float] = time.monotonic,
) -> Stream:
    """`after` is the id of the last event seen. Raises TooManyStreams."""
    global _open  # noqa: PLW0603 -- one count per process
    with _lock:
        if _open >= settings.REPLAY_STREAMS:
            raise TooManyStreams(
                f"This server shows {settings.REPLAY_STREAMS} streams at once and has no room for another "
                "(REPLAY_STREAMS). Ask for the run itself instead, or try again shortly.",
                retry_after=5,
            )
        _open += 1
    return Stream(_parts(replay, _place(replay, after), sleep, steady))


def _place(replay: Replay, after: str) -> tuple[int, int]:
    """Segment and next item: behind the last one seen, or where the run stands."""
    segment, _, index = after.partition("-")
    if segment.isdecimal() and index.isdecimal():
        return int(segment[:9]), int(index[:9]) + 1
    return replay.segment, replay.segment_from


def _parts(
    replay: Replay, place: tuple[int, int], sleep: Callable[[float], None], steady: Callable[[], float]
) -> Iterator[bytes]:
    until = spoke = steady()
    until += settings.REPLAY_STREAM_SECONDS
    told: dict[str, Any] = {}
    yield b"retry: 1000\n\n"
    while True:
        place, state, parts = _look(replay, place)
        if parts or state != told:
            spoke, told = steady(), state
            yield b"".join([*parts, _event("state", _state_now(replay))])
        if replay.ended and place[1] >= replay.done:
            yield _event("end", {"state": replay.state})
            return
        if steady() >= until:
            return
        if steady() - spoke > _SILENT_SECONDS:
            spoke = steady()
            yield b": still here\n\n"
        if not parts:
            sleep(_EVERY_SECONDS)


def _look(replay: Replay, place: tuple[int, int]) -> tuple[tuple[int, int], dict[str, Any], list[bytes]]:
    """What was played since, and gives the connection back."""
    replay.refresh_from_db(
        fields=[
            "state",
            "done",
            "failed",
            "segment",
            "segment_from",
            "speed",
            "anchored_at",
            "anchor_virtual",
        ]
    )
    segment, index = place
    if segment != replay.segment:
        segment, index = replay.segment, replay.segment_from
    items = list(
        replay.items.filter(index__gte=index, index__lt=min(replay.done, index + _PORTION)).order_by("index")
    )
    parts = _played(replay, segment, items)
    state = {"state": replay.state, "speed": replay.speed, "segment": replay.segment, "done": replay.done}
    if not connection.in_atomic_block:
        connection.close()
    return (segment, items[-1].index + 1 if items else index), state, parts


def _state_now(replay: Replay) -> dict[str, Any]:
    told = {
        "state": replay.state,
        "done": replay.done,
        "total": replay.total,
        "failed": replay.failed,
        "segment": replay.segment,
        "speed": replay.speed or "max",
        "stands_at": stands_at(replay, timezone.now()),
        "length": replay.length,
    }
    if not connection.in_atomic_block:
        connection.close()
    return told


def _played(replay: Replay, segment: int, items: list[ReplayItem]) -> list[bytes]:
    if not items:
        return []
    places = [(item.position, item.received_at) for item in items]
    found = read_events(places, reader_of(replay), gone_keys(replay.event_types))
    return [_one(segment, item, found.get(item.position)) for item in items]


def _one(segment: int, item: ReplayItem, stored: Stored | None) -> bytes:
    """With the bytes of the event as the member `event`: no number is read and written anew."""
    told = orjson.dumps(
        {
            "index": item.index,
            "event_id": item.event_id,
            "event_type": item.event_type,
            "occurred_at": item.occurred_at,
            "planned_at": item.planned_at,
            "sent_at": item.sent_at,
            "late_ms": item.late_ms,
            "outcome": item.outcome,
            "status": item.status,
            "problem": item.problem,
            **marks_of(stored),
        }
    )
    event = b"null" if stored is None or stored.obstacle else as_line(stored.raw).rstrip()
    data = told[:-1] + b',"event":' + event + b"}"
    return b"event: played\nid: %d-%d\ndata: %b\n\n" % (segment, item.index, data)


def _event(name: str, told: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(told))
