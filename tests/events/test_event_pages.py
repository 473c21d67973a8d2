"""The pages of the stream answer their questions without scripts, to those who may read the types."""

from typing import Any

import pytest

from events.models import Event, QuarantinedEvent
from tests.conftest import Person
from tests.events.conftest import Publish, Send, event

pytestmark = pytest.mark.django_db


def text_of(person: Person, address: str, status: int = 200) -> str:
    answer = person.browser.get(address)
    assert answer.status_code == status, answer.content[:500]
    # Long names hold places to break at.
    return str(answer.content.decode().replace("<wbr>", ""))


def test_the_explorer_shows_filters_and_pages(orders: Any, send: Send, owner: Person) -> None:
    send(*[event(node_id=f"shop-{number:03d}") for number in range(60)], event(node_id="odd", metadata={}))
    first = text_of(owner, "/events")
    assert "odd" in first
    assert "shop-000" not in first
    assert "after=" in first
    only = text_of(owner, "/events?valid=false")
    assert "shop-" not in only
    assert "violations" in only


def test_a_filter_that_cannot_be_is_told_at_its_field(owner: Person) -> None:
    assert "is a time such as" in text_of(owner, "/events?since=yesterday", 422)


def test_an_event_shows_its_bytes_and_its_violations(orders: Any, send: Send, owner: Person) -> None:
    sent = event(correlation_id="c 1/ä", metadata={"amount": "three"}, timestamp="2026-11-01T12:00:00")
    send(sent)
    page = text_of(owner, f"/events/id/{sent['event_id']}")
    for words in (
        "/metadata/amount",
        "1.0.0",
        "naive_timestamp",
        "three",
        "/events/correlation/c%201/%C3%A4",
    ):
        assert words in page


def test_a_correlation_is_told_in_order_and_offers_a_replay(orders: Any, send: Send, owner: Person) -> None:
    send(
        event(correlation_id="c 1", node_id="first", timestamp="2026-11-01T12:00:00Z"),
        event(
            correlation_id="c 2",
            parent_correlation_id="c 1",
            node_id="second",
            timestamp="2026-11-01T11:00:00Z",
        ),
    )
    page = text_of(owner, "/events/correlation/c%201")
    assert page.index('<td class="break">first') < page.index('<td class="break">second')
    assert "/replays/new?correlation_id=c+1" in page
    assert "Order is by parentage and arrival" in page


def test_violations_are_grouped_by_cause(publish: Publish, send: Send, owner: Person) -> None:
    publish("t", {"properties": {"items": {"items": {"type": "integer"}}, "a": {"type": "string"}}}, "1.0.0")
    send(
        *[event("t", metadata={"items": [1, "x", "y"], "a": "ok"}) for _ in range(3)],
        event("t", metadata={"a": 1}),
    )
    page = text_of(owner, "/violations")
    assert "/metadata/items/*" in page
    assert '<td class="num">3</td>' in page
    assert "pointer=/metadata/a&amp;keyword=type" in page
    only = text_of(owner, "/events?valid=false&type=t&pointer=/metadata/a&keyword=type")
    assert only.count(">t</a>") == 1


def test_a_quarantined_event_is_released_from_its_page(publish: Publish, send: Send, owner: Person) -> None:
    sent = event("later.known")
    send(sent)
    row = QuarantinedEvent.objects.get()
    assert sent["event_id"] in text_of(owner, "/violations/quarantine?type=later.*")
    assert "No schema is registered" in text_of(owner, f"/violations/quarantine/{row.pk}")
    refused = owner.browser.post(f"/violations/quarantine/{row.pk}/release", follow=True)
    assert "would be quarantined today as well" in refused.content.decode()
    publish("later.known", {"type": "object"}, "1.0.0")
    done = owner.browser.post(f"/violations/quarantine/{row.pk}/release", follow=True)
    assert done.redirect_chain[-1][0] == f"/events/id/{sent['event_id']}"
    assert Event.objects.get().event_id == sent["event_id"]
    assert "released" in text_of(owner, f"/violations/quarantine/{row.pk}")


def test_empty_pages_say_what_to_do_next(owner: Person) -> None:
    assert "POST /api/v1/events" in text_of(owner, "/events")
    assert "No stored event breaks its schema" in text_of(owner, "/violations")
    assert "Nothing is in quarantine" in text_of(owner, "/violations/quarantine")


def test_pages_show_only_types_that_may_be_read(
    orders: Any, publish: Publish, send: Send, teammate: Person, stranger: Person
) -> None:
    publish("team.t", {"type": "object"}, "1.0.0")
    hidden = event(node_id="hidden-node", metadata={}, correlation_id="c")
    send(hidden, event("team.t", node_id="team-node"), event("other.unknown"))
    assert "team-node" in text_of(teammate, "/events")
    assert "hidden-node" not in text_of(teammate, "/events")
    assert "team-node" not in text_of(stranger, "/events")
    text_of(teammate, f"/events/id/{hidden['event_id']}", 404)
    text_of(teammate, "/events/correlation/c", 404)
    assert "order.placed" not in text_of(teammate, "/violations")
    assert "other.unknown" not in text_of(teammate, "/violations/quarantine")
    text_of(teammate, f"/violations/quarantine/{QuarantinedEvent.objects.get().pk}", 404)


def test_the_home_page_shows_the_newest_events(orders: Any, send: Send, owner: Person) -> None:
    send(event(node_id="at-home"), event("nobody"))
    page = text_of(owner, "/")
    assert "at-home" in page
    assert "In quarantine" in page
