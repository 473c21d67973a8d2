"""Following the log in a real browser: rows come in by themselves, are paused and resumed, and come without a stream, too."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from events import tail
from tests.conftest import Person
from tests.events.conftest import event
from tests.registry.test_accessibility import DESK, PHONE, RULES, WIDTH, opened, session  # noqa: F401 -- a fixture
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def _quietly(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A reader that went is noticed soon, and nobody asks for the head when the test is over."""
    settings.UNKNOWN_EVENT_TYPE = "accept"
    settings.TAIL_EVENTS_AT_ONCE = 5
    monkeypatch.setattr(tail, "HEARTBEAT", 0.3)
    yield
    until(lambda: "head of the log" not in {thread.name for thread in threading.enumerate()})


def send(page: Any, person: Person, *events: Any) -> None:
    """Through the front door: this thread is the browser's, and has no database."""
    answer = page.request.post("/api/v1/events", headers=person.header, data=list(events))
    assert answer.json()["counts"] == {"stored": len(events)}


@pytest.mark.parametrize(("theme", "width"), [("light", DESK), ("dark", PHONE)])
def test_rows_come_in_and_are_paused(
    live_server: Any,
    session: Any,  # noqa: F811
    owner: Person,
    theme: str,
    width: int,
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with opened(live_server, session, theme, width) as page:
        page.goto("/events?live=true&type=a")
        page.get_by_text("appear here by themselves").wait_for()
        send(page, owner, event("a", event_id="first"), event("b", event_id="of-another-type"))
        page.get_by_role("link", name="first").wait_for()
        assert page.get_by_role("link", name="of-another-type").count() == 0
        page.get_by_role("button", name="Pause").click()
        send(page, owner, *[event("a", event_id=f"meanwhile-{n}") for n in range(7)])
        page.get_by_text("Paused").wait_for()
        assert page.get_by_role("link", name="meanwhile-6").count() == 0
        page.get_by_role("button", name="Resume").click()
        page.get_by_role("link", name="meanwhile-6").wait_for()
        page.get_by_text("2 more events are not shown").wait_for()
        assert page.locator("[data-tail-rows] tr").first.inner_text().startswith("meanwhile-6")
        assert Axe().run(page, options=RULES).response["violations"] == []
        assert page.evaluate(WIDTH) <= width


def test_where_there_is_no_place_for_a_stream_it_asks_now_and_then(
    live_server: Any,
    session: Any,  # noqa: F811
    owner: Person,
    settings: Any,
) -> None:
    settings.TAIL_STREAMS = 0
    with opened(live_server, session, "light", DESK) as page:
        page.goto("/events?live=true")
        page.get_by_text("looked for every few seconds").wait_for()
        send(page, owner, event("a", event_id="asked-for"))
        page.get_by_role("link", name="asked-for").wait_for()
