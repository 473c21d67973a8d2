"""What a subject says about its events beside their schema, and what the instance says where there is no subject."""

import json
from typing import Any

import pytest

from access.actor import SYSTEM
from events.models import Event
from registry.models import Subject, Version
from registry.publish import publish_version
from tests.conftest import Person
from tests.events.conftest import Publish, Send, event

pytestmark = pytest.mark.django_db

TIMED = {
    "type": "object",
    "required": ["execution_time_ms"],
    "properties": {"execution_time_ms": {"type": "number"}, "parts": {}},
}


@pytest.fixture
def timed(publish: Publish) -> Subject:
    """The strict subject `timed`, which needs `execution_time_ms`."""
    return publish("timed", TIMED, "1.0.0", strict=True)


def change(**settings: Any) -> None:
    Subject.objects.update(**settings)


def test_the_longest_prefix_says_what_becomes_of_an_unknown_type(send: Send, settings: Any) -> None:
    settings.UNKNOWN_EVENT_TYPE_BY_PREFIX = {"shop.": "accept", "shop.old.": "reject"}
    result = send(event("shop.sold"), event("shop.old.sold"), event("elsewhere"))
    assert [o.status for o in result.results] == ["stored", "rejected", "quarantined"]
    assert result.lint_counts == {"unknown_event_type": 1}


@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize(
    ("policy", "status"),
    [("", "quarantined"), ("reject", "rejected"), ("accept", "stored"), ("quarantine", "quarantined")],
)
def test_a_subject_says_what_becomes_of_an_unknown_version(send: Send, policy: str, status: str) -> None:
    change(unknown_schema_version=policy)
    (outcome,) = send(event("timed", schema_version="7.0.0")).results
    assert (outcome.status, outcome.schema_version) == (status, None)


@pytest.mark.usefixtures("timed")
def test_a_subject_has_tighter_limits_of_its_own(send: Send) -> None:
    change(max_event_bytes=400, max_event_depth=3)
    fits = {"execution_time_ms": 1}
    result = send(
        event("timed", metadata=fits),
        event("timed", metadata={**fits, "parts": "x" * 400}),
        event("timed", metadata={**fits, "parts": [[1]]}),
    )
    assert [o.status for o in result.results] == ["stored", "rejected", "rejected"]
    assert [o.errors[0]["code"] for o in result.results[1:]] == ["event_too_large", "event_too_deep"]
    assert "max_event_bytes" in result.results[1].errors[0]["message"]


def test_what_was_odd_is_told_in_the_answer_and_counted(publish: Publish, owner: Person) -> None:
    publish("t", {}, "1.0.0")
    publish("t", {"description": "newer"}, "1.1.0")
    Version.objects.filter(semver="1.0.0").update(state="deprecated", deprecated_at="2026-11-01T00:00Z")
    answer = owner.api.post(
        "/api/v1/events",
        [
            event("t", schema_version="1.0.0"),
            event("t", schema_version="1.0.0", metadata={"long": "x" * 102_400}),
            event("t", schema_version="1.1.0", metadata={"deep": json.loads("[" * 10 + "]" * 10)}),
        ],
        format="json",
    ).json()
    assert answer["counts"] == {"stored": 3}
    assert [sorted(one["lints"]) for one in answer["results"]] == [
        ["deprecated_version"],
        ["deprecated_version", "large_event"],
        ["deep_event"],
    ]
    assert answer["lint_counts"] == {"deprecated_version": 2, "large_event": 1, "deep_event": 1}


@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize(
    "used",
    [
        {"metadata": {"duration_ms": 7.5}},
        {"metadata": {}, "duration_ms": 7.5},
        {"duration_ms": 7.5, "metadata": ...},
    ],
)
def test_a_known_alias_is_told_and_on_request_read_as_the_declared_field(
    send: Send, used: dict[str, Any]
) -> None:
    (held,) = send(event("timed", **used)).results
    assert (held.status, held.lints) == ("quarantined", ("alias:duration_ms",))
    change(rename_aliases=True)
    sent = json.dumps(event("timed", **used)).encode()
    (outcome,) = send(raw=sent).results
    assert (outcome.status, outcome.lints) == ("stored", ("renamed:duration_ms",))
    stored = Event.objects.get()
    assert bytes(stored.raw) == sent
    assert stored.document["metadata"] == {"execution_time_ms": 7.5}
    assert "duration_ms" not in stored.document


@pytest.mark.usefixtures("timed")
def test_events_that_waited_for_it_are_renamed_when_they_are_released(send: Send, owner: Person) -> None:
    send(event("timed", metadata={"duration_ms": 1}))
    change(rename_aliases=True)
    (row,) = owner.api.get("/api/v1/quarantine").json()["items"]
    done = owner.api.post(f"/api/v1/quarantine/{row['id']}/release").json()
    assert (done["status"], done["lints"]) == ("stored", ["renamed:duration_ms"])


def test_a_renamed_event_is_no_evidence_against_the_next_version(
    timed: Subject, send: Send, settings: Any
) -> None:
    change(rename_aliases=True)
    send(event("timed", metadata={"duration_ms": 1}))
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    seen = publish_version(
        actor=SYSTEM,
        subject="timed",
        schema=json.dumps({**TIMED, "title": "x"}),
        semver="2.0.0",
        dry_run=True,
    )
    assert seen.judgement is not None
    (finding,) = seen.judgement.findings
    assert (finding.facts["refused"], finding.severity) == (0, "info")


def test_a_field_that_the_schema_declares_is_nobodys_alias(publish: Publish, send: Send) -> None:
    publish("both", {"properties": {"duration_ms": {}, "execution_time_ms": {}}}, "1.0.0")
    publish("neither", {}, "1.0.0")
    result = send(event("both", metadata={"duration_ms": 1}), event("neither", metadata={"duration_ms": 1}))
    assert [o.lints for o in result.results] == [(), ()]


def test_digits_that_no_double_holds_are_never_renamed_away(timed: Subject, send: Send) -> None:
    change(rename_aliases=True)
    raw = json.dumps(event("timed", metadata={"duration_ms": 0})).replace(": 0", ": 1e400")
    (outcome,) = send(raw=raw.encode()).results
    assert (outcome.status, set(outcome.lints)) == (
        "quarantined",
        {"number_beyond_double", "alias:duration_ms"},
    )
