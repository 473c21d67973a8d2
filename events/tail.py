"""Following the log: what fits as it comes in, without a database connection between two looks.

More than fits on a page is not sent but counted, so that a busy log neither floods a reader nor hides that it is busy.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from access.actor import Actor
from events.errors import InvalidQuery, TailsFull
from events.head import watch
from events.models import Event, LogHead
from events.query import Filters, find_events
from events.search import limited

HEARTBEAT = 10.0
# Then the reader comes again, with the rights that it has then.
LONGEST = 300.0
# Of those that are not shown, no more are counted.
COUNTED = 10_000
_LONGEST_POSITION = 19


@dataclass(frozen=True, slots=True)
class News:
    """What came up to `position`: the newest events, the oldest of them first, and how many before them are not shown."""

    position: int
    events: tuple[Event, ...] = ()
    skipped: int = 0

    @property
    def skipped_text(self) -> str:
        return f"{'at least ' if self.skipped >= COUNTED else ''}{self.skipped:,} more events are not shown"


def position_of(text: str) -> int | None:
    """Where somebody left off. Raises InvalidQuery."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < _LONGEST_POSITION):
        raise InvalidQuery(
            f"'from', or Last-Event-ID, is the position of an event, not '{text[:40]}'.", parameter="from"
        )
    return int(text)


def news_since(*, actor: Actor, filters: Filters, after: int | None) -> News:
    """What came since; without a position, only where the log stands. Raises QueryTooSlow."""
    with limited():
        head = LogHead.objects.get().position
        if after is None or after >= head:
            # A position of a log that was restored to an earlier time is none of this one.
            return News(head)
        return _news(find_events(actor=actor, filters=filters), after, head)


def _news(fitting: QuerySet[Event], after: int, head: int) -> News:
    rows = fitting.filter(position__gt=after, position__lte=head).defer("document").order_by("-position")
    newest = list(rows[: settings.TAIL_EVENTS_AT_ONCE])
    skipped = 0
    if len(newest) == settings.TAIL_EVENTS_AT_ONCE:
        skipped = rows.filter(position__lt=newest[-1].position).order_by()[:COUNTED].count()
    return News(head, tuple(reversed(newest)), skipped)


def follow(*, actor: Actor, filters: Filters, after: int | None) -> "Following":
    """What comes in, as it comes; without news an empty one at every heartbeat. Ends after a while; to be closed then.

    Raises TailsFull at once where too many follow already, and Forbidden.
    """
    actor.require("read")
    return Following(_news_as_it_comes(actor, filters, after), _Place())


class _Place:
    """One of the places that a process has for readers."""

    _lock = threading.Lock()
    _taken = 0

    def __init__(self) -> None:
        self._mine = False
        with self._lock:
            if _Place._taken >= settings.TAIL_STREAMS:
                raise TailsFull(
                    f"{settings.TAIL_STREAMS} readers follow the log here already (TAIL_STREAMS). Ask for what is new now and "
                    "then instead, with the parameter 'from'.",
                    retry_after=int(HEARTBEAT),
                )
            _Place._taken += 1
            self._mine = True

    def give_back(self) -> None:
        with self._lock:
            if self._mine:
                _Place._taken -= 1
                self._mine = False


class Following:
    """News as they come; whoever closes it gives its place to others, also before the first of them."""

    def __init__(self, news: Iterator[News], place: _Place) -> None:
        self._news = news
        self._place = place

    def __iter__(self) -> Iterator[News]:
        return self._news

    def close(self) -> None:
        self._place.give_back()


def _news_as_it_comes(actor: Actor, filters: Filters, after: int | None) -> Iterator[News]:
    ends_at = time.monotonic() + LONGEST
    news = news_since(actor=actor, filters=filters, after=after)
    while True:
        _let_connection_go()
        yield news
        if time.monotonic() > ends_at:
            return
        head = watch.wait_beyond(news.position, HEARTBEAT)
        if head > news.position:
            news = news_since(actor=actor, filters=filters, after=news.position)
        else:
            news = News(news.position)


def _let_connection_go() -> None:
    """Back to the pool, unless a transaction of the caller's is open on it."""
    if not connection.in_atomic_block:
        connection.close()
