"""What producers really send: each oddity is stored and told, or refused with its place."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from events.errors import UnreadableBody
from events.models import Event
from tests.events.conftest import Send, event

NDJSON = "application/x-ndjson"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("orders")]


def stored(send: Send, raw: bytes) -> Event:
    """The event as stored; it has to be."""
    (outcome,) = send(raw=raw).results
    assert outcome.status.startswith("stored"), outcome
    found = Event.objects.get(event_id=outcome.event_id)
    assert bytes(found.raw) == raw
    return found


@pytest.mark.parametrize(
    ("members", "lint"),
    [
        ({"timestamp": "2025-05-25T14:30:00.125000"}, "naive_timestamp"),
        ({"timestamp": 1748183400}, "epoch_timestamp"),
        ({"timestamp": 1748183400123}, "epoch_timestamp"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "clock_out_of_range"),
        ({"timestamp": "2262-04-12T00:00:00Z"}, "clock_out_of_range"),
        ({"timestamp": 1e300}, "clock_out_of_range"),
        ({"timestamp": "2016-12-31T23:59:60Z"}, "leap_second"),
        ({"event_id": ...}, "event_id_assigned"),
        ({"event_id": None}, "event_id_assigned"),
        ({"metadata": {"amount": 9007199254740993}}, "integer_beyond_2_53"),
        ({"metadata": {"amount": 2**70}}, "integer_beyond_2_53"),
        ({"metadata": {"amount": 1, "note": "a\0b"}}, "nul_character"),
        ({"node_id": "n" * 300}, "cut_to_column"),
        ({"metadata": {"amount": 1, "note": "x" * 110_000}}, "large_event"),
        ({"metadata": {"amount": 1, "deep": json.loads("[" * 15 + "]" * 15)}}, "deep_event"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_is_stored_valid_with_a_lint(send: Send, members: dict[str, Any], lint: str) -> None:
    found = stored(send, json.dumps(event(**members)).encode())
    assert found.violations is None
    assert lint in found.lints


@pytest.mark.parametrize(
    ("members", "pointer"),
    [({"timestamp": ...}, "timestamp"), ({"node_id": ...}, "node_id"), ({"node_id": ""}, "node_id")],
)
def test_is_stored_with_the_violation(send: Send, members: dict[str, Any], pointer: str) -> None:
    found = stored(send, json.dumps(event(**members)).encode())
    assert any(pointer in problem["message"] for problem in found.violations)


def test_an_unreadable_clock_gives_way_to_the_time_of_arrival(send: Send) -> None:
    for value in ("yesterday", "2025-13-01T00:00:00Z", {"at": 1}, True):
        found = stored(send, json.dumps(event(timestamp=value)).encode())
        assert found.occurred_at == found.received_at
        assert "unreadable_timestamp" in found.lints


def test_clocks_beyond_every_calendar_are_clamped_into_a_timestamp(send: Send) -> None:
    late = stored(send, json.dumps(event(timestamp="9999-12-31T23:59:59-12:00")).encode())
    early = stored(send, json.dumps(event(timestamp="0001-01-01T00:00:00+12:00")).encode())
    assert (late.occurred_at.year, early.occurred_at.year) == (9999, 1)


def test_epoch_numbers_are_read_in_their_unit(send: Send) -> None:
    for value in (1748183400, 1748183400_000, 1748183400_000_000, 1748183400_000_000_000):
        found = stored(send, json.dumps(event(timestamp=value)).encode())
        assert found.occurred_at == datetime(2025, 5, 25, 14, 30, tzinfo=UTC)


def test_the_near_future_is_plausible(send: Send) -> None:
    soon = timezone.now() + timedelta(hours=2)
    assert stored(send, json.dumps(event(timestamp=soon.isoformat())).encode()).lints is None


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"event_type": "order.placed", "a": NaN}', "column 37"),
        (b'{"a": Infinity}', "column 7"),
        (b'{"a": 1, "a": 2}', 'duplicate key "a"'),
        (b'{"a": {"b": 1, "\\u0062": 2}}', 'duplicate key "b"'),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b"7", "an event is a json object, not a number"),
        (b"null", "not null"),
        (b'"text"', "not a string"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "out of range"),
    ],
)
def test_is_rejected_with_the_place(send: Send, raw: bytes, words: str) -> None:
    (outcome,) = send(raw=raw).results
    assert outcome.status == "rejected"
    assert words in outcome.errors[0]["message"].lower()
    assert not Event.objects.exists()


NO_JSON = [b"event", b'{"a": 01}', b'{"a": "\x01"}', b'{"a": "\xff"}', b'{"a": 1', b"'a'", b"{} {}"]


@pytest.mark.parametrize("raw", NO_JSON)
def test_no_json_is_an_unreadable_body(send: Send, raw: bytes) -> None:
    with pytest.raises(UnreadableBody):
        send(raw=raw)
    assert not Event.objects.exists()


def test_an_array_of_which_nothing_is_json_is_an_unreadable_body(send: Send) -> None:
    with pytest.raises(UnreadableBody) as refused:
        send(raw='[ {"ü": 1 2}, nor is this]'.encode())
    assert refused.value.facts["offset"] == 11


def test_one_readable_element_makes_the_body_readable(send: Send) -> None:
    good = json.dumps(event()).encode()
    for raw in (
        b"[nonsense, " + good + b"]",
        b"[NaN, nonsense]",
        b"[" + b"[" * 10_000 + b"]" * 10_000 + b"]",
    ):
        assert "rejected" in send(raw=raw).counts


@pytest.mark.parametrize("raw", NO_JSON[:4])
def test_no_json_on_a_line_of_its_own_is_rejected_alone(send: Send, raw: bytes) -> None:
    body = raw + b"\n" + json.dumps(event()).encode()
    assert [o.status for o in send(raw=body, content_type=NDJSON).results] == ["rejected", "stored"]
    (outcome,) = send(raw=raw, content_type=NDJSON).results
    assert "line 1 of the body" in outcome.errors[0]["message"]


def test_hard_limits_reject_only_what_is_over_them(send: Send, settings: Any) -> None:
    deep = event(metadata={"amount": 1, "deep": json.loads("[" * 70 + "]" * 70)})
    large = event(metadata={"amount": 1, "note": "x" * settings.EVENT_MAX_BYTES})
    result = send(deep, event(), large)
    assert [o.status for o in result.results] == ["rejected", "stored", "rejected"]
    assert [o.errors[0]["code"] for o in result.results if o.errors] == ["event_too_deep", "event_too_large"]


def test_ten_thousand_levels_reject_themselves_only(send: Send) -> None:
    raw = b'[{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}, " + json.dumps(event()).encode() + b"]"
    assert [o.status for o in send(raw=raw).results] == ["rejected", "stored"]


def test_numbers_that_no_double_holds_are_judged_exactly(send: Send) -> None:
    found = stored(send, json.dumps(event()).encode().replace(b'"amount": 3', b'"amount": 1e400'))
    assert found.violations is None
    assert "number_beyond_double" in found.lints
    assert found.document["metadata"]["amount"] > 10**300


@pytest.mark.parametrize("number", [b"1e200000", b"1e-20000", b"0." + b"1" * 20_000])
def test_numbers_that_jsonb_cannot_hold_leave_the_document_empty(send: Send, number: bytes) -> None:
    raw = json.dumps(event(extra="N")).encode().replace(b'"N"', number)
    assert stored(send, raw).document is None


def test_text_that_looks_like_such_a_number_is_no_number(send: Send) -> None:
    found = stored(send, json.dumps(event(correlation_id="12e345-9999999999999999999")).encode())
    assert found.lints is None
    assert found.document is not None


def test_a_nul_in_an_id_is_no_id(send: Send) -> None:
    found = stored(send, json.dumps(event(event_id="a\0b", node_id="n\0")).encode())
    assert "event_id_assigned" in found.lints
    assert (found.node_id, found.document) == ("n\ufffd", None)


def test_texts_of_another_type_become_the_text_they_print_as(send: Send) -> None:
    found = stored(
        send, json.dumps(event(node_id=7, correlation_id=1.5, trace_id=["x"], span_id=True)).encode()
    )
    assert (found.node_id, found.correlation_id, found.trace_id, found.span_id) == ("7", "1.5", None, "true")
