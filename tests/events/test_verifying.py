"""Stored events that somebody changed behind the registry's back are found: by the command, on the page and over the API."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from access.actor import SYSTEM
from access.signing_keys import revoke_signing_key
from events.models import Event
from tests.events.conftest import ORDER, event
from tests.events.signatures import producer, signed


@pytest.fixture
def three(publish, send):
    """Two signed events and one that is not, of a subject that warns."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS events_signing_key_changed IMMEDIATE")
    publish("order.placed", ORDER, "1.0.0", signatures="warn")
    signer = producer()
    for one in (event(), event()):
        send(raw=signed(signer, one))
    send(event())
    return list(Event.objects.order_by("position")), signer


def verified(**options):
    out = io.StringIO()
    try:
        call_command("verify_events", stdout=out, **options)
    except CommandError as failed:
        return f"{out.getvalue()}{failed}"
    return out.getvalue()


def change(position, assignment, *values):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE events_event SET {assignment} WHERE position = %s", [*values, position])


def test_what_nobody_changed_is_as_it_came(three):
    assert verified() == "3 events looked at, 2 of them signed, 2 verified. All are as they came.\n"
    assert (
        verified(type="other") == "0 events looked at, 0 of them signed, 0 verified. All are as they came.\n"
    )
    assert verified(since="2999-01-01").startswith("0 events")


def test_one_changed_byte_of_a_signed_event_is_found_wherever_it_is(three):
    """Also where the digest that was remembered is changed with it."""
    (first, _, _), _ = three
    raw = bytes(first.raw)
    for at in range(0, len(raw), 7):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        change(first.position, "raw = %s", changed)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE events_eventkey SET digest = sha256(%s)", [changed])
        assert f"{first.position} {first.event_id} (order.placed): " in verified(), changed


def test_a_signature_that_was_taken_away_is_found(three):
    (first, _, _), _ = three
    raw = bytes(first.raw)
    change(first.position, "raw = %s", raw[: raw.index(b',"signature"')] + b"}")
    assert "was verified when it came, and is not any more. It is not signed." in verified()


def test_a_changed_event_that_is_not_signed_is_found_by_its_digest(three):
    (_, _, third), _ = three
    change(third.position, "raw = %s", bytes(third.raw).replace(b'"amount": 3', b'"amount": 4'))
    assert "Its bytes are not those that were acknowledged." in verified()


def test_columns_that_say_something_else_than_the_bytes_are_found(three):
    (_, second, third), _ = three
    change(second.position, "document = jsonb_set(document, '{metadata,amount}', '9')")
    change(third.position, "event_type = %s", "order.cancelled")
    told = verified()
    assert f"{second.position} {second.event_id} (order.placed): It is searched by other values" in told
    assert "(order.cancelled): It is found under another event type than its bytes say." in told
    assert told.endswith("2 are not what they were.")


def test_a_key_that_ended_since_changes_nothing(three):
    _, signer = three
    revoke_signing_key(actor=SYSTEM, kid=signer.kid)
    assert verified().endswith("All are as they came.\n")


def test_an_event_that_came_altered_is_no_news(publish, send, three):
    _, signer = three
    send(raw=signed(signer, event()).replace(b'"amount":3', b'"amount":4'))
    assert verified() == "4 events looked at, 3 of them signed, 2 verified. All are as they came.\n"


def test_a_day_that_is_none_is_told():
    with pytest.raises(CommandError, match="'yesterday' is no day"):
        call_command("verify_events", since="yesterday")


def test_the_page_and_the_api_say_what_holds_now(three, owner):
    (first, _, third), signer = three
    page = owner.browser.get(f"/events/id/{first.event_id}").content.decode()
    assert "The same when it came." in page
    assert signer.kid in page
    change(first.position, "raw = %s", bytes(first.raw).replace(b'"amount":3', b'"amount":4'))
    page = owner.browser.get(f"/events/id/{first.event_id}").content.decode()
    assert "Its bytes are not those that were signed." in page
    assert "Somebody changed it since." in page
    answer = owner.api.get(f"/api/v1/events/{first.event_id}")
    assert answer["X-Onex-Signature"] == "signature_altered"
    assert answer["X-Onex-Signature-Received"] == "verified"
    assert answer["X-Onex-Signature-Key"] == signer.kid
    answer = owner.api.get(f"/api/v1/events/{third.event_id}")
    assert answer["X-Onex-Signature"] == "unsigned"


def test_events_are_found_by_what_was_found_about_their_signature(three, owner):
    found = owner.api.get("/api/v1/events?signature=verified").json()["items"]
    assert [one["signature_verdict"] for one in found] == ["verified", "verified"]
    (one,) = owner.api.get("/api/v1/events?signature=unsigned").json()["items"]
    assert json.dumps(one["event"])
    assert owner.api.get("/api/v1/events?signature=nonsense").status_code == 422
