"""The profile `onex-v1`: a subject's events are judged by what the original ONEX validator looked at."""

import json
from pathlib import Path
from typing import Any

import pytest

from access.actor import SYSTEM
from events.models import Event
from registry.load_catalogue import load_onex_catalogue
from registry.models import Subject
from tests.conftest import Person
from tests.events.conftest import Send, event
from tests.require import require

pytestmark = pytest.mark.django_db

STATE = {"input_state": {}}
DONE = {"operation": "o", "function": "f", "execution_time_ms": 1.5}


@pytest.fixture(autouse=True)
def profile(db: None, settings: Any) -> None:
    settings.UPLOAD_JUDGES = []
    load_onex_catalogue(actor=SYSTEM)
    Subject.objects.update(event_profile="onex-v1")


def test_its_verdicts_on_the_recorded_events_are_the_original_ones(owner: Person) -> None:
    """An unknown type has no subject to store it under, so it waits; the 28th is an error object, and no event."""
    samples = json.loads((Path(require("data")) / "onex" / "sample_events.json").read_text(encoding="utf-8"))
    answer = owner.api.post("/api/v1/events", [sample["event"] for sample in samples], format="json").json()
    accepted = {
        sample["n"]: result["status"] == "stored"
        for sample, result in zip(samples, answer["results"], strict=True)
    }
    assert accepted == {sample["n"]: bool(sample["v1_valid"]) for sample in samples}
    assert answer["counts"] == {"stored": 16, "stored_with_violations": 10, "quarantined": 2}


@pytest.mark.parametrize(
    "members",
    [
        {"metadata": {"input_state": None}},
        {"metadata": {"input_state": "text"}},
        {"metadata": {"input_state": 1, "execution_time_ms": True}},
        {"metadata": {"input_state": 1, "execution_time_ms": -3}},
        {"metadata": {**DONE, "operation": 7, "success": False}, "event_type": "TELEMETRY_OPERATION_SUCCESS"},
        {"metadata": STATE, "extra": 1},
        {"metadata": STATE, "timestamp": 1764000000.5},
        {"metadata": STATE, "timestamp": ..., "event_id": ...},
        {"metadata": STATE, "schema_version": "9.9.9"},
        {"metadata": {"input_state": json.loads("[" * 12 + "]" * 12)}},
        {"metadata": STATE, "event_id": "610c3c35110d5838852d9cb895a95147"},
    ],
)
def test_what_the_original_let_through_is_stored_without_a_word(send: Send, members: dict[str, Any]) -> None:
    (outcome,) = send(event(**{"event_type": "NODE_START", **members})).results
    assert (outcome.status, outcome.errors) == ("stored", [])
    assert "judged_by:onex-v1" in outcome.lints
    assert (outcome.schema_version, Event.objects.get().content_id) == (None, None)


@pytest.mark.parametrize(
    ("members", "pointer", "keyword"),
    [
        ({"metadata": {}}, "/metadata", "required"),
        ({"metadata": None}, "/metadata", "required"),
        ({"metadata": {"other": 1}}, "/metadata", "required"),
        ({"metadata": []}, "/metadata", "type"),
        ({"metadata": {**STATE, "execution_time_ms": "1"}}, "/metadata/execution_time_ms", "type"),
        ({"metadata": {**STATE, "execution_time_ms": None}}, "/metadata/execution_time_ms", "type"),
        ({"metadata": {**STATE, "success": 1}}, "/metadata/success", "type"),
        ({"metadata": {**STATE, "args_count": 1.0}}, "/metadata/args_count", "type"),
        ({"metadata": {**STATE, "kwargs_keys": {}}}, "/metadata/kwargs_keys", "type"),
        ({"node_id": ""}, "/node_id", "required"),
        ({"node_id": ...}, "/node_id", "required"),
        ({"event_id": "no uuid"}, "/event_id", "format"),
        ({"timestamp": None}, "/timestamp", "format"),
        ({"timestamp": "soon"}, "/timestamp", "format"),
        ({"correlation_id": 7}, "/correlation_id", "type"),
        ({"event_type": "PERFORMANCE_PROFILE"}, "/event_type", "enum"),
    ],
)
def test_what_the_original_refused_is_a_violation(
    send: Send, members: dict[str, Any], pointer: str, keyword: str
) -> None:
    (outcome,) = send(event(**{"event_type": "NODE_START", "metadata": STATE, **members})).results
    assert outcome.status == "stored_with_violations"
    assert [(p["code"], p["pointer"], p["keyword"]) for p in outcome.errors] == [
        ("violates_profile", pointer, keyword)
    ]


def test_the_size_is_counted_in_characters_with_ascii_escapes(send: Send) -> None:
    """Each of these takes 4 bytes as sent and 12 characters escaped; the rest of `metadata` takes 28."""
    fits, over = ("\U0001f600" * 87_379 + "x" * left for left in (0, 1))
    assert len(json.dumps({"input_state": {}, "s": fits})) == 1_048_576
    for text, status in ((fits, "stored"), (over, "stored_with_violations")):
        whole = event("NODE_START", metadata={"input_state": {}, "s": text})
        (outcome,) = send(raw=json.dumps(whole, ensure_ascii=False).encode()).results
        assert outcome.status == status
        assert "large_event" in outcome.lints


def test_a_strict_subject_quarantines_by_its_profile_too(send: Send) -> None:
    Subject.objects.update(strict=True)
    result = send(event("NODE_START", metadata={}), event("NODE_START", metadata=STATE))
    assert [o.status for o in result.results] == ["quarantined", "stored"]


def test_without_the_profile_the_documented_types_are_enforced(owner: Person) -> None:
    for subject in ("NODE_START", "onex.envelope"):
        owner.api.patch(f"/api/v1/settings/{subject}", {"event_profile": ""}, format="json")
    answer = owner.api.post(
        "/api/v1/events", event("NODE_START", metadata={"input_state": "text"}), format="json"
    )
    assert answer.json()["results"][0]["errors"][0]["pointer"] == "/metadata/input_state"
