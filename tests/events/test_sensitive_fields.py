"""Sensitive fields at ingest: encrypted ones are taken, and what becomes of those in the clear is the subject's to say."""

import json
from typing import Any

import pytest
from joserfc.jwk import OctKey

from access.actor import SYSTEM
from events.models import Event, QuarantinedEvent
from onex_sdk._encryption import sealed
from onex_sdk._keys import DataKey
from registry.errors import Incompatible
from registry.publish import publish_version
from tests.events.conftest import event

KEY = DataKey("key-0001", OctKey.generate_key(256))
CARD: dict[str, Any] = {
    "type": "object",
    "required": ["card"],
    "properties": {
        "card": {"type": "string", "pattern": "^[0-9]{16}$", "x-sensitive": True},
        "n": {"type": "integer"},
    },
}
SECRET = "4111111111111111"


@pytest.fixture
def cards(publish):
    return lambda policy="", schema=CARD, **more: publish(
        "order.placed", schema, "1.0.0", sensitive_in_clear=policy, **more
    )


def paid(card, **metadata):
    return event(metadata={"card": card, **metadata})


def told(result):
    (outcome,) = result.results
    return outcome.status, [problem["code"] for problem in outcome.errors], outcome.lints


@pytest.mark.parametrize("policy", ["", "warn", "reject"])
def test_an_encrypted_value_is_valid_and_never_in_the_clear(cards, send, policy):
    cards(policy)
    assert told(send(paid(sealed(SECRET, KEY)))) == ("stored", [], ())
    stored = Event.objects.get()
    assert SECRET not in bytes(stored.raw).decode() + json.dumps(stored.document)


def test_a_value_in_the_clear_is_judged_by_the_schema(cards, send):
    cards()
    assert told(send(paid(SECRET))) == ("stored", [], ())
    assert told(send(paid("no card")))[:2] == ("stored_with_violations", ["violates_schema"])
    assert told(send(paid(sealed(SECRET, KEY) + "?")))[0] == "stored_with_violations"


def test_warn_tells_of_what_is_in_the_clear(cards, send):
    cards("warn", strict=True)
    assert told(send(paid(SECRET))) == ("stored", [], ("sensitive_in_clear",))
    # What the schema refuses, it refuses besides.
    assert told(send(paid("no card")))[1:] == (["violates_schema"], ("sensitive_in_clear",))


def test_reject_keeps_nothing_of_what_is_in_the_clear(cards, send):
    cards("reject")
    result = send(paid(SECRET))
    assert told(result)[:2] == ("rejected", ["sensitive_in_clear"])
    (problem,) = result.results[0].errors
    assert (problem["pointer"], problem["keyword"]) == ("/metadata/card", "x-sensitive")
    assert SECRET not in json.dumps(problem)
    assert not Event.objects.exists()
    assert not QuarantinedEvent.objects.exists()


def test_it_is_rejected_however_much_else_is_wrong(cards, send):
    many = {f"p{n}": {"type": "integer"} for n in range(100)}
    cards("reject", {**CARD, "properties": {**CARD["properties"], **many}}, strict=True)
    assert told(send(paid(SECRET, **dict.fromkeys(many, "x"))))[:2] == ("rejected", ["sensitive_in_clear"])


def test_it_is_found_in_the_branches_of_a_choice(cards, send):
    cards("reject", {"anyOf": [{"required": ["n"]}, CARD]})
    assert told(send(paid(SECRET)))[0] == "rejected"


def test_versions_are_compared_by_the_schemas_as_they_were_written(cards):
    """An integer where text was is incompatible, although both take the encrypted value."""
    cards()
    changed = {**CARD, "properties": {**CARD["properties"], "card": {"type": "integer", "x-sensitive": True}}}
    with pytest.raises(Incompatible):
        publish_version(actor=SYSTEM, subject="order.placed", schema=json.dumps(changed))


def test_an_upload_is_held_against_encrypted_events_as_they_are_judged(cards, send, settings):
    cards()
    send(paid(sealed(SECRET, KEY)))
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    wider = {**CARD, "properties": {**CARD["properties"], "o": {"type": "string"}}}
    published = publish_version(actor=SYSTEM, subject="order.placed", schema=json.dumps(wider))
    (finding,) = (one for one in published.version.verdict["findings"] if "refused" in one.get("facts", {}))
    assert (finding["facts"]["seen"], finding["facts"]["refused"]) == (1, 0)
