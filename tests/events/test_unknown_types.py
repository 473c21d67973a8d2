"""Types and versions that nobody registered: quarantined, rejected or accepted, as the settings say."""

from typing import Any

import pytest
from django.db.models.functions import Now

from events.models import Event, QuarantinedEvent
from registry.models import Subject, Version
from tests.events.conftest import Publish, Send, event

pytestmark = pytest.mark.django_db

INTEGER = {"properties": {"x": {"type": "integer"}}}
NUMBER = {"properties": {"x": {"type": "number"}}}
TEXT = {"properties": {"x": {"type": "string"}}}


@pytest.fixture
def versions(publish: Publish) -> dict[str, int]:
    """Subject `t` with 1.0.0 (integer), 1.1.0 (number) and 2.0.0 (text): the content of each."""
    publish("t", INTEGER, "1.0.0")
    publish("t", NUMBER, "1.1.0")
    publish("t", TEXT, "2.0.0")
    return dict(Version.objects.filter(subject__name="t").values_list("semver", "content_id"))


@pytest.mark.parametrize(
    ("policy", "status"), [("quarantine", "quarantined"), ("reject", "rejected"), ("accept", "stored")]
)
def test_an_unknown_type_follows_the_policy(send: Send, settings: Any, policy: str, status: str) -> None:
    settings.UNKNOWN_EVENT_TYPE = policy
    (outcome,) = send(event("nobody")).results
    assert outcome.status == status
    if policy == "accept":
        found = Event.objects.get()
        assert (found.content_id, found.lints, outcome.errors) == (None, ["unknown_event_type"], [])
    else:
        assert outcome.errors[0]["code"] == "unknown_event_type"


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize(
    ("policy", "status"), [("quarantine", "quarantined"), ("reject", "rejected"), ("accept", "stored")]
)
@pytest.mark.parametrize("label", ["3.0.0", "not a version", 7])
def test_an_unknown_version_follows_the_policy(
    send: Send, settings: Any, policy: str, status: str, label: Any
) -> None:
    settings.UNKNOWN_SCHEMA_VERSION = policy
    (outcome,) = send(event("t", schema_version=label, metadata={})).results
    assert (outcome.status, outcome.schema_version) == (status, None)


@pytest.mark.parametrize(
    ("label", "judge", "lint"),
    [
        ("1.0.0", "1.0.0", None),
        ("1.1.0", "1.1.0", None),
        ("1.7.3", "1.1.0", ["other_version_of_major"]),
        ("2.0.0", "2.0.0", None),
        ("2.9.9", "2.0.0", ["other_version_of_major"]),
        (..., "2.0.0", None),
        (None, "2.0.0", None),
    ],
)
def test_the_label_finds_its_version(
    send: Send, versions: dict[str, int], label: Any, judge: str, lint: list[str] | None
) -> None:
    (outcome,) = send(event("t", schema_version=label, metadata={})).results
    found = Event.objects.get()
    assert (outcome.schema_version, found.content_id, found.lints) == (judge, versions[judge], lint)


def test_an_absent_version_is_what_the_subject_says(send: Send, versions: dict[str, int]) -> None:
    Subject.objects.filter(name="t").update(version_when_absent="1.0.0")
    (outcome,) = send(event("t", metadata={"x": 1.5})).results
    assert (outcome.status, outcome.schema_version) == ("stored_with_violations", "1.0.0")


def test_a_deprecated_version_judges_and_is_told(send: Send, versions: dict[str, int]) -> None:
    Version.objects.filter(semver="1.0.0").update(state="deprecated", deprecated_at=Now())
    Version.objects.filter(semver="1.1.0").update(state="draft")
    (outcome,) = send(event("t", schema_version="1.1.0", metadata={})).results
    assert outcome.schema_version == "1.0.0"
    assert Event.objects.get().lints == ["other_version_of_major", "deprecated_version"]


def test_an_event_without_type_is_kept_for_somebody_to_look_at(send: Send) -> None:
    (outcome,) = send(event(...)).results
    assert (outcome.status, outcome.errors[0]["message"]) == (
        "quarantined",
        "The event does not say its event_type.",
    )
    assert QuarantinedEvent.objects.get().event_type == ""
