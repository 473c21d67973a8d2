"""Every change of the catalogue becomes a stored event of the product itself: once, in order, valid, and in a correlation."""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from access.models import AuditEntry
from compat import check
from events.changes import EVENT_TYPES, PRODUCER, TOLD, schema_files
from events.forward import forward_changes, lag
from events.load_changes import OTLP
from events.models import ChangeCursor, Event
from registry.approve import approve, reject
from registry.delete import delete_subject
from registry.models import Version
from registry.sunset import tell_sunsets
from tests.events.conftest import ORDER, event
from tests.registry.catalogues import exported, imported

pytestmark = pytest.mark.django_db
WIDER = {**ORDER, "properties": {**ORDER["properties"], "coupon": {"type": "string"}}}
VERSIONS = "/api/v1/subjects/team.order/versions"


def upload(person, schema, **headers):
    answer = person.api.post(VERSIONS, {"schema": json.dumps(schema)}, format="json", headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_published_version_is_told_with_its_verdict_and_links(teammate, told):
    first = upload(teammate, ORDER)
    upload(teammate, WIDER)
    one, two = told("registry.version.published")
    assert one["metadata"] == {
        "subject": "team.order",
        "actor": "teammate",
        "links": {
            "page": "http://127.0.0.1:8090/subjects/team.order/versions/1",
            "api": "http://127.0.0.1:8090/api/v1/subjects/team.order/versions/1",
        },
        "version": 1,
        "semver": "1.0.0",
        "id": first["id"],
        "bump": None,
        "status": "first",
        "level": "BACKWARD",
        "policy": "DECLARED",
    }
    assert (two["metadata"]["semver"], two["metadata"]["bump"]) == ("1.1.0", "minor")
    assert two["metadata"]["status"] == "compatible"


def test_the_name_of_a_token_is_not_told(teammate, told):
    upload(teammate, ORDER)
    assert AuditEntry.objects.get(target="subject/team.order").actor == "teammate/teammate's token"
    assert "token" not in json.dumps(told())


CHANGES = [
    ("put /api/v1/config/team.order", {"compatibility": "FULL"}, "registry.config.changed"),
    ("put /api/v1/mode/team.order", {"mode": "READONLY"}, "registry.mode.changed"),
    ("patch /api/v1/settings/team.order", {"owner": "team"}, "registry.subject.changed"),
    (f"delete {VERSIONS}/1", None, "registry.version.deleted"),
    ("put /api/v1/config", {"compatibility": "FULL"}, "registry.config.changed"),
]


@pytest.mark.parametrize(("request_line", "body", "event_type"), CHANGES)
def test_each_kind_of_change_is_told_and_fits_its_registered_schema(
    owner, told, request_line, body, event_type
):
    upload(owner, ORDER)
    upload(owner, WIDER)
    told()
    method, address = request_line.split()
    assert getattr(owner.api, method)(address, body, format="json").status_code == 200
    [one] = told()
    assert one["event_type"] == event_type
    assert one["metadata"].get("subject", "") == ("team.order" if "team.order" in address else "")
    stored = Event.objects.get(event_id=one["event_id"])
    assert (stored.violations, stored.lints, stored.producer) == (None, None, PRODUCER.label)
    assert stored.content_id == Version.objects.get(subject__name=event_type).content_id


def test_what_was_set_is_told_and_what_was_taken_back(owner, told):
    owner.api.put("/api/v1/config/team.order", {"compatibility": "FULL"}, format="json")
    owner.api.delete("/api/v1/config/team.order")
    owner.api.put("/api/v1/mode/team.order", {"mode": "READONLY"}, format="json")
    owner.api.delete("/api/v1/mode/team.order")
    level, inherited, closed, opened = (one["metadata"] for one in told())
    assert level["config"]["level"] == "FULL"
    assert inherited["config"] == {}
    assert (closed["mode"], opened["mode"]) == ("READONLY", None)


def test_a_deleted_subject_is_told_version_by_version_and_as_a_whole(owner, told):
    upload(owner, ORDER)
    upload(owner, WIDER)
    told()
    owner.api.delete("/api/v1/subjects/team.order")
    soft = told()
    owner.api.delete("/api/v1/subjects/team.order?permanent=true")
    hard = told()
    for events, permanent in ((soft, False), (hard, True)):
        assert [one["event_type"].removeprefix("registry.") for one in events] == [
            "version.deleted",
            "version.deleted",
            "subject.deleted",
        ]
        assert [one["metadata"]["permanent"] for one in events] == [permanent] * 3
        assert [one["metadata"].get("semver") for one in events] == ["1.0.0", "1.1.0", None]
        assert events[2]["metadata"]["versions"] == [1, 2]
        assert len({one["correlation_id"] for one in events}) == 1


def test_the_last_version_takes_the_subject_with_it(owner, told):
    upload(owner, ORDER)
    told()
    owner.api.delete(f"{VERSIONS}/1")
    assert [one["event_type"] for one in told()] == ["registry.version.deleted", "registry.subject.deleted"]


def test_a_published_edition_of_a_taxonomy_is_told(told):
    call_command("load_onex_catalogue", verbosity=0)
    [edition] = told("registry.taxonomy.published")
    assert edition["metadata"]["subject"] == "onex-errors"
    assert edition["metadata"]["semver"] == "1.0.0"


def test_a_version_that_enters_another_state_is_told(owner, told):
    upload(owner, ORDER)
    told()
    said = {"sunset": "2999-03-01", "note": "n"}
    steps = [("deprecated", said), ("archived", {}), ("deprecated", {}), ("active", {})]
    for state, more in steps:
        answer = owner.api.post(f"{VERSIONS}/1/state", {"state": state, **more}, format="json")
        assert answer.status_code == 200, answer.content
    events = told()
    assert {one["event_type"] for one in events} == {"registry.version.state_changed"}
    assert [one["metadata"]["state"] for one in events] == [state for state, _ in steps]
    assert events[0]["metadata"] | said == events[0]["metadata"]
    assert not Event.objects.exclude(violations=None).exists()


def test_a_sunset_that_is_near_is_told(told, owner):
    upload(owner, ORDER)
    sunset = datetime.now(UTC).date() + timedelta(days=10)
    said = {"state": "deprecated", "sunset": sunset.isoformat()}
    owner.api.post(f"{VERSIONS}/1/state", said, format="json")
    told()
    assert tell_sunsets() == 1
    [one] = told()
    assert one["event_type"] == "registry.version.sunset_notice"
    expected = {"version": 1, "semver": "1.0.0", "sunset": sunset.isoformat(), "days": 14, "actor": "system"}
    assert one["metadata"] | expected == one["metadata"]
    assert Event.objects.get(event_id=one["event_id"]).violations is None


def test_an_upload_that_waits_is_told_and_so_is_what_became_of_it(owner, make_person, told):
    upload(owner, ORDER)
    owner.api.patch("/api/v1/settings/team.order", {"needs_approval": True}, format="json")
    told()
    second = make_person("second", role="developer", prefix="team.")
    for label, decision in (("2.0.0", "reject"), ("3.0.0", "approve")):
        body = {"schema": json.dumps({"type": "string", "title": label}), "semver": label}
        assert owner.api.post(VERSIONS, body, format="json").status_code == 409
        draft, asked = told()
        assert (draft["event_type"], draft["metadata"]["state"]) == (
            "registry.version.state_changed",
            "draft",
        )
        approval = asked["metadata"]
        assert (approval["state"], approval["semver"], approval["actor"]) == ("pending", label, "owner")
        assert approval["links"]["page"].endswith(f"/approvals/{approval['approval']}")
        assert owner.api.get(draft["metadata"]["links"]["api"]).json()["state"] == "draft"
        assert second.browser.get(approval["links"]["page"]).status_code == 200
        decide = approve if decision == "approve" else reject
        decide(actor=second.actor, approval_id=approval["approval"], reason="because")
        decided = [one for one in told() if one["event_type"] == "registry.approval.changed"]
        assert [(one["metadata"]["state"], one["metadata"]["reason"]) for one in decided] == [
            ({"approve": "approved", "reject": "rejected"}[decision], "because")
        ]
    assert not Event.objects.exclude(violations=None).exists()


def test_a_draft_is_told_as_published_when_it_is_activated(owner, make_person, told):
    upload(owner, ORDER)
    owner.api.patch("/api/v1/settings/team.order", {"needs_approval": True}, format="json")
    body = {"schema": json.dumps({"type": "string"}), "semver": "2.0.0"}
    owner.api.post(VERSIONS, body, format="json")
    waiting = told()[-1]["metadata"]
    approve(actor=make_person("second", role="developer").actor, approval_id=waiting["approval"])
    [published] = [one for one in told() if one["event_type"] == "registry.version.published"]
    assert (published["metadata"]["semver"], published["metadata"]["actor"]) == ("2.0.0", "second")


def test_a_context_that_goes_is_told_to_those_who_read_what_was_in_it(owner, make_person, told):
    subject = "/api/v1/subjects/:.berlin:order"
    body = {"schema": json.dumps(ORDER)}
    assert owner.api.post(f"{subject}/versions", body, format="json").status_code == 200
    owner.api.put("/api/v1/config/:.berlin:", {"compatibility": "FULL"}, format="json")
    for address in (subject, f"{subject}?permanent=true"):
        assert owner.api.delete(address).status_code == 200
    *_, configured = told("registry.config.changed")
    assert configured["metadata"]["subject"] == ":.berlin:"
    assert owner.api.get(configured["metadata"]["links"]["api"]).status_code == 200
    assert owner.api.delete("/api/v1/contexts/.berlin").status_code == 204
    [one] = told()
    assert (one["event_type"], one["metadata"]["subject"]) == ("registry.context.deleted", ":.berlin:")
    assert owner.api.get(one["metadata"]["links"]["api"]).status_code == 200
    address = f"/api/v1/events/{one['event_id']}"
    assert make_person("ber", role="viewer", prefix=":.berlin:").api.get(address).status_code == 200
    assert make_person("rom", role="viewer", prefix=":.rome:").api.get(address).status_code == 404


def test_what_the_request_calls_its_correlation_is_that_of_the_event(teammate, told):
    upload(teammate, ORDER, **{"X-Correlation-Id": "release-42"})
    upload(teammate, WIDER)
    named, own = told()
    assert named["correlation_id"] == "release-42"
    assert own["correlation_id"].startswith("change-")
    assert AuditEntry.objects.filter(details__correlation_id="release-42").count() == 1


def test_a_correlation_that_no_header_holds_is_left_out(teammate, told):
    upload(teammate, ORDER, **{"X-Correlation-Id": "x" * 256})
    assert told()[0]["correlation_id"].startswith("change-")


def test_telling_a_row_twice_stores_it_once(teammate, told):
    upload(teammate, ORDER)
    cursor = ChangeCursor.objects.get().link
    assert len(told()) == 1
    ChangeCursor.objects.update(link=cursor)
    assert told() == []


def test_registering_the_products_own_subjects_ends(told):
    """An event about a subject of these events is an event like any other, and causes none."""
    assert told() == []
    ChangeCursor.objects.update(link=0)
    first = told("registry.version.published")
    of_opentelemetry = {file.stem.rpartition("-")[0] for file in OTLP.glob("*.json")}
    assert {one["metadata"]["subject"] for one in first} == EVENT_TYPES | of_opentelemetry
    assert told() == []


def test_what_was_there_before_is_no_change(told):
    cursor = ChangeCursor.objects.get().link
    assert cursor > 0
    call_command("load_change_subjects", verbosity=0)
    assert ChangeCursor.objects.get().link == cursor
    assert Version.objects.filter(subject__name__in=EVENT_TYPES).count() == len(EVENT_TYPES)


def test_nothing_is_told_before_the_subjects_are_registered(teammate):
    upload(teammate, ORDER)
    assert forward_changes() == 0
    assert not lag().begun


def test_a_large_backlog_goes_in_batches_and_in_order(teammate, told):
    for number in range(5):
        schema = {**ORDER, "properties": {**ORDER["properties"], f"p{number}": {"type": "string"}}}
        upload(teammate, schema)
    assert lag().waiting == 5
    assert lag().oldest_waiting_at is not None
    assert [forward_changes(limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert lag().waiting == 0
    assert [one["metadata"]["version"] for one in told()] == [1, 2, 3, 4, 5]


def test_switched_off_nothing_is_told_and_nothing_is_made_up_for_later(teammate, told, settings):
    settings.REGISTRY_EVENTS = False
    upload(teammate, ORDER)
    assert told() == []
    settings.REGISTRY_EVENTS = True
    upload(teammate, WIDER)
    assert [one["metadata"]["version"] for one in told()] == [2]


def test_a_change_that_is_too_large_for_an_event_does_not_stop_the_others(teammate, told, settings):
    upload(teammate, ORDER)
    settings.EVENT_MAX_BYTES = 10
    assert told() == []
    assert "team.order" in lag().problem
    settings.EVENT_MAX_BYTES = 10_000
    upload(teammate, WIDER)
    assert len(told()) == 1


def test_nobody_else_may_send_them(owner, told, send):
    [outcome] = send(event("registry.version.published"), actor=owner.actor).results
    assert (outcome.status, outcome.errors[0]["code"]) == ("rejected", "forbidden")
    assert "the registry itself" in outcome.errors[0]["message"]


def test_a_change_of_their_schemas_is_judged_like_any_other(owner, told):
    narrower = {"type": "object", "required": ["subject", "because"]}
    address = "/api/v1/subjects/registry.version.published/versions"
    answer = owner.api.post(address, {"schema": json.dumps(narrower)}, format="json")
    assert answer.status_code == 409
    assert answer.json()["details"]["witness"] is not None


def test_each_schema_is_compatible_with_the_one_before_and_its_example_fits():
    for versions in schema_files().values():
        documents = [json.loads(file.read_text(encoding="utf-8")) for file in versions.values()]
        for old, new in itertools.pairwise(documents):
            assert check(old, new, world="declared").status == "compatible"
        assert all(document["description"] and document["examples"] for document in documents)


def test_every_kind_has_its_schema():
    details = {"versions": [1], "semvers": ["1.0.0"], "subject": True}
    named = {event_type for read in TOLD.values() for event_type, _ in read(details)}
    assert named == EVENT_TYPES


def test_what_comes_out_of_an_archive_is_told_as_published(owner, teammate, told):
    upload(teammate, ORDER)
    before = upload(teammate, WIDER)
    draft = {"schema": json.dumps({"title": "a draft"}), "state": "draft"}
    assert teammate.api.post(VERSIONS, draft, format="json").status_code == 200
    archive = exported()
    for permanent in (False, True):
        delete_subject(actor=owner.actor, subject="team.order", permanent=permanent)
    told()
    imported(archive)
    one, two = told("registry.version.published")
    assert [found["metadata"]["version"] for found in (one, two)] == [1, 2]
    assert (two["metadata"]["id"], two["metadata"]["subject"]) == (before["id"], "team.order")
    imported(archive)
    assert told() == []
