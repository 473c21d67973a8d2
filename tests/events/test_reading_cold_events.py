"""Every way to read events gives of compressed ones what it gave before they were compressed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from access.actor import SYSTEM
from alerts.matches import read
from events import search
from events.cold import compress_partition
from tests.conftest import MakePerson, Person
from tests.events.conftest import Publish, Send, event
from tests.events.days import days_ago, move_all_to

pytestmark = pytest.mark.django_db
MANY = 1_200


@pytest.fixture
def cold(publish: Publish, send: Send, settings: Any) -> Callable[[], None]:
    """Old events, some of today, and a function that compresses the old ones."""
    settings.UNKNOWN_EVENT_TYPE = "accept"
    members = {"correlation_id": "old-1", "trace_id": "a" * 32}
    send(
        *[
            event("team.old", event_id=f"old-{n}", metadata={"amount": n, "note": f"n{n % 7}"})
            for n in range(MANY)
        ]
    )
    send(
        event("team.RUN_START", event_id="start", metadata={"operation": "run"}, **members),
        event(
            "team.RUN_SUCCESS",
            event_id="end",
            metadata={"operation": "run", "execution_time_ms": 5},
            **members,
        ),
        event("team.lost", event_id="lost", metadata={"amount": 5, "error_code": "SHOP_CART_001_EMPTY"}),
    )
    name = move_all_to(days_ago(30))
    send(*[event("team.new", event_id=f"new-{n}", metadata={"amount": n}) for n in range(10)])
    return lambda: compress_partition(actor=SYSTEM, name=name) and None


def items(person: Person, **filters: Any) -> list[str]:
    answer = person.api.get("/api/v1/events", {"limit": 1000, **filters})
    assert answer.status_code == 200, answer.content
    return [item["event_id"] for item in answer.json()["items"]]


READS = [
    {"type": "team.old"},
    {"where": "metadata.amount = 5"},
    {"where": "metadata.amount >= 1190"},
    {"where": 'metadata.note ~ "6" and metadata.amount < 20'},
    {"where": "metadata.operation exists"},
    {"where": "metadata.missing exists"},
    {"where": "metadata.amount < 8", "type": "team.n*"},
    {"where": "metadata.amount < 8", "node": "nobody"},
    {"correlation_id": "old-1"},
    {"trace_id": "a" * 32},
    {"error_code": "SHOP_CART_001_EMPTY"},
    {"valid": "true", "until": "2026-11-01T12:00:00Z"},
]


@pytest.mark.parametrize("filters", READS, ids=lambda one: " ".join(f"{k}={v}" for k, v in one.items()))
def test_lists_are_the_same(owner: Person, cold: Any, filters: dict[str, str]) -> None:
    before = items(owner, **filters)
    cold()
    assert items(owner, **filters) == before


@pytest.mark.parametrize("address", ["/api/v1/events/old-7", "/api/v1/events/end"])
def test_one_event_is_the_same_byte_for_byte(owner: Person, cold: Any, address: str) -> None:
    before = owner.api.get(address).content
    cold()
    assert owner.api.get(address).content == before


@pytest.mark.parametrize(
    "address",
    ["/api/v1/correlations/old-1", f"/api/v1/traces/{'a' * 32}", "/api/v1/correlations/old-1?format=dot"],
)
def test_a_tree_of_work_is_the_same(owner: Person, cold: Any, address: str) -> None:
    before = owner.api.get(address).content
    assert b"run" in before
    cold()
    assert owner.api.get(address).content == before


def test_the_list_as_ndjson_is_the_same(owner: Person, cold: Any) -> None:
    def lines() -> bytes:
        return owner.api.get("/api/v1/events", {"limit": 1000}, HTTP_ACCEPT="application/x-ndjson").content

    before = lines()
    cold()
    assert lines() == before


def test_the_page_of_an_event_shows_it(owner: Person, cold: Any) -> None:
    cold()
    assert "n3" in owner.browser.get("/events/id/old-3").content.decode()
    assert "old-7" in owner.browser.get("/events?where=metadata.amount+%3D+7").content.decode()


def test_rules_read_the_same_fields(cold: Any) -> None:
    def fields() -> list[tuple[Any, Any]]:
        events = read(after=0, until=MANY + 100, types=["team.old"], documents=True)
        return [(one.fields["metadata.amount"], one.fields["metadata.note"]) for one in events]

    before = fields()
    assert len(before) == MANY
    cold()
    assert fields() == before


def test_who_may_not_read_a_type_finds_none_of_its_events(make_person: MakePerson, cold: Any) -> None:
    cold()
    other = make_person("other", role="developer", prefix="shop.")
    assert items(other, where="metadata.amount = 5") == []


def test_a_search_that_ends_before_its_page_is_full_says_so_and_goes_on(
    owner: Person, cold: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_CHUNK", 100)
    settings.EVENT_COLD_SEARCH = 300
    cold()
    wanted = {"where": "metadata.amount < 3", "type": "team.old"}
    found, pages, after = [], 0, ""
    while after is not None:
        answer = owner.api.get("/api/v1/events", {**wanted, **({"after": after} if after else {})})
        found += [item["event_id"] for item in answer.json()["items"]]
        after, pages = answer.json()["next"], pages + 1
        assert ("X-Onex-Searched-Until-Position" in answer.headers) == (after is not None)
    assert found == ["old-2", "old-1", "old-0"]
    # The last page finds that nothing is left.
    assert pages == 5
    page = owner.browser.get("/events", wanted).content.decode()
    assert "300 were looked into" in page
    assert "Older" in page


def test_a_page_back_finds_them_as_well(owner: Person, cold: Any) -> None:
    cold()
    answer = owner.api.get("/api/v1/events", {"where": "metadata.amount < 8", "before": 1, "limit": 5}).json()
    assert [json.loads(json.dumps(one["event"]))["event_id"] for one in answer["items"]] == [
        f"old-{n}" for n in (5, 4, 3, 2, 1)
    ]
    assert answer["previous"] is not None
