"""Sending events: what is answered, what is stored, who is told."""

import json
from typing import Any

import pytest

from events.models import Event, EventKey, LogHead, QuarantinedEvent
from events.signals import events_stored
from tests.conftest import Person
from tests.events.conftest import Publish, Send, event
from tests.kill import killed_when_it_writes

pytestmark = pytest.mark.django_db


def test_a_valid_event_is_stored_with_its_typed_columns(orders: Any, send: Send) -> None:
    sent = event(
        correlation_id="c-1",
        parent_correlation_id="c-0",
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        span_id="00f067aa0ba902b7",
        sample_rate=0.25,
        metadata={"amount": 3, "error_code": "ONEX_STAMP_001"},
    )
    result = send(sent)
    assert [(o.status, o.event_id, o.schema_version, o.errors) for o in result.results] == [
        ("stored", sent["event_id"], "1.0.0", [])
    ]
    stored = Event.objects.get()
    assert stored.position == LogHead.objects.get().position
    assert (stored.correlation_id, stored.parent_correlation_id) == ("c-1", "c-0")
    assert (stored.trace_id, stored.span_id) == (sent["trace_id"], sent["span_id"])
    assert (stored.error_code, stored.sample_rate, stored.node_id) == ("ONEX_STAMP_001", 0.25, "shop-1")
    assert stored.occurred_at.isoformat() == "2026-11-01T12:00:00+00:00"
    assert stored.document == sent
    assert stored.violations is None
    assert stored.lints is None
    assert stored.producer == "system"
    assert stored.content_id == orders.versions.get().content_id


def test_an_event_that_violates_its_schema_is_stored_and_marked(orders: Any, send: Send) -> None:
    result = send(event(metadata={"amount": "three"}))
    assert result.counts == {"stored_with_violations": 1}
    (problem,) = result.results[0].errors
    assert (problem["code"], problem["pointer"], problem["keyword"]) == (
        "violates_schema",
        "/metadata/amount",
        "type",
    )
    assert Event.objects.get().violations == [problem]


def test_absent_metadata_is_judged_as_an_empty_object(orders: Any, send: Send) -> None:
    result = send(event(metadata=...), event(metadata=None))
    assert [o.errors[0]["keyword"] for o in result.results] == ["required", "required"]


def test_one_bad_event_never_fails_its_batch(orders: Any, send: Send) -> None:
    good = json.dumps(event()).encode()
    result = send(raw=b"[" + good + b', NaN, {"a": 1, "a": 2}, 7, ' + json.dumps(event()).encode() + b"]")
    assert [o.status for o in result.results] == ["stored", "rejected", "rejected", "rejected", "stored"]
    assert [o.index for o in result.results] == [0, 1, 2, 3, 4]
    assert Event.objects.count() == 2


def test_a_bad_line_of_ndjson_is_told_by_its_number(orders: Any, send: Send) -> None:
    lines = [json.dumps(event()), "", '{"cut', json.dumps(event())]
    result = send(raw="\n".join(lines).encode(), content_type="application/x-ndjson")
    assert [o.status for o in result.results] == ["stored", "rejected", "stored"]
    assert "of line 3 of the body" in result.results[1].errors[0]["message"]


def test_the_batch_is_announced_once_after_commit(
    orders: Any, send: Send, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[int] = []

    def listen(position: int, **_: object) -> None:
        heard.append(position)

    events_stored.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            send(event(), event())
    finally:
        events_stored.disconnect(listen)
    assert heard == [LogHead.objects.get().position]


def test_positions_follow_each_other_without_gaps(orders: Any, send: Send) -> None:
    send(event(), event())
    duplicate = event()
    send(duplicate, event(), duplicate, event(metadata={}))
    positions = list(Event.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(positions[0], positions[0] + 5))


def test_over_rest_one_event_an_array_and_lines_are_taken(orders: Any, owner: Person) -> None:
    for body, content_type in (
        (json.dumps(event()), "application/json"),
        (json.dumps([event(), event()]), "application/json; charset=utf-8"),
        ("\n".join(json.dumps(event()) for _ in range(3)), "application/x-ndjson"),
    ):
        answer = owner.api.generic("POST", "/api/v1/events", body, content_type=content_type)
        assert answer.status_code == 200
        assert set(answer.json()["counts"]) == {"stored"}
    assert Event.objects.count() == 6
    assert Event.objects.filter(producer="owner/owner's token").count() == 6


def test_the_answer_has_one_result_per_event(orders: Any, owner: Person) -> None:
    sent = event(metadata={})
    answer = owner.api.post("/api/v1/events", sent).json()
    assert answer == {
        "results": [
            {
                "index": 0,
                "event_id": sent["event_id"],
                "status": "stored_with_violations",
                "schema_version": "1.0.0",
                "errors": [
                    {
                        "code": "violates_schema",
                        "pointer": "/metadata",
                        "keyword": "required",
                        "message": '"amount" is a required property',
                    }
                ],
                "lints": [],
            }
        ],
        "counts": {"stored_with_violations": 1},
        "lint_counts": {},
    }


@pytest.mark.parametrize(
    ("body", "content_type", "status", "words"),
    [
        (b"", "application/json", 400, "empty"),
        (b"[{", "application/json", 400, "byte 2"),
        (b"[] trailing", "application/json", 400, "byte 3"),
        (b'{"event_type": order}', "application/json", 400, "byte 15"),
        (b"{}\n{}", "application/json", 400, "application/x-ndjson"),
        (b"{}", "application/xml", 415, "application/x-ndjson"),
        (b"[" + b"{}," * 5_000 + b"{}]", "application/json", 413, "5000 events"),
    ],
)
def test_a_body_that_cannot_be_read_stores_nothing(
    owner: Person, body: bytes, content_type: str, status: int, words: str
) -> None:
    answer = owner.api.generic("POST", "/api/v1/events", body, content_type=content_type)
    assert answer.status_code == status
    assert words in answer.json()["message"]
    assert not Event.objects.exists()
    assert not QuarantinedEvent.objects.exists()


def test_a_body_over_the_limit_is_refused(owner: Person, settings: Any) -> None:
    settings.INGEST_MAX_BYTES = 100
    answer = owner.api.generic("POST", "/api/v1/events", b" " * 101, content_type="application/json")
    assert answer.status_code == 413


def test_a_token_ingests_only_types_under_its_prefixes(
    orders: Any, publish: Publish, teammate: Person, stranger: Person
) -> None:
    publish("team.order", {"type": "object"}, "1.0.0")
    answer = teammate.api.post(
        "/api/v1/events", [event("team.order"), event("order.placed"), {"node_id": "x"}]
    )
    assert [r["status"] for r in answer.json()["results"]] == ["stored", "rejected", "rejected"]
    assert answer.json()["results"][1]["errors"][0]["code"] == "forbidden"
    assert not QuarantinedEvent.objects.exists()
    assert stranger.api.post("/api/v1/events", event()).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_answers_503_and_to_try_again(orders: Any, owner: Person) -> None:
    api = owner.api
    answer = killed_when_it_writes("events_eventkey", lambda: api.post("/api/v1/events", event()))
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert not Event.objects.exists()
    assert not EventKey.objects.exists()
    assert api.post("/api/v1/events", event()).json()["counts"] == {"stored": 1}
