"""Following the log: what fits comes in as it is stored, from where the reader left off, and a busy log is told of."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.http import StreamingHttpResponse

from events import tail
from events.head import HeadWatch
from events.models import LogHead
from events.query import Filters
from tests.conftest import MakePerson, Person
from tests.events.conftest import Send, event
from tests.waiting import until

pytestmark = pytest.mark.django_db
STREAM = {"HTTP_ACCEPT": "text/event-stream"}


@pytest.fixture(autouse=True)
def quickly(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is accepted, and a stream looks at the log at once: the watch has a connection of its own."""
    settings.UNKNOWN_EVENT_TYPE = "accept"
    monkeypatch.setattr(tail, "watch", Here())
    monkeypatch.setattr(tail._Place, "_taken", 0)


class Here:
    """The head as this test's transaction sees it."""

    def wait_beyond(self, position: int, seconds: float) -> int:
        return max(position, LogHead.objects.get().position)


def told(answer: Any) -> Iterator[list[dict[str, str]]]:
    """The server-sent events of each part that is sent, as a browser reads them."""
    assert isinstance(answer, StreamingHttpResponse)
    # As the test client closes it: by the iterator, with the connection kept.
    with closing(answer._iterator):
        for part in answer.streaming_content:
            found = []
            for block in bytes(part).decode().split("\n\n"):
                lines = [line.partition(": ") for line in block.splitlines()]
                fields: dict[str, str] = {}
                for name, _, value in lines:
                    fields[name] = f"{fields[name]}\n{value}" if name in fields else value
                if fields:
                    found.append(fields)
            yield found


def test_what_comes_in_is_told_with_its_position(owner: Person, send: Send) -> None:
    send(event("a", event_id="before"))
    answer = owner.api.get("/api/v1/events/tail", **STREAM)
    assert answer["Content-Type"] == "text/event-stream"
    parts = told(answer)
    (beginning,) = next(parts)
    assert "event" not in beginning
    send(event("a", event_id="one"), event("a", event_id="two"))
    one, two, _ = next(parts)
    assert [json.loads(part["data"])["event"]["event_id"] for part in (one, two)] == ["one", "two"]
    assert int(two["id"]) == int(one["id"]) + 1 == LogHead.objects.get().position
    # Nothing new: a sign of life.
    (alive,) = next(parts)
    assert alive["id"] == two["id"]


def test_a_reader_goes_on_where_it_left_off(owner: Person, send: Send) -> None:
    send(*[event("a", event_id=f"e{n}") for n in range(4)])
    first = LogHead.objects.get().position - 3
    by_header = owner.api.get("/api/v1/events/tail", HTTP_LAST_EVENT_ID=str(first + 1), **STREAM)
    by_address = owner.api.get("/api/v1/events/tail", {"from": first + 1}, **STREAM)
    for answer in (by_header, by_address):
        ids = [json.loads(one["data"])["event_id"] for one in next(told(answer)) if "data" in one]
        assert ids == ["e2", "e3"]


def test_filters_are_those_of_the_list(owner: Person, send: Send) -> None:
    parts = told(owner.api.get("/api/v1/events/tail", {"type": "b", "where": "metadata.n > 1"}, **STREAM))
    next(parts)
    send(*[event(kind, event_id=f"{kind}{n}", metadata={"n": n}) for kind in "ab" for n in range(3)])
    assert [json.loads(one["data"])["event_id"] for one in next(parts) if "data" in one] == ["b2"]
    assert owner.api.get("/api/v1/events/tail", {"where": "((("}, **STREAM).status_code == 422
    assert owner.api.get("/api/v1/events/tail", {"from": "x"}, **STREAM).status_code == 422


def test_a_busy_log_is_told_of(owner: Person, send: Send, settings: Any) -> None:
    settings.TAIL_EVENTS_AT_ONCE = 3
    parts = told(owner.api.get("/api/v1/events/tail", **STREAM))
    next(parts)
    send(*[event("a", event_id=f"e{n}") for n in range(10)])
    skipped, *shown = [one for one in next(parts) if "event" in one]
    assert (skipped["event"], json.loads(skipped["data"])) == ("skipped", {"count": 7})
    assert [json.loads(one["data"])["event_id"] for one in shown] == ["e7", "e8", "e9"]


def test_nobody_is_told_of_what_they_may_not_read(
    make_person: MakePerson, send: Send, stranger: Person
) -> None:
    reader = make_person("reader", role="developer", prefix="shop.")
    parts = told(reader.api.get("/api/v1/events/tail", **STREAM))
    next(parts)
    send(event("shop.sold", event_id="mine"), event("bank.paid", event_id="other"))
    assert [json.loads(one["data"])["event_id"] for one in next(parts) if "data" in one] == ["mine"]
    assert stranger.api.get("/api/v1/events/tail", **STREAM).status_code == 403


def test_more_readers_than_there_are_places_for_are_told_to_ask_instead(
    owner: Person, send: Send, settings: Any
) -> None:
    settings.TAIL_STREAMS = 1
    first = owner.api.get("/api/v1/events/tail", **STREAM)
    parts = told(first)
    next(parts)
    refused = owner.api.get("/api/v1/events/tail", **STREAM)
    assert refused.status_code == 503
    assert refused["Retry-After"] == "10"
    head = LogHead.objects.get().position
    send(event("a", event_id="new"))
    news = owner.api.get("/api/v1/events/tail", {"from": head}).json()
    assert ([one["event_id"] for one in news["items"]], news["skipped"]) == (["new"], 0)
    assert owner.api.get("/api/v1/events/tail", {"from": news["position"]}).json()["items"] == []
    parts.close()
    next(told(owner.api.get("/api/v1/events/tail", **STREAM)))


def test_a_stream_ends_after_a_while_for_rights_to_be_looked_at_again(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "LONGEST", -1.0)
    assert len(list(tail.follow(actor=owner.actor, filters=Filters(), after=None))) == 1


def test_the_explorer_follows(owner: Person, send: Send) -> None:
    send(event("a", event_id="there"))
    page = owner.browser.get("/events", {"live": "true", "type": "a"}).content.decode()
    assert f'data-from="{LogHead.objects.get().position}"' in page
    assert 'data-stream="/events/tail?type=a"' in page
    # Without scripts the page comes again by itself, with its filters.
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    assert 'href="?type=a"' in page
    assert 'http-equiv="refresh"' not in owner.browser.get("/events").content.decode()


def test_the_page_is_told_in_rows(owner: Person, send: Send, settings: Any) -> None:
    settings.TAIL_EVENTS_AT_ONCE = 2
    assert owner.browser.get("/events/tail?type=a")["Location"] == "/events?type=a"
    parts = told(owner.browser.get("/events/tail", **STREAM))
    next(parts)
    before = LogHead.objects.get().position
    send(*[event("a", event_id=f"e{n}") for n in range(3)])
    rows, skipped = [one for one in next(parts) if "event" in one]
    assert rows["data"].index("e1") < rows["data"].index("e2")
    assert "e0" not in rows["data"]
    assert skipped["data"] == "1 more events are not shown"
    news = owner.browser.get("/events/news", {"from": before})
    assert news["X-Onex-Position"] == str(before + 3)
    assert news["X-Onex-Skipped"] == "1 more events are not shown"
    assert news.content.decode().count("<tr>") == 2


@pytest.mark.django_db(transaction=True)
def test_one_thread_of_a_process_asks_for_the_head_for_all_who_wait() -> None:
    watch = HeadWatch()
    LogHead.objects.update(position=41)
    assert watch.wait_beyond(40, 10) == 41
    assert watch.wait_beyond(41, 0.01) == 41
    LogHead.objects.update(position=42)
    assert watch.wait_beyond(41, 10) == 42
    # Without anybody who waits, nobody asks.
    until(lambda: "head of the log" not in {thread.name for thread in threading.enumerate()})
