"""Signatures of events: verified when they come in, as the subject asks; the verdict stays with the event."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from access.actor import SYSTEM
from access.models import SigningKey
from access.signing_keys import register_signing_key, revoke_signing_key, rotate_signing_key
from events.models import Event, QuarantinedEvent
from events.release import release_event
from onex_sdk.crypto import Signer, new_signing_key
from tests.events.conftest import ORDER, event
from tests.events.signatures import producer, signed


@pytest.fixture
def asks(publish):
    """`asks("require")`: the subject order.placed, with this policy."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS events_signing_key_changed IMMEDIATE")
    return lambda policy, **more: publish("order.placed", ORDER, "1.0.0", signatures=policy, **more)


def told(result):
    (outcome,) = result.results
    return outcome.status, [problem["code"] for problem in outcome.errors], outcome.lints


def verdict():
    return Event.objects.order_by("-position").values_list("signature_verdict", flat=True).first()


def test_a_signed_event_is_verified_and_stays_byte_for_byte(asks, send):
    asks("require")
    raw = signed(producer(), event())
    assert told(send(raw=raw)) == ("stored", [], ())
    assert verdict() == "verified"
    assert bytes(Event.objects.get().raw) == raw


def test_a_subject_that_asks_nothing_takes_everything_and_looks_at_nothing(asks, send):
    asks("")
    unsigned, alien = event(), signed(Signer(new_signing_key()), event())
    assert told(send(unsigned)) == ("stored", [], ())
    assert told(send(raw=alien)) == ("stored", [], ())
    assert verdict() is None


def test_warn_stores_and_tells(asks, send):
    asks("warn")
    assert told(send(event())) == ("stored", [], ("unsigned",))
    assert verdict() == "unsigned"


def test_require_quarantines_and_says_why(asks, send):
    asks("require")
    assert told(send(event())) == ("quarantined", ["unsigned"], ("unsigned",))
    assert QuarantinedEvent.objects.get().reason == "unsigned"
    assert not Event.objects.exists()


@pytest.mark.parametrize("policy", ["warn", "require"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda raw: raw.replace(b'"amount":3', b'"amount":4'), "signature_altered"),
        (lambda raw: raw.replace(b'"signature":"', b'"signature": "'), "signature_malformed"),
        (lambda raw: raw[:-30] + b'"}', "signature_malformed"),
        (lambda raw: json.dumps(json.loads(raw)).encode(), "signature_malformed"),
        (lambda raw: b'{"signature":1,' + raw[1 : raw.index(b',"signature"')] + b"}", "signature_malformed"),
    ],
    ids=["a changed amount", "a blank more", "cut off", "written anew", "a number"],
)
def test_what_was_changed_is_told(asks, send, policy, change, code):
    asks(policy)
    changed = change(signed(producer(), event()))
    status = "stored" if policy == "warn" else "quarantined"
    assert told(send(raw=changed)) == (status, [code] if policy == "require" else [], (code,))


def test_a_key_that_nobody_registered_does_not_count(asks, send):
    asks("require")
    assert told(send(raw=signed(Signer(new_signing_key()), event())))[1] == ["unknown_key"]


def test_a_key_of_other_types_does_not_count(asks, send):
    asks("require")
    assert told(send(raw=signed(producer(prefix="billing."), event())))[1] == ["foreign_key"]
    assert told(send(raw=signed(producer(prefix="order."), event())))[0] == "stored"


def test_a_revoked_key_counts_no_more(asks, send):
    asks("require")
    signer = producer()
    assert told(send(raw=signed(signer, event())))[0] == "stored"
    revoke_signing_key(actor=SYSTEM, kid=signer.kid, reason="laptop stolen")
    assert told(send(raw=signed(signer, event())))[1] == ["revoked_key"]


def test_while_a_key_is_rotated_both_count(asks, send):
    asks("require")
    old, new = producer(), Signer(new_signing_key())
    rotate_signing_key(actor=SYSTEM, kid=old.kid, public_key=new.public_key)
    for signer in (old, new):
        assert told(send(raw=signed(signer, event())))[0] == "stored"
    SigningKey.objects.filter(kid=old.kid).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert told(send(raw=signed(old, event())))[1] == ["expired_key"]
    assert told(send(raw=signed(new, event())))[0] == "stored"


def test_violations_are_told_beside_the_signature(asks, send):
    asks("require")
    status, codes, _ = told(send(event(metadata={})))
    assert (status, codes) == ("quarantined", ["unsigned", "violates_schema"])


def test_an_event_of_an_unknown_version_is_not_let_in_unsigned(asks, send):
    asks("require", unknown_schema_version="accept")
    assert told(send(event(schema_version="7.0.0")))[:2] == (
        "quarantined",
        ["unsigned", "unknown_schema_version"],
    )
    raw = signed(producer(), event(schema_version="7.0.0"))
    assert told(send(raw=raw))[0] == "stored"
    assert verdict() == "verified"


def test_when_the_key_is_registered_the_event_is_let_in(asks, send):
    asks("require")
    signer = Signer(new_signing_key())
    send(raw=signed(signer, event()))
    register_signing_key(actor=SYSTEM, name="late", public_key=signer.public_key)
    # It counts from its registration on; that was after the event came.
    held = QuarantinedEvent.objects.get()
    assert release_event(actor=SYSTEM, quarantined_id=held.pk).status == "stored"
    assert verdict() == "verified"


def test_a_held_event_is_judged_by_the_keys_of_when_it_came(asks, send):
    asks("require", strict=True)
    signer = producer()
    send(raw=signed(signer, event(metadata={"amount": 1, "note": 1})))
    revoke_signing_key(actor=SYSTEM, kid=signer.kid)
    held = QuarantinedEvent.objects.get()
    held_type = held.event_type
    with connection.cursor() as cursor:
        cursor.execute("UPDATE registry_subject SET strict = false WHERE name = %s", [held_type])
    assert release_event(actor=SYSTEM, quarantined_id=held.pk).status == "stored_with_violations"
    assert verdict() == "verified"
