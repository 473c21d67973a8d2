"""Encrypting asks nobody while an event is emitted: what is not known yet is asked for in the background, and events wait."""

import json
from pathlib import Path

import pytest

from onex_sdk._encrypting import Encrypting
from onex_sdk._encryption import Encryptor
from onex_sdk._keys import DataKeys
from onex_sdk._options import Options
from onex_sdk._pipeline import HELD
from onex_sdk._sealed import is_sealed, key_id
from onex_sdk._stats import Stats
from onex_sdk.crypto import LocalKey, decrypt, new_encryption_key

KEK = new_encryption_key()
SECRET = "4111111111111111"
CARD = {"properties": {"card": {"type": "string", "x-sensitive": True}}}


@pytest.fixture
def keyed(registry):
    registry.publish("order.paid", CARD)
    registry.data_keys = []
    return registry


def card(event):
    return event["metadata"]["card"]


def sealed_events(registry, client):
    assert client.flush()
    assert not any(SECRET.encode() in asked.plain for asked in registry.asked)
    return registry.events


# --- a client -----------------------------------------------------------------------------------


def test_emit_waits_for_no_answer_and_the_event_leaves_encrypted(keyed, emitting):
    client = emitting(encryption_key=KEK)
    keyed.may_answer.clear()
    # No answer comes before `set` below: whoever waited for one would have given up, and the event.
    ids = [client.emit("order.paid", {"card": SECRET, "n": n}) for n in range(20)]
    assert None not in ids
    assert client.stats()["queued"] == 20
    keyed.may_answer.set()
    events = sealed_events(keyed, client)
    assert [event["event_id"] for event in events] == ids
    assert [event["metadata"]["n"] for event in events] == list(range(20))
    assert all(is_sealed(card(event)) for event in events)
    [kept] = {key_id(card(event)) for event in events}
    assert len(keyed.data_keys) == 1
    opened = decrypt(events[0], DataKeys(client.registry.api, LocalKey(KEK)))
    assert card(opened.event) == SECRET
    assert kept == keyed.data_keys[0]["kid"]


def test_what_is_changed_after_emit_changes_nothing(keyed, emitting):
    client = emitting(encryption_key=KEK)
    metadata = {"card": SECRET}
    client.emit("order.paid", metadata)
    metadata["card"] = "gone"
    [event] = sealed_events(keyed, client)
    assert card(decrypt(event, DataKeys(client.registry.api, LocalKey(KEK))).event) == SECRET


def test_while_the_registry_is_away_nothing_in_clear_is_on_disk_and_what_waits_at_the_end_is_counted(
    keyed, server, emitting, tmp_path
):
    server.stop()
    client = emitting(encryption_key=KEK, spool_dir=str(tmp_path), timeout=0.5)
    assert client.emit("order.paid", {"card": SECRET}) is not None
    assert not client.flush(timeout=0.5)
    assert not client.close(timeout=0.5)
    assert client.stats()["dropped_unencrypted"] == 1
    kept = [file for file in Path(tmp_path).rglob("*") if file.is_file()]
    assert not any(SECRET.encode() in file.read_bytes() for file in kept)


def test_what_was_known_goes_on_while_the_registry_is_away(keyed, server, emitting, tmp_path):
    client = emitting(encryption_key=KEK, spool_dir=str(tmp_path), timeout=0.5, schema_ttl=0.0)
    assert client.prepare("order.paid")
    server.stop()
    assert client.emit("order.paid", {"card": SECRET}) is not None
    assert client.stats()["queued"] == 1
    assert client.close(timeout=1)
    kept = b"".join(file.read_bytes() for file in Path(tmp_path).rglob("*") if file.is_file())
    assert b"order.paid" in kept
    assert SECRET.encode() not in kept


# --- the stage, with a clock in hand ------------------------------------------------------------


@pytest.fixture
def stage(client, clock):
    def make(**options):
        read = Options.read({"url": "http://x", "token": "t", "service": "s", **options}, {})
        keys = DataKeys(client.api, LocalKey(KEK), ttl=60, clock=clock)
        return Encrypting(Encryptor(client, keys, clock=clock), read, Stats(), clock=clock)

    return make


def event(n=0, **members):
    return {"event_id": f"e-{n}", "event_type": "order.paid", "metadata": {"card": SECRET}, **members}


def forwarded(stage, *, room=True):
    found = []

    def forward(one):
        found.append(stage.resume(one))
        return True

    stage.keep_up(forward, lambda: room)
    return found


def test_a_revoked_key_encrypts_nothing_any_more_once_the_registry_has_answered(keyed, stage, clock):
    one = stage()
    assert one.encrypt(event()) is HELD
    [sent] = forwarded(one)
    first = keyed.data_keys[0]
    assert key_id(card(sent)) == first["kid"]
    first["state"] = "revoked"
    clock.now += 61
    # Not asked yet: the last known key goes on.
    assert key_id(card(one.encrypt(event()))) == first["kid"]
    assert forwarded(one) == []
    again = one.encrypt(event())
    assert key_id(card(again)) == keyed.data_keys[1]["kid"] != first["kid"]


def test_a_registry_that_does_not_answer_is_left_alone_for_a_moment(keyed, stage, clock, canned):
    one = stage()
    assert one.encrypt(event()) is HELD
    keyed.next_answers = [canned(503), canned(503), canned(503), canned(503)]
    assert forwarded(one) == []
    asked = len(keyed.asked)
    assert forwarded(one) == []
    assert len(keyed.asked) == asked
    keyed.next_answers = []
    clock.now += 6
    [sent] = forwarded(one)
    assert is_sealed(card(sent))


def test_events_of_a_type_stay_in_their_order(keyed, stage):
    one = stage()
    assert [one.encrypt(event(n)) for n in range(3)] == [HELD] * 3
    assert one.prepare("order.paid")
    # Others wait before it, so it waits, too.
    assert one.encrypt(event(3)) is HELD
    assert [sent["event_id"] for sent in forwarded(one)] == ["e-0", "e-1", "e-2", "e-3"]
    assert isinstance(one.encrypt(event(4)), dict)


def test_a_type_that_is_known_does_not_wait_for_another(keyed, stage):
    one = stage()
    assert one.prepare("order.paid")
    assert one.encrypt(event(event_type="unheard.of")) is HELD
    assert isinstance(one.encrypt(event()), dict)


def test_without_room_in_the_queue_it_goes_on_waiting(keyed, stage):
    one = stage()
    one.encrypt(event())
    assert forwarded(one, room=False) == []
    assert one.count == 1
    assert len(forwarded(one)) == 1
    assert (one.count, one.size) == (0, 0)


@pytest.mark.parametrize(
    ("overflow", "kept"), [("drop_oldest", ["e-2", "e-3"]), ("drop_new", ["e-0", "e-1"])]
)
def test_no_more_waits_than_the_queue_may_hold(keyed, stage, overflow, kept):
    one = stage(queue_events=2, overflow=overflow)
    for n in range(4):
        one.encrypt(event(n))
    assert one._stats.as_dict() == {"dropped_unencrypted": 2}
    assert [sent["event_id"] for sent in forwarded(one)] == kept


def test_nor_more_bytes(keyed, stage):
    size = len(json.dumps(event(), separators=(",", ":")))
    one = stage(queue_bytes=2 * size, overflow="drop_new")
    assert [one.encrypt(event(n)) for n in range(3)] == [HELD, HELD, None]


def test_what_the_registry_refuses_to_tell_is_dropped_until_it_is_asked_again(stage, registry, clock):
    registry.publish("order.paid", CARD)
    one = stage()
    assert one.encrypt(event()) is HELD
    assert forwarded(one) == [None]
    assert one.encrypt(event()) is None
    assert one._stats.as_dict() == {"dropped_unencrypted": 2}
    registry.data_keys = []
    clock.now += 61
    assert one.encrypt(event()) is None
    forwarded(one)
    assert isinstance(one.encrypt(event()), dict)
