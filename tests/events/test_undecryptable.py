"""What was encrypted with a key that is destroyed or revoked: told by the event's page and by replays, which carry on."""

import json

import pytest
from joserfc.jwk import OctKey

from access.actor import SYSTEM
from access.data_keys import destroy_data_key, register_data_key, restore_data_key, revoke_data_key
from events.models import Event
from onex_sdk._encryption import sealed
from onex_sdk._keys import DataKey
from tests.events.replays import begin, play, store
from tests.receiver import Receiver

TYPE = "team.order"
KEYS = {kid: DataKey(kid, OctKey.generate_key(256)) for kid in ("key-gone", "key-kept")}


@pytest.fixture
def two(db):
    """An event for each key, and one in the clear."""
    replaces = ""
    for kid in KEYS:
        register_data_key(
            actor=SYSTEM,
            subject=TYPE,
            kid=kid,
            wrapped="eyJ9.a.b.c.d",
            wrapped_by="local:1",
            replaces=replaces,
        )
        replaces = kid
    made = [
        json.dumps({"event_id": f"e{n}", "event_type": TYPE, "metadata": {"card": card}}).encode()
        for n, card in enumerate([sealed("x", KEYS["key-gone"]), sealed("x", KEYS["key-kept"]), "open"], 1)
    ]
    return [store(float(n), raw=raw)[0] for n, raw in enumerate(made)]


@pytest.fixture
def receiver(settings):
    """A loopback receiver that the server may reach."""
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        yield running


def details(replay):
    return [
        (item.outcome, (item.details or {}).get("undecryptable")) for item in replay.items.order_by("index")
    ]


GONE = [{"kid": "key-gone", "state": "destroyed", "fields": 1}]


@pytest.mark.parametrize(("kind", "outcome"), [("browser", "shown"), ("file", "written")])
def test_a_replay_says_what_is_undecryptable_and_carries_on(owner, two, kind, outcome):
    destroy_data_key(actor=SYSTEM, kid="key-gone", reason="asked to")
    replay = begin(owner.actor, kind=kind, speed=0)
    play(replay)
    assert details(replay) == [(outcome, GONE), (outcome, None), (outcome, None)]
    assert replay.state == "completed"
    page = owner.browser.get(f"/replays/{replay.pk}").content.decode()
    assert "1 event has fields that nobody can decrypt" in page
    assert owner.api.get(f"/api/v1/replays/{replay.pk}/outcomes").json()["undecryptable"] == 1


def test_who_watches_is_told_with_the_event(owner, two):
    destroy_data_key(actor=SYSTEM, kid="key-gone", reason="asked to")
    replay = begin(owner.actor, kind="browser", speed=0)
    play(replay)
    stream = b"".join(owner.api.get(f"/api/v1/replays/{replay.pk}/stream").streaming_content).decode()
    first, second, _ = [
        json.loads(line[6:]) for line in stream.splitlines() if line.startswith('data: {"index"')
    ]
    assert first["undecryptable"] == GONE
    assert first["event"]["metadata"]["card"].startswith("eyJ")
    assert "undecryptable" not in second


def test_a_webhook_is_told_in_a_header(owner, two, receiver):
    destroy_data_key(actor=SYSTEM, kid="key-gone", reason="asked to")
    replay = begin(owner.actor, target=receiver.url, speed=0)
    play(replay)
    told = [got.headers.get("onex-replay-undecryptable") for got in receiver.received]
    assert told == ["key-gone", None, None]


def test_a_revoked_key_is_told_until_it_is_restored(owner, two):
    revoke_data_key(actor=SYSTEM, kid="key-gone")
    before = begin(owner.actor, kind="browser", speed=0)
    play(before)
    assert details(before)[0][1][0]["state"] == "revoked"
    restore_data_key(actor=SYSTEM, kid="key-gone")
    after = begin(owner.actor, kind="browser", speed=0)
    play(after)
    assert details(after)[0][1] is None


def test_the_page_of_an_event_says_which_key_it_needs(owner, two):
    first, second, third = two
    address = f"/events/id/{first.event_id}"
    assert "1 field" in owner.browser.get(address).content.decode()
    destroy_data_key(actor=SYSTEM, kid="key-gone", reason="asked to")
    assert "the key was destroyed" in owner.browser.get(address).content.decode()
    assert "the key was destroyed" not in owner.browser.get(f"/events/id/{second.event_id}").content.decode()
    assert "Encrypted" not in owner.browser.get(f"/events/id/{third.event_id}").content.decode()
    assert Event.objects.count() == 3
