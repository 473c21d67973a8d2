"""Registering a migration between two versions, over HTTP: what lets it in, what refuses it, and who is told."""

import json
from typing import Any

import pytest

from access.models import AuditEntry
from registry.change_state import change_state
from registry.configure import set_mode
from registry.models import Subject, VersionMigration
from tests.events.conftest import event

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/subjects/order.placed/migrations"
V1 = {
    "type": "object",
    "required": ["amount"],
    "properties": {
        "amount": {"type": "integer"},
        "note": {"type": "string"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
    },
}
V2 = {
    "type": "object",
    "required": ["total", "currency"],
    "properties": {
        "total": {"type": "integer"},
        "currency": {"type": "string"},
        "note": {"type": "string"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"code": {"type": "string"}}}},
    },
    "additionalProperties": False,
}
UP = [
    {"op": "rename", "at": "/amount", "to": "total"},
    {"op": "default", "at": "/currency", "value": "EUR"},
    {"op": "rename", "at": "/items/*/sku", "to": "code"},
]
DOWN = [
    {"op": "rename", "at": "/total", "to": "amount"},
    {"op": "remove", "at": "/currency"},
    {"op": "rename", "at": "/items/*/code", "to": "sku"},
]
BODY: dict[str, Any] = {"from": "1.0.0", "to": "2.0.0", "up": UP}


def old(**members: Any) -> dict[str, Any]:
    return event(schema_version="1.0.0", **members)


@pytest.fixture
def versions(publish, settings):
    publish("order.placed", V1, "1.0.0")
    return publish("order.placed", V2, "2.0.0")


def post(person, body=BODY, address=ADDRESS, **more):
    return person.api.post(address, {**body, **more}, format="json")


def test_a_migration_is_registered_with_what_it_was_tried_on(versions, owner, send):
    send(*(old(metadata={"amount": n}) for n in range(20)))
    made = post(owner, note="Amounts have a currency now.")
    assert made.status_code == 201
    answer = made.json()
    assert (answer["created"], answer["accepted"]) == (True, True)
    stored, generated = answer["tried"]
    assert generated["what"] == "generated instances"
    assert generated["tried"] >= 20
    assert (stored["what"], stored["tried"], stored["failed"], stored["finished"]) == (
        "stored events",
        20,
        0,
        True,
    )
    assert stored["samples"][0]["after"].keys() == {"total", "currency"}
    kept = owner.api.get(f"{ADDRESS}/1").json()
    assert kept["from"] == "1.0.0"
    assert (kept["to"], kept["state"], kept["up"], kept["down"]) == ("2.0.0", "active", UP, None)
    assert kept["evidence"][0]["tried"] == 20
    assert owner.api.get(ADDRESS).json()["items"][0]["number"] == 1


def test_the_same_one_again_changes_nothing(versions, owner):
    assert post(owner).status_code == 201
    rows = AuditEntry.objects.count()
    again = post(owner, note="other words")
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert again.json()["migration"]["number"] == 1
    assert AuditEntry.objects.count() == rows


def test_another_one_replaces_it_only_when_told_to_and_the_old_one_is_kept(versions, owner):
    post(owner)
    other = [*UP, {"op": "default", "at": "/note", "value": ""}]
    refused = post(owner, up=other)
    assert (refused.status_code, refused.json()["error_code"]) == (409, 40932)
    replaced = post(owner, up=other, replace=True)
    assert replaced.status_code == 201
    assert replaced.json()["migration"]["number"] == 2
    assert owner.api.get(f"{ADDRESS}/1").json()["state"] == "retired"
    assert owner.api.get(f"{ADDRESS}/1").json()["up"] == UP


def test_a_stored_event_that_does_not_fit_refuses_it_by_name_and_place(versions, owner, send):
    send(
        *(old(metadata={"amount": 1}) for _ in range(5)),
        old(event_id="odd-1", metadata={"amount": 1, "extra": 2}),
    )
    refused = post(owner)
    assert (refused.status_code, refused.json()["error_code"]) == (409, 40931)
    message, details = refused.json()["message"], refused.json()["details"]
    assert "event odd-1 fails at /" in message
    assert "6 stored events, 1 of them refused" in message
    assert "'remove'" in message
    [failure] = details["failures"]
    assert failure["before"] == {"amount": 1, "extra": 2}
    assert not VersionMigration.objects.exists()


def test_a_generated_instance_refuses_it_where_no_event_is_stored(versions, owner):
    refused = post(owner, up=UP[:1])
    assert refused.status_code == 409
    failure = refused.json()["details"]["failures"][0]
    assert failure["instance"] == "generated instance 1"
    assert failure["hint"].startswith("Fill /currency")


def test_an_optional_member_that_the_target_needs_is_found_missing(versions, owner, publish):
    publish("order.placed", {**V2, "required": ["total", "currency", "note"]}, "3.0.0")
    refused = post(owner, to="3.0.0")
    assert refused.status_code == 409
    assert "/note" in refused.json()["message"]


def test_the_way_back_is_tried_too(versions, owner):
    assert (
        post(owner, down=DOWN[:1]).status_code == 201
    )  # what is left over is undeclared, which 1.0.0 allows
    wrong = [{"op": "default", "at": "/amount", "value": "none"}]
    refused = post(owner, down=wrong, replace=True)
    assert refused.status_code == 409
    assert refused.json()["details"]["failures"][0]["direction"] == "down"
    assert refused.json()["message"].startswith("From 2.0.0 to 1.0.0")


def test_a_dry_run_tells_the_same_and_keeps_nothing(versions, owner, send):
    send(old(metadata={"amount": 1}))
    good = owner.api.post(f"{ADDRESS}?dryRun=true", BODY, format="json")
    assert (good.status_code, good.json()["accepted"], good.json()["migration"]) == (200, True, None)
    bad = owner.api.post(f"{ADDRESS}?dryRun=true", {**BODY, "up": []}, format="json")
    assert (bad.status_code, bad.json()["accepted"]) == (200, False)
    assert bad.json()["tried"][0]["failure"]["instance"].startswith("event ")
    assert not VersionMigration.objects.exists()


@pytest.mark.parametrize(
    ("changed", "code", "pointer"),
    [
        ({"up": [{"op": "explode"}]}, 42215, "/up/0/op"),
        ({"down": {}}, 42215, "/down"),
        ({"up": [{"op": "default", "at": "/a", "value": "\0"}]}, 42215, "/up"),
        ({"up": [{"op": "expression", "jsonata": "[1..1e9]"}]}, 42215, "/up/0/jsonata"),
        ({"to": "1.0.0"}, 42215, "/to"),
        ({"to": "9.0.0"}, 40402, None),
        ({"from": "nonsense"}, 42202, None),
        ({"up": ...}, 42200, None),
        ({"up": [{"op": "default", "at": "/a", "value": "x" * 70_000}]}, 42215, "/up"),
    ],
)
def test_what_is_wrong_with_the_request_is_told_with_its_place(versions, owner, changed, code, pointer):
    body = {name: value for name, value in {**BODY, **changed}.items() if value is not ...}
    refused = owner.api.post(ADDRESS, body, format="json")
    assert refused.json()["error_code"] == code
    assert refused.json()["details"].get("pointer") == pointer


def test_an_archived_version_is_still_read_and_a_draft_is_not(versions, owner, actor):
    change_state(actor=actor, subject="order.placed", version="1.0.0", state="deprecated")
    change_state(actor=actor, subject="order.placed", version="1.0.0", state="archived")
    assert post(owner).status_code == 201
    assert post(owner, **{"from": "2.0.0", "to": "1.0.0", "up": DOWN}).json()["error_code"] == 40402


def test_retired_it_is_kept_and_may_come_again(versions, owner):
    post(owner)
    assert owner.api.delete(f"{ADDRESS}/1").json()["state"] == "retired"
    rows = AuditEntry.objects.count()
    assert owner.api.delete(f"{ADDRESS}/1").json()["state"] == "retired"
    assert AuditEntry.objects.count() == rows
    assert post(owner).json()["migration"]["number"] == 2
    assert owner.api.get(f"{ADDRESS}/3").json()["error_code"] == 40424


def test_a_read_only_subject_takes_none(versions, owner, actor):
    set_mode(actor=actor, subject="order.placed", mode="READONLY")
    assert post(owner).json()["error_code"] == 42205


def test_who_may_not_write_registers_none_and_who_may_not_read_sees_none(versions, owner, make_person):
    viewer = make_person("viewer", role="viewer", prefix="order.")
    assert post(viewer).status_code == 403
    assert viewer.api.get(ADDRESS).status_code == 200
    other = make_person("other", role="developer", prefix="shop.")
    assert other.api.get(ADDRESS).status_code == 403
    writer = make_person("writer", role="developer", prefix="order.", scopes=["write"])
    tried = writer.api.post(f"{ADDRESS}?dryRun=true", {**BODY, "up": []}, format="json").json()["tried"]
    assert tried[-1]["failure"]["pointer"] == ""
    assert "before" not in tried[-1]["failure"]
    assert all(not one["samples"] for one in tried)


def test_where_uploads_wait_for_a_second_person_so_does_a_migration(versions, owner, make_person):
    Subject.objects.filter(name="order.placed").update(needs_approval=True)
    assert post(owner).json()["migration"]["state"] == "pending"
    assert owner.api.post(f"{ADDRESS}/1/approve").status_code == 403
    second = make_person("second", role="developer", prefix="order.")
    assert second.api.post(f"{ADDRESS}/1/approve").json()["state"] == "active"
    assert second.api.post(f"{ADDRESS}/1/approve").json()["error_code"] == 40933
    other = [*UP, {"op": "default", "at": "/note", "value": ""}]
    assert post(owner, up=other, replace=True).json()["migration"]["state"] == "pending"
    assert owner.api.get(f"{ADDRESS}/1").json()["state"] == "active"
    second.api.post(f"{ADDRESS}/2/approve")
    assert owner.api.get(f"{ADDRESS}/1").json()["state"] == "retired"


def test_a_migration_that_waits_is_in_the_queue_of_approvals(versions, owner, make_person):
    Subject.objects.filter(name="order.placed").update(needs_approval=True)
    post(owner)
    second = make_person("second", role="developer", prefix="order.")

    def queue(person: Any, query: str = "") -> str:
        return str(person.browser.get(f"/approvals{query}").content.decode())

    assert "/subjects/order.placed/migrations#migration-1" in queue(second)
    assert "Migrations to approve" in second.browser.get("/").content.decode()
    assert "migration-1" in queue(second, "?subject=order.placed")
    assert "migration-1" not in queue(second, "?subject=order.paid")
    assert "migration-1" not in queue(second, "?state=rejected")
    assert "migration-1" not in queue(make_person("other", role="developer", prefix="shop."))
    second.api.post(f"{ADDRESS}/1/approve")
    assert "migration-1" not in queue(second)


def test_subscribers_are_told(told, versions, owner):
    told()
    post(owner)
    owner.api.delete(f"{ADDRESS}/1")
    found = [(one["metadata"]["state"], one["metadata"]["from"], one["metadata"]["to"]) for one in told()]
    assert found == [("active", "1.0.0", "2.0.0"), ("retired", "1.0.0", "2.0.0")]


def test_a_version_deleted_for_good_takes_its_migrations_along(versions, owner):
    post(owner)
    owner.api.delete("/api/v1/subjects/order.placed/versions/1")
    owner.api.delete("/api/v1/subjects/order.placed/versions/1?permanent=true")
    assert not VersionMigration.objects.exists()


def test_no_subject_is_called_so_that_its_address_means_another_one_s_migrations(owner):
    refused = owner.api.post("/api/v1/subjects/a%2Fmigrations%2Fb/versions", {"schema": "{}"}, format="json")
    assert refused.json()["error_code"] == 42208


def test_the_page_tries_registers_and_retires(versions, owner, send):
    send(old(event_id="shown-1", metadata={"amount": 7}))
    form = {"source": "1.0.0", "target": "2.0.0", "up": json.dumps(UP), "down": json.dumps(DOWN)}
    page = owner.browser.get("/subjects/order.placed/migrations/new").content.decode()
    assert "Try it" in page
    tried = owner.browser.post("/subjects/order.placed/migrations/new", {**form, "preview": "yes"})
    text = tried.content.decode()
    assert "Nothing speaks against it" in text
    assert "event shown-1" in text
    assert "&quot;total&quot;: 7" in text
    assert not VersionMigration.objects.exists()
    wrong = owner.browser.post(
        "/subjects/order.placed/migrations/new", {**form, "up": "[]", "preview": "yes"}
    )
    assert "It would be refused" in wrong.content.decode()
    refused = owner.browser.post(
        "/subjects/order.placed/migrations/new", {**form, "up": "[]", "register": "yes"}
    )
    assert "From 1.0.0 to 2.0.0" in refused.content.decode()
    made = owner.browser.post(
        "/subjects/order.placed/migrations/new", {**form, "register": "yes"}, follow=True
    )
    assert "Migration 1 from 1.0.0 to 2.0.0 is in use." in made.content.decode()
    assert "1.0.0 → 2.0.0" in made.content.decode()
    gone = owner.browser.post("/subjects/order.placed/migrations/1/retire", follow=True)
    assert "is retired" in gone.content.decode()
