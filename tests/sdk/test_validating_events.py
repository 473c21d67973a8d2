"""Validation on the way out: off, warn or strict, and never a wait for the network."""

import datetime as dt
import json

import pytest

SCHEMA = {
    "type": "object",
    "required": ["at"],
    "properties": {"at": {"type": "string"}, "count": {"type": "integer"}},
}


@pytest.fixture
def published(registry):
    return registry.publish("order.created", SCHEMA)


def test_strict_keeps_what_violates_from_being_sent_and_says_why(
    emitting, registry, published, tmp_path, caplog
):
    client = emitting(validation="strict", dead_letter_file=str(tmp_path / "letters"))
    assert client.prepare("order.created")
    assert client.emit("order.created", {"count": "many"}) is None
    assert client.emit("order.created", {"at": "now", "count": 1})
    assert client.flush()
    assert [event["metadata"] for event in registry.events] == [{"at": "now", "count": 1}]
    assert client.stats()["dropped_invalid"] == 1
    letter = json.loads((tmp_path / "letters").read_text())
    assert {(e["pointer"], e["keyword"]) for e in letter["errors"]} == {
        ("/metadata", "required"),
        ("/metadata/count", "type"),
    }
    assert "order.created was not sent: /metadata" in caplog.text


def test_warn_sends_it_all_the_same(emitting, registry, published):
    client = emitting(validation="warn")
    client.prepare("order.created")
    assert client.emit("order.created", {})
    assert client.flush()
    assert (client.stats()["warned_invalid"], client.stats()["stored"]) == (1, 1)


def test_the_first_event_of_a_type_does_not_wait_for_its_schema_and_the_next_is_judged(
    emitting, registry, published
):
    client = emitting(validation="strict")
    assert client.emit("order.created", {})
    assert client.flush()
    while client.emit("order.created", {}) is not None:
        client.flush()
    assert client.stats()["dropped_invalid"] == 1
    assert client.stats()["unjudged"] >= 1


def test_a_type_that_the_registry_does_not_know_is_the_servers_to_judge(emitting, registry):
    client = emitting(validation="strict")
    assert not client.prepare("unknown")
    assert client.emit("unknown", {"any": "thing"})
    assert client.flush()
    assert client.stats()["stored"] == 1


def test_values_are_judged_as_they_will_be_written(emitting, registry, published):
    client = emitting(validation="strict")
    client.prepare("order.created")
    assert client.emit("order.created", {"at": dt.datetime(2025, 1, 2, tzinfo=dt.UTC)})
    assert client.flush()
    assert registry.events[0]["metadata"] == {"at": "2025-01-02T00:00:00+00:00"}


def test_a_schema_that_changes_is_used_after_its_time(emitting, registry, published):
    client = emitting(validation="strict", schema_ttl=0.0)
    client.prepare("order.created")
    registry.publish("order.created", {"required": ["new"]})
    while client.emit("order.created", {"at": "now"}) is not None:
        client.flush()
    assert client.emit("order.created", {"new": 1})


def test_the_schemas_that_are_known_go_on_judging_when_the_server_is_gone(emitting, server, published):
    client = emitting(validation="strict", schema_ttl=0.0)
    client.prepare("order.created")
    server.stop()
    client.emit("order.created", {"at": "now"})
    client.flush(0.2)
    assert client.emit("order.created", {}) is None
