"""What a configuration holds besides level and policy: groups, aliases, null to take back; and lists of everything."""

import tomllib
from pathlib import Path

import pytest

from tests.registry.wire import (
    A_REQUIRED,
    BASE,
    ONE_FIELD,
    OTHER_TYPE,
    TWO_FIELDS,
    V1,
    assert_error,
    register,
    text,
)

S = f"{BASE}/subjects/s"


@pytest.fixture
def api(owner):
    return owner.api


def test_every_member_is_stored_returned_and_taken_back_by_null(api):
    change = {
        "compatibility": "FULL",
        "compatibilityPolicy": "STRICT",
        "normalize": True,
        "validateFields": False,
        "validateRules": True,
        "alias": "t",
        "compatibilityGroup": "major",
        "defaultMetadata": {"properties": {"a": "b"}},
        "overrideMetadata": {"sensitive": ["a"]},
        "defaultRuleSet": {"domainRules": [{"name": "a"}]},
        "overrideRuleSet": {"migrationRules": [{"name": "b", "mode": "UPGRADE"}]},
    }
    shown = {"compatibilityLevel": "FULL", **change}
    del shown["compatibility"]
    assert api.put(f"{BASE}/config/s", change | {"unknown": 1}).json() == change
    assert api.get(f"{BASE}/config/s").json() == shown
    assert api.get(f"{BASE}/config/s?defaultToGlobal=true").json() == shown
    # What is not named stays.
    assert api.put(f"{BASE}/config/s", {"normalize": False}).json() == {"normalize": False}
    assert api.get(f"{BASE}/config/s").json() == shown | {"normalize": False}
    assert api.put(f"{BASE}/config/s", dict.fromkeys(change)).json() == {}
    assert_error(api.get(f"{BASE}/config/s"), 40408)


def test_deleting_answers_with_what_was_set(api):
    api.put(f"{BASE}/config/s", {"compatibility": "FULL", "alias": "t"})
    assert api.delete(f"{BASE}/config/s").json() == {"compatibilityLevel": "FULL", "alias": "t"}
    assert_error(api.delete(f"{BASE}/config/s"), 40408)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("normalize", "yes"),
        ("validateFields", 1),
        ("alias", 3),
        ("alias", "a/versions/1"),
        ("compatibilityGroup", []),
        ("compatibilityGroup", "x" * 256),
        ("defaultMetadata", "x"),
        ("overrideRuleSet", 3),
        ("compatibilityPolicy", "SOMEHOW"),
    ],
)
def test_a_member_of_the_wrong_kind_is_refused_and_changes_nothing(api, member, value):
    assert api.put(f"{BASE}/config/s", {member: value}).status_code in {400, 422}
    assert_error(api.get(f"{BASE}/config/s"), 40408)


def test_within_a_group_versions_are_compared_with_each_other_only(api):
    api.put(f"{BASE}/config/s", {"compatibilityGroup": "major"})
    one, two = ({"properties": {"major": number}} for number in "12")
    register(api, "s", ONE_FIELD, metadata=one)
    register(api, "s", OTHER_TYPE, metadata=two)
    assert register(api, "s", TWO_FIELDS, metadata=one)["version"] == 3
    refused = api.post(f"{S}/versions", text(A_REQUIRED, metadata=one))
    assert_error(refused, 40901)
    asked = api.post(f"{BASE}/compatibility/subjects/s/versions", text(OTHER_TYPE, metadata=two))
    assert asked.json()["is_compatible"] is True
    asked = api.post(f"{BASE}/compatibility/subjects/s/versions", text(OTHER_TYPE, metadata=one))
    assert asked.json()["is_compatible"] is False
    # Clients name a version, most of them the latest: of another group it is none of the schema's business.
    for version, metadata, compatible in (
        ("latest", {"properties": {"major": "9"}}, True),
        ("1", one, False),
    ):
        address = f"{BASE}/compatibility/subjects/s/versions/{version}"
        assert api.post(address, text(OTHER_TYPE, metadata=metadata)).json()["is_compatible"] is compatible


def test_an_alias_stands_for_its_subject(api):
    api.put(f"{BASE}/config/old.name", {"alias": "s"})
    first = api.post(f"{BASE}/subjects/old.name/versions", text(ONE_FIELD)).json()
    assert api.get(f"{BASE}/subjects").json() == ["s"]
    assert api.get(f"{BASE}/subjects/old.name/versions").json() == [1]
    assert api.get(f"{BASE}/subjects/old.name/versions/1", HTTP_ACCEPT=V1).json()["subject"] == "s"
    assert api.post(f"{BASE}/subjects/old.name", text(ONE_FIELD)).json()["id"] == first["id"]
    asked = api.post(f"{BASE}/compatibility/subjects/old.name/versions/latest", text(OTHER_TYPE))
    assert asked.json()["is_compatible"] is False
    assert api.delete(f"{BASE}/subjects/old.name/versions/1").json() == 1
    # Its own configuration is still its own.
    assert api.get(f"{BASE}/config/old.name").json() == {"alias": "s"}


@pytest.mark.parametrize("name", ["old.name", ":.:s"])
def test_every_address_of_a_version_takes_the_names_that_it_goes_by(api, name):
    api.put(f"{BASE}/config/old.name", {"alias": "s"})
    register(api, "s", ONE_FIELD)
    register(api, "s", TWO_FIELDS)
    for part in ("state", "docs", "example", "changes", "similar", "graph", "usage"):
        named, plain = (api.get(f"{BASE}/subjects/{each}/versions/2/{part}") for each in (name, "s"))
        assert named.status_code == 200, part
        assert named.json() == plain.json()
    step = api.post(f"{BASE}/subjects/{name}/versions/1/state", {"state": "deprecated"})
    assert (step.status_code, step.json()["subject"]) == (200, "s")
    # Settings, as the configuration, are about the name itself.
    assert api.get(f"{BASE}/settings/{name}").status_code == (200 if name == ":.:s" else 404)


def test_an_alias_gives_nobody_a_right(api, teammate):
    register(api, "secret", ONE_FIELD)
    assert teammate.api.put(f"{BASE}/config/team.a", {"alias": "secret"}).status_code == 200
    for answer in (
        teammate.api.get(f"{BASE}/subjects/team.a/versions"),
        teammate.api.get(f"{BASE}/subjects/team.a/versions/1"),
        teammate.api.post(f"{BASE}/subjects/team.a/versions", text(TWO_FIELDS)),
        teammate.api.delete(f"{BASE}/subjects/team.a"),
    ):
        assert_error(answer, 40300)


def test_normalised_texts_are_kept_with_sorted_keys(api):
    raw = '{"type": "object", "properties": {"b": {}, "a": {"maximum": 1.50}}}'
    api.post(f"{S}/versions?normalize=true", {"schema": raw})
    kept = api.get(f"{S}/versions/1").json()["schema"]
    assert kept == '{"properties":{"a":{"maximum":1.50},"b":{}},"type":"object"}'
    assert api.post(f"{S}?normalize=true", {"schema": raw}).json()["version"] == 1
    api.put(f"{BASE}/config/t", {"normalize": True})
    api.post(f"{BASE}/subjects/t/versions", {"schema": '{"type": "object", "$id": "t"}'})
    assert api.get(f"{BASE}/subjects/t/versions/1").json()["schema"] == '{"$id":"t","type":"object"}'


def test_a_schema_with_everything_inside_is_found_as_the_one_that_refers(api):
    register(api, "id", {"definitions": {"big": {"type": "integer"}}})
    reference = {"name": "id.json", "subject": "id", "version": 1}
    whole = {"type": "object", "properties": {"id": {"$ref": "id.json#/definitions/big"}}}
    registered = register(api, "s", whole, references=[reference])
    inlined = {"type": "object", "properties": {"id": {"type": "integer"}}}
    assert api.post(S, text(inlined)).json()["id"] == registered["id"]
    assert_error(api.post(S, text({"type": "object", "properties": {"id": {"type": "number"}}})), 40403)


# --- lists ----------------------------------------------------------------------------------------


@pytest.fixture
def full(api):
    register(api, "a", ONE_FIELD)
    register(api, "a", TWO_FIELDS, ruleSet={"domainRules": [{"name": "r", "type": "CEL"}]})
    register(api, "b", ONE_FIELD)
    register(api, "gone", ONE_FIELD)
    register(api, ":.berlin:a", ONE_FIELD)
    api.delete(f"{BASE}/subjects/gone")
    return api


def listed(api, query=""):
    return [(s["subject"], s["version"]) for s in api.get(f"{BASE}/schemas{query}").json()]


def test_all_schemas_of_all_subjects(full):
    assert listed(full) == [("a", 1), ("a", 2), ("b", 1)]
    assert listed(full, "?subjectPrefix=:*:") == [(":.berlin:a", 1), ("a", 1), ("a", 2), ("b", 1)]
    assert listed(full, "?subjectPrefix=:*:a") == [(":.berlin:a", 1), ("a", 1), ("a", 2)]
    assert listed(full, "?subjectPrefix=b") == [("b", 1)]
    assert listed(full, "?latestOnly=true") == [("a", 2), ("b", 1)]
    assert listed(full, "?deleted=true&latestOnly=true") == [("a", 2), ("b", 1), ("gone", 1)]
    assert listed(full, "?ruleType=CEL&ruleType=X") == [("a", 2)]
    assert listed(full, "?ruleType=X") == []
    assert listed(full, "?offset=1&limit=1") == [("a", 2)]
    assert set(full.get(f"{BASE}/schemas", HTTP_ACCEPT=V1).json()[0]) == {
        "subject",
        "version",
        "id",
        "schema",
        "schemaType",
    }


def test_schemas_are_listed_up_to_a_limit(full, settings):
    settings.SCHEMAS_LIST_MAX = 2
    assert listed(full) == listed(full, "?limit=7") == [("a", 1), ("a", 2)]
    assert listed(full, "?offset=2") == [("b", 1)]


def test_aliases_are_listed_with_what_they_stand_for(full):
    full.put(f"{BASE}/config/z", {"alias": "b"})
    answer = full.get(f"{BASE}/schemas?subjectPrefix=z&aliases=true").json()
    assert [(s["subject"], s["aliases"]) for s in answer] == [("b", ["z"])]
    assert listed(full, "?subjectPrefix=z") == []


def test_subjects_that_are_wholly_deleted(full):
    full.delete(f"{BASE}/subjects/a/versions/1")
    assert full.get(f"{BASE}/subjects?deletedOnly=true").json() == ["gone"]
    assert full.get(f"{BASE}/subjects?subjectPrefix=&deleted=true").json() == ["a", "b", "gone"]


def test_deleted_versions_as_negative_numbers(full):
    full.delete(f"{BASE}/subjects/a/versions/1")
    address = f"{BASE}/subjects/a/versions"
    assert full.get(f"{address}?deletedAsNegative=true").json() == [-1, 2]
    assert full.get(f"{address}?deletedOnly=true").json() == [1]
    assert full.get(f"{address}?deleted=true&limit=1").json() == [1]


def test_the_highest_id_is_told_on_request(full):
    ids = [s["id"] for s in full.get(f"{BASE}/schemas?deleted=true").json()]
    answer = full.get(f"{BASE}/schemas/ids/{ids[0]}?fetchMaxId=true")
    assert answer.json()["maxId"] == max(ids)
    assert "Cache-Control" not in answer


def test_the_server_says_what_it_is(api):
    assert api.get(f"{BASE}/v1/metadata/id").json()["scope"]["clusters"]
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    assert api.get(f"{BASE}/v1/metadata/version").json() == {"version": project["version"], "commitId": ""}
    assert api.get(f"{BASE}/v1/metadata/deployment").json() == {"attributes": []}
