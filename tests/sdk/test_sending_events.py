"""One request, one result per event."""

import json
from decimal import Decimal

import pytest

from onex_sdk import UnsendableEvent

EVENT = {"event_id": "e-1", "event_type": "NODE_START", "node_id": "n", "metadata": {"input_state": {"ü": 1}}}


def test_events_travel_as_one_array(registry, client):
    sent = client.send(dict(EVENT, event_id=f"e-{n}") for n in range(3))
    (asked,) = registry.asked
    assert (asked.method, asked.path, asked.headers["content-type"]) == (
        "POST",
        "/api/v1/events",
        "application/json",
    )
    assert [event["event_id"] for event in json.loads(asked.body)] == ["e-0", "e-1", "e-2"]
    assert [result.event_id for result in sent.results] == ["e-0", "e-1", "e-2"]
    assert (sent.counts, sent.not_kept, sent.with_problems) == ({"stored": 3}, (), ())


def test_the_fate_of_every_event_is_told_with_its_reasons(registry, client, canned):
    problem = {
        "code": "violation",
        "pointer": "/metadata",
        "keyword": "required",
        "message": "input_state is absent",
    }
    results = [
        {"index": 0, "event_id": "e-0", "status": "stored", "schema_version": "1.0.0", "errors": []},
        {
            "index": 1,
            "event_id": "e-1",
            "status": "stored_with_violations",
            "schema_version": "1.0.0",
            "errors": [problem],
        },
        {"index": 2, "event_id": "e-2", "status": "duplicate"},
        {"index": 3, "event_id": "e-3", "status": "quarantined", "schema_version": None, "errors": [problem]},
        {
            "index": 4,
            "event_id": None,
            "status": "rejected",
            "errors": [{"code": "not_json", "message": "NaN"}],
        },
        {"index": 5, "event_id": "e-5", "status": "conflict", "errors": None},
    ]
    registry.next_answers.append(canned(body={"results": results, "counts": {"stored": 1}}))
    sent = client.send([EVENT] * 6)
    assert [result.kept for result in sent.results] == [True, True, True, False, False, False]
    assert [result.index for result in sent.not_kept] == [3, 4, 5]
    assert [result.index for result in sent.with_problems] == [1, 3, 4]
    (error,) = sent.results[1].errors
    assert (error.code, error.pointer, error.keyword, error.message) == tuple(problem.values())


def test_no_events_are_an_empty_request(registry, client):
    assert client.send([]).results == ()
    assert registry.asked[0].body == b"[]"


@pytest.mark.parametrize(
    "bad",
    [
        {"x": float("nan")},
        {"x": Decimal("1.5")},
        {"x": "\ud800"},
        {"x": {1, 2}},
        [1],
        "text",
    ],
)
def test_what_json_cannot_hold_is_refused_before_anything_is_sent(registry, client, bad):
    with pytest.raises(UnsendableEvent) as refused:
        client.send([EVENT, bad])
    assert refused.value.index == 1
    assert registry.asked == []


def test_a_circular_or_bottomless_event_is_refused_too(registry, client):
    circular: dict[str, object] = {}
    circular["self"] = circular
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"d": deep}
    for bad in (circular, deep):
        with pytest.raises(UnsendableEvent):
            client.send([bad])
    while deep:
        deep = deep.pop("d")  # taken apart by hand: freeing it in one go would recurse
