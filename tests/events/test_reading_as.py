"""`?as=`: events read as another version of their subject. What is stored stays, and what cannot be read so says why."""

import json
from typing import Any

import pytest

from access.actor import SYSTEM
from events.models import Event
from events.query import find_event
from events.upcast import upcast
from registry.change_state import change_state
from registry.errors import InvalidVersion
from registry.load_catalogue import load_onex_catalogue
from registry.register_migration import Proposed, register_migration
from tests.events.conftest import event
from tests.events.test_migrations import DOWN, UP, V1, V2

pytestmark = pytest.mark.django_db

V3 = {
    "type": "object",
    "required": ["price"],
    "properties": {
        "price": {
            "type": "object",
            "required": ["total", "currency"],
            "properties": {"total": {"type": "integer"}, "currency": {"type": "string"}},
        }
    },
}
UP_TO_3 = [
    {"op": "move", "at": "/total", "to": "/price/total"},
    {"op": "move", "at": "/currency", "to": "/price/currency"},
]


@pytest.fixture
def versions(publish):
    publish("order.placed", V1, "1.0.0")
    publish("order.placed", V2, "2.0.0")
    publish("order.placed", V3, "3.0.0")
    register("1.0.0", "2.0.0", UP, DOWN)
    register("2.0.0", "3.0.0", UP_TO_3)


def register(source: str, target: str, up: Any, down: Any = None) -> None:
    proposed = Proposed(source, target, up, down)
    register_migration(actor=SYSTEM, subject="order.placed", proposed=proposed)


def first(**members: Any) -> dict[str, Any]:
    return event(event_id="e-1", schema_version="1.0.0", **{"metadata": {"amount": 7}, **members})


def test_one_event_is_read_as_a_range_and_says_how(versions, owner, send):
    send(first())
    read = owner.api.get("/api/v1/events/e-1?as=^2")
    assert read.status_code == 200
    assert json.loads(read.content)["metadata"] == {"total": 7, "currency": "EUR"}
    assert json.loads(read.content)["schema_version"] == "2.0.0"
    assert (read["X-Onex-As"], read["X-Onex-Migrated-From"]) == ("2.0.0", "1.0.0")
    assert json.loads(read["X-Onex-Migration-Path"]) == [
        {"from": "1.0.0", "to": "2.0.0", "direction": "up", "migration": 1}
    ]


def test_what_is_stored_and_answered_without_as_stays_byte_for_byte(versions, owner, send):
    raw = json.dumps(first(), indent=3).encode()
    send(raw=raw)
    owner.api.get("/api/v1/events/e-1?as=latest")
    assert owner.api.get("/api/v1/events/e-1").content == raw
    assert bytes(Event.objects.get(event_id="e-1").raw) == raw


@pytest.mark.parametrize(
    "read_as",
    [
        ("latest", {"price": {"total": 7, "currency": "EUR"}}, 2),
        ("3.0.0", {"price": {"total": 7, "currency": "EUR"}}, 2),
        (">=2", {"price": {"total": 7, "currency": "EUR"}}, 2),
        ("2", {"total": 7, "currency": "EUR"}, 1),
        ("1.x", {"amount": 7}, 0),
        ("*", {"amount": 7}, 0),
    ],
)
def test_a_range_a_version_a_number_and_latest(versions, owner, send, read_as):
    wanted, metadata, steps = read_as
    send(first())
    read = owner.api.get("/api/v1/events/e-1", {"as": wanted})
    assert json.loads(read.content)["metadata"] == metadata
    assert len(json.loads(read["X-Onex-Migration-Path"])) == steps


def test_the_way_back_is_taken_where_it_is_given(versions, owner, send):
    send(event(event_id="e-2", schema_version="2.0.0", metadata={"total": 7, "currency": "EUR"}))
    assert json.loads(owner.api.get("/api/v1/events/e-2?as=^1").content)["metadata"] == {"amount": 7}
    send(event(event_id="e-3", schema_version="3.0.0", metadata={"price": {"total": 7, "currency": "EUR"}}))
    refused = owner.api.get("/api/v1/events/e-3?as=^1")
    assert (refused.status_code, refused.json()["error_code"]) == (409, 40934)
    assert refused.json()["details"]["not_migrated"]["code"] == "no_migration"
    assert "/migrations" in refused.json()["message"]


def test_of_a_list_each_event_says_for_itself(versions, owner, send, publish):
    publish("other", {"type": "object"}, "1.0.0")
    send(
        first(),
        event(event_id="taken", schema_version="1.0.0", metadata={"amount": 1, "total": 2}),
        event(event_id="extra", schema_version="1.0.0", metadata={"amount": 1, "extra": 2}),
        event("other", event_id="other", metadata={"a": 1}),
    )
    answer = owner.api.get("/api/v1/events?as=^2").json()["items"]
    found = {one["event_id"]: one for one in answer}
    assert found["e-1"]["as"] == "2.0.0"
    assert found["e-1"]["migrated_from"] == "1.0.0"
    assert found["e-1"]["event"]["metadata"]["total"] == 7
    told = {
        id_: (one["not_migrated"]["code"], one["not_migrated"]["pointer"])
        for id_, one in found.items()
        if one["not_migrated"]
    }
    assert told == {
        "taken": ("step_failed", "/metadata/total"),
        "extra": ("violates_target", "/metadata"),
        "other": ("no_such_version", ""),
    }
    assert found["extra"]["event"]["metadata"] == {"amount": 1, "extra": 2}
    assert found["extra"]["as"] is None


def test_lines_say_how_each_event_was_read(versions, owner, send):
    send(first(), event("unknown.type", event_id="e-9"))
    lines = owner.api.get("/api/v1/events?as=2.0.0", headers={"Accept": "application/x-ndjson"})
    [read] = [json.loads(line) for line in lines.content.splitlines()]
    assert (read["as"], read["event"]["metadata"]["total"]) == ("2.0.0", 7)


def test_a_correlation_is_read_as_one_version(versions, owner, send):
    send(first(correlation_id="c-1"))
    [read] = owner.api.get("/api/v1/correlations/c-1?as=^3").json()["events"]
    assert (read["as"], read["depth"]) == ("3.0.0", 0)
    assert read["event"]["metadata"] == {"price": {"total": 7, "currency": "EUR"}}


@pytest.mark.parametrize("wanted", ["nonsense", "^", "0", ">>2"])
def test_what_means_no_version_is_refused_before_any_event_is_read(versions, owner, wanted):
    for address in ("/api/v1/events", "/api/v1/events?limit=1"):
        assert owner.api.get(address, {"as": wanted}).json()["error_code"] == 42202
    with pytest.raises(InvalidVersion):
        upcast([], wanted=wanted)


def test_a_version_that_is_not_there_and_an_event_without_one(versions, owner, send, settings):
    settings.UNKNOWN_EVENT_TYPE = "accept"
    send(first(), event("never.registered", event_id="e-4"))
    assert (
        owner.api.get("/api/v1/events/e-1?as=^9").json()["details"]["not_migrated"]["code"]
        == "no_such_version"
    )
    assert owner.api.get("/api/v1/events/e-4?as=^1").json()["details"]["not_migrated"]["code"] == "no_version"


def test_a_number_that_cannot_be_written_out_again_keeps_an_event_as_it_is(versions, owner, send):
    raw = json.dumps(first()).replace('"amount": 7', '"amount": 7, "note": "x", "big": 1e400').encode()
    send(raw=raw)
    told = owner.api.get("/api/v1/events/e-1?as=^2").json()
    assert told["details"]["not_migrated"]["code"] in {"inexact_number", "violates_target"}


def test_large_integers_stay_exact(versions, owner, send):
    send(first(metadata={"amount": 12345678901234567890}))
    assert b"12345678901234567890" in owner.api.get("/api/v1/events/e-1?as=^2").content


def test_the_newer_version_of_a_major_reads_what_an_older_one_wrote(publish, owner, send):
    publish("order.placed", V1, "1.0.0")
    publish("order.placed", {**V1, "properties": {**V1["properties"], "gift": {"type": "boolean"}}}, "1.1.0")
    send(first())
    read = owner.api.get("/api/v1/events/e-1?as=1.1.0")
    assert json.loads(read["X-Onex-Migration-Path"])[0]["direction"] == "unchanged"
    assert json.loads(read.content)["metadata"] == {"amount": 7}


def test_a_migration_is_taken_before_a_step_that_changes_nothing(publish, owner, send):
    publish("order.placed", V1, "1.0.0")
    publish("order.placed", {**V1, "properties": {**V1["properties"], "gift": {"type": "boolean"}}}, "1.1.0")
    register("1.0.0", "1.1.0", [{"op": "default", "at": "/gift", "value": False}])
    send(first())
    assert json.loads(owner.api.get("/api/v1/events/e-1?as=1.1.0").content)["metadata"]["gift"] is False


def test_two_ways_as_short_are_told_and_the_lower_one_is_taken(publish, owner, send):
    anything = {"type": "object", "properties": {"amount": {"type": "integer"}}}
    for major in range(1, 5):
        publish("order.placed", {**anything, "title": f"{major}"}, f"{major}.0.0")
    for source, target in (("1.0.0", "2.0.0"), ("1.0.0", "3.0.0"), ("2.0.0", "4.0.0"), ("3.0.0", "4.0.0")):
        register(source, target, [{"op": "default", "at": f"/via{target[0]}", "value": True}])
    send(first())
    [read] = owner.api.get("/api/v1/events?as=^4").json()["items"]
    assert read["ambiguous"] is True
    assert read["event"]["metadata"] == {"amount": 7, "via2": True, "via4": True}


def test_a_retired_migration_reads_nothing_any_more(versions, owner, send):
    send(first())
    owner.api.delete("/api/v1/subjects/order.placed/migrations/1")
    assert owner.api.get("/api/v1/events/e-1?as=^2").status_code == 409


def test_events_of_an_archived_version_are_read_as_the_live_one(versions, owner, send):
    send(first())
    change_state(actor=SYSTEM, subject="order.placed", version="1.0.0", state="deprecated")
    change_state(actor=SYSTEM, subject="order.placed", version="1.0.0", state="archived")
    assert owner.api.get("/api/v1/events/e-1?as=^2")["X-Onex-As"] == "2.0.0"


def test_onex_1_0_0_events_are_read_with_their_known_aliases_renamed(db, owner, send, settings):
    settings.UPLOAD_JUDGES = []
    load_onex_catalogue(actor=SYSTEM)
    states = {"input_state": {}, "output_state": {}}
    send(event("NODE_SUCCESS", event_id="onex-1", metadata=states, duration_ms=12))
    for wanted, version, ways in (
        ("1.0.0", "1.0.0", ["aliases"]),
        ("1.1.0", "1.1.0", ["aliases", "unchanged"]),
    ):
        read = owner.api.get(f"/api/v1/events/onex-1?as={wanted}")
        assert read["X-Onex-As"] == version
        body = json.loads(read.content)
        assert "duration_ms" not in body
        assert body["metadata"] == {**states, "execution_time_ms": 12}
        path = json.loads(read["X-Onex-Migration-Path"])
        assert [step["direction"] for step in path] == ways
        assert path[0]["renamed"] == [{"used": "duration_ms", "declared": "execution_time_ms"}]
    assert json.loads(owner.api.get("/api/v1/events/onex-1").content)["duration_ms"] == 12


def test_one_thousand_events_are_all_read(versions, owner, send):
    send(*(event(event_id=f"n-{n}", schema_version="1.0.0", metadata={"amount": n}) for n in range(1_000)))
    answer = owner.api.get("/api/v1/events?limit=1000&as=^3").json()["items"]
    assert sorted(one["event"]["metadata"]["price"]["total"] for one in answer) == list(range(1_000))
    assert {one["as"] for one in answer} == {"3.0.0"}
    [read] = upcast([find_event(actor=SYSTEM, event_id="n-7")], wanted="^2")
    assert json.loads(read.raw)["metadata"]["total"] == 7


def test_an_event_s_page_shows_it_as_another_version_or_says_why_not(versions, owner, send):
    send(first())
    page = owner.browser.get("/events/id/e-1?as=^3").content.decode()
    assert "price" in page.partition('id="read"')[2]
    assert "From 2.0.0 to 3.0.0 by" in page
    refused = owner.browser.get("/events/id/e-1?as=^9").content.decode()
    assert "It cannot be read so" in refused
    assert "no live version" in refused
    assert owner.browser.get("/events/id/e-1?as=%3E%3E").status_code == 200
