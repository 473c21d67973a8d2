"""Soft and permanent deletion over the wire API, in Confluent's order of rules."""

import json

import pytest

ONE_FIELD = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO_FIELDS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
BASE = "/api/v1"
S = f"{BASE}/subjects/s"


@pytest.fixture
def api(owner):
    return owner.api


def register(api, schema, subject="s", **more):
    body = {"schema": json.dumps(schema)} | more
    answer = api.post(f"{BASE}/subjects/{subject}/versions", body)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def assert_error(answer, code, message=None):
    assert (answer.status_code, answer.json()["error_code"]) == (code // 100, code), answer.json()
    assert message is None or answer.json()["message"] == message


def test_a_soft_deleted_subject_is_hidden_and_its_schema_stays(api):
    content_id = register(api, ONE_FIELD)["id"]
    register(api, TWO_FIELDS)
    assert api.delete(S).json() == [1, 2]
    assert api.get(f"{BASE}/subjects").json() == []
    assert_error(api.get(f"{S}/versions"), 40401, "Subject 's' not found.")
    assert api.get(f"{S}/versions?deleted=true").json() == [1, 2]
    assert api.get(f"{S}/versions/2?deleted=true").json()["deleted"] is True
    assert api.get(f"{BASE}/schemas/ids/{content_id}").status_code == 200
    assert api.get(f"{BASE}/schemas/ids/{content_id}/subjects").json() == []
    assert api.get(f"{BASE}/schemas/ids/{content_id}/subjects?deleted=true").json() == ["s"]


def test_subjects_go_softly_first(api):
    assert_error(api.delete(S), 40401, "Subject 's' not found.")
    content_id = register(api, ONE_FIELD)["id"]
    assert_error(
        api.delete(f"{S}?permanent=true"),
        40405,
        "Subject 's' was not deleted first before being permanently deleted",
    )
    assert api.delete(S).json() == [1]
    assert_error(
        api.delete(S), 40404, "Subject 's' was soft deleted.Set permanent=true to delete permanently"
    )
    assert api.delete(f"{S}?permanent=TRUE").json() == [1]
    assert_error(api.delete(f"{S}?permanent=true"), 40401)
    assert_error(api.get(f"{BASE}/schemas/ids/{content_id}"), 40403, f"Schema {content_id} not found")


def test_versions_go_softly_first(api):
    register(api, ONE_FIELD)
    register(api, TWO_FIELDS)
    assert_error(api.delete(f"{S}/versions/9"), 40402, "Version 9 not found.")
    assert_error(api.delete(f"{S}/versions/0"), 42202)
    assert_error(api.delete(f"{S}/versions/1?permanent=true"), 40407)
    assert api.delete(f"{S}/versions/1").json() == 1
    assert_error(api.delete(f"{S}/versions/1"), 40406)
    assert api.get(f"{S}/versions").json() == [2]
    assert api.delete(f"{S}/versions/1?permanent=true").json() == 1
    assert_error(api.delete(f"{S}/versions/1?permanent=true"), 40402)
    assert api.delete(f"{S}/versions/latest").json() == 2
    assert_error(api.delete(f"{S}/versions/latest"), 40401)


def test_what_was_deleted_comes_back_with_its_id_under_a_new_number(api):
    first = register(api, ONE_FIELD)
    api.delete(S)
    again = register(api, ONE_FIELD)
    assert (again["id"], again["version"]) == (first["id"], 2)
    assert again["semver"] != first["semver"]
    assert api.get(f"{S}/versions").json() == [2]


def test_after_the_last_version_everything_begins_anew_but_the_id(api):
    first = register(api, ONE_FIELD)
    api.put(f"{BASE}/config/s", {"compatibility": "NONE"})
    api.delete(S)
    api.delete(f"{S}?permanent=true")
    assert_error(api.get(f"{BASE}/config/s"), 40408)
    again = register(api, ONE_FIELD)
    assert (again["version"], again["semver"], again["id"]) == (1, "1.0.0", first["id"])


def test_deleted_versions_take_no_part_in_compatibility(api):
    register(api, ONE_FIELD)
    api.delete(f"{S}/versions/1")
    assert register(api, {"type": "string"})["version"] == 2


def test_what_is_referred_to_stays(api):
    register(api, {"type": "string"}, "base")
    reference = {"name": "base.json", "subject": "base", "version": 1}
    register(api, {"$ref": "base.json"}, references=[reference])
    for path in ("base", "base/versions/1"):
        assert_error(api.delete(f"{BASE}/subjects/{path}"), 42206)
    api.delete(S)
    assert api.delete(f"{BASE}/subjects/base").json() == [1]
    assert_error(api.delete(f"{BASE}/subjects/base?permanent=true"), 42206)
    api.delete(f"{S}?permanent=true")
    assert api.delete(f"{BASE}/subjects/base?permanent=true").json() == [1]


def test_whoever_refers_to_it_is_named_only_to_those_who_may_read_that(api, teammate):
    register(api, {"type": "string"}, "team.base")
    references = [
        {"name": name, "subject": "team.base", "version": 1} for name in ("base.json", "again.json")
    ]
    used = {"oneOf": [{"$ref": "base.json"}, {"$ref": "again.json"}]}
    register(api, used, "secret.plan", references=references)
    refused = teammate.api.delete(f"{BASE}/subjects/team.base")
    assert_error(refused, 42206)
    assert "secret.plan" not in refused.content.decode()
    assert refused.json()["message"].endswith("Used by: 1 schema that you may not read.")
    register(api, used | {"title": "mine"}, "team.user", references=references)
    refused = teammate.api.delete(f"{BASE}/subjects/team.base/versions/1")
    assert refused.json()["message"].endswith("Used by: team.user v1, 1 schema that you may not read.")
    assert refused.json()["details"]["used_by"] == ["team.user v1"]


@pytest.mark.parametrize("range_", ["x", "*", "%20", "^1", "1.x", ">=1"])
def test_a_range_deletes_nothing(api, range_):
    """It would choose a version that the caller never named."""
    register(api, ONE_FIELD)
    assert_error(api.delete(f"{S}/versions/{range_}"), 42202)
    assert_error(api.delete(f"{S}/versions/{range_}?permanent=true"), 42202)
    assert api.get(f"{S}/versions").json() == [1]


def test_a_blank_names_no_version(api):
    register(api, ONE_FIELD)
    assert_error(api.get(f"{S}/versions/%20"), 42202)
