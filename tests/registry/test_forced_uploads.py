"""What the level refuses and what nobody could prove: forced by an administrator, and audited."""

import json

import pytest

from access.errors import Forbidden
from access.models import AuditEntry
from registry.errors import Incompatible, Undecided
from registry.models import Subject
from registry.publish import publish_version

HARD = {"type": "string", "pattern": r"^(?=.*x)(?!.*y)(?<z>a+)\k<z>$"}
HARDER = {"type": "string", "pattern": r"^(?=.*x)(?!.*y)(?<z>a+)\k<z>b?$"}
ADDRESS = "/api/v1/subjects/team.orders/versions"


def test_an_administrator_may_force_what_is_undecided(publish, actor):
    publish("orders", HARD)
    with pytest.raises(Undecided, match="force"):
        publish("orders", HARDER)
    assert publish("orders", HARDER, force=True).judgement.status == "undecided"
    entry = AuditEntry.objects.get(action="version.forced")
    assert (entry.actor, entry.details["version"]) == (actor.label, 2)
    assert "version 1: " in entry.details["undecided"][0]


def test_what_is_refuted_may_be_forced_too_and_is_called_what_it_is(publish):
    publish("orders", {"type": "number"})
    with pytest.raises(Incompatible):
        publish("orders", {"type": "integer"})
    forced = publish("orders", {"type": "integer"}, force=True)
    assert (forced.judgement.status, forced.semver) == ("incompatible", "2.0.0")
    told = AuditEntry.objects.get(action="version.forced").details["incompatible"]
    assert told == ["version 1: the type of the value changed from number to integer"]


def test_a_force_that_spared_the_second_person_is_told(publish):
    publish("orders", {"type": "object", "properties": {"a": {}, "b": {}}})
    Subject.objects.update(needs_approval=True)
    # Compatible by the level, and yet a new major.
    assert publish("orders", {"type": "object", "properties": {"a": {}}}, force=True).semver == "2.0.0"
    assert AuditEntry.objects.get(action="version.forced").details == {"version": 2, "without_approval": True}


def test_a_force_that_was_not_needed_is_an_upload_like_others(publish):
    publish("orders", {"type": "integer"}, force=True)
    assert not AuditEntry.objects.filter(action="version.forced").exists()


def test_a_developer_may_not_force(teammate):
    publish_version(actor=teammate.actor, subject="team.orders", schema=json.dumps(HARD))
    with pytest.raises(Forbidden):
        publish_version(actor=teammate.actor, subject="team.orders", schema=json.dumps(HARDER), force=True)


def test_over_the_api(owner, teammate):
    teammate.api.post(ADDRESS, {"schema": json.dumps(HARD)})
    refused = teammate.api.post(ADDRESS, {"schema": json.dumps(HARDER)})
    assert (refused.status_code, refused.json()["details"]["code"]) == (409, "undecided_schema")
    assert teammate.api.post(f"{ADDRESS}?force=true", {"schema": json.dumps(HARDER)}).status_code == 403
    assert owner.api.post(f"{ADDRESS}?force=true", {"schema": json.dumps(HARDER)}).status_code == 200


def test_on_the_page_only_an_administrator_is_offered_it(owner, teammate):
    teammate.api.post(ADDRESS, {"schema": json.dumps(HARD)})
    form = {
        "subject": "team.orders",
        "schema": json.dumps(HARDER),
        "semver": "",
        "note": "",
        "references": "",
    }
    offered = "Publish although undecided"
    assert offered not in teammate.browser.post("/upload", form | {"publish": "yes"}).content.decode()
    assert offered in owner.browser.post("/upload", form | {"publish": "yes"}).content.decode()
    assert owner.browser.post("/upload", form | {"force": "yes"}).status_code == 302
