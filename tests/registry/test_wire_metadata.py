"""Metadata and data rules: stored, returned, part of what an id means, inherited, laid beneath and above."""

import json

import pytest

from tests.registry.wire import BASE, ONE_FIELD, THREE_FIELDS, TWO_FIELDS, V1, assert_error, register, text

S = f"{BASE}/subjects/s"
OWNER = {"properties": {"owner": "shop"}}
RULE = {"name": "check", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "true"}
RULES = {"domainRules": [RULE]}


@pytest.fixture
def api(owner):
    return owner.api


def version(api, number="latest", **headers):
    return api.get(f"{S}/versions/{number}", **headers).json()


def test_they_come_back_with_the_version_and_with_the_id(api):
    metadata = {"properties": {"owner": "shop"}, "tags": {"a": ["PII"]}, "sensitive": ["owner"]}
    schema_id = register(api, "s", ONE_FIELD, metadata=metadata, ruleSet=RULES)["id"]
    for answer in (version(api, HTTP_ACCEPT=V1), api.get(f"{BASE}/schemas/ids/{schema_id}").json()):
        assert (answer["metadata"], answer["ruleSet"]) == (metadata, RULES)


def test_other_metadata_or_rules_are_another_version_with_another_id(api):
    plain = register(api, "s", ONE_FIELD)
    owned = register(api, "s", ONE_FIELD, metadata=OWNER)
    ruled = register(api, "s", ONE_FIELD, metadata=OWNER, ruleSet=RULES)
    assert len({plain["id"], owned["id"], ruled["id"]}) == 3
    assert len({plain["guid"], owned["guid"], ruled["guid"]}) == 3
    assert [plain["version"], owned["version"], ruled["version"]] == [1, 2, 3]
    assert "metadata" not in api.get(f"{BASE}/schemas/ids/{plain['id']}").json()
    # Under another subject it is the same again.
    assert register(api, "t", ONE_FIELD, metadata=OWNER)["id"] == owned["id"]


def test_what_is_left_out_is_taken_from_the_version_before(api):
    register(api, "s", ONE_FIELD, metadata=OWNER, ruleSet=RULES)
    register(api, "s", TWO_FIELDS)
    assert (version(api)["metadata"], version(api)["ruleSet"]) == (OWNER, RULES)
    register(api, "s", THREE_FIELDS, metadata={}, ruleSet={})
    assert not {"metadata", "ruleSet"} & version(api).keys()


def test_registering_again_without_metadata_finds_what_it_would_inherit(api):
    first = register(api, "s", ONE_FIELD, metadata=OWNER)
    again = register(api, "s", ONE_FIELD)
    assert (again["id"], again["created"]) == (first["id"], False)
    assert api.post(S, text(ONE_FIELD)).json()["id"] == first["id"]
    assert_error(api.post(S, text(ONE_FIELD, metadata={"properties": {"owner": "x"}})), 40403)


def test_the_rules_of_a_subject_lay_metadata_beneath_and_above(api):
    config = {
        "defaultMetadata": {"properties": {"team": "none", "zone": "eu"}},
        "overrideMetadata": {"properties": {"zone": "de"}, "tags": {"b": ["x"]}},
        "defaultRuleSet": {"domainRules": [RULE, RULE | {"name": "other"}]},
        "overrideRuleSet": {"domainRules": [RULE | {"expr": "false"}]},
    }
    assert api.put(f"{BASE}/config/s", config).json() == config
    assert api.get(f"{BASE}/config/s").json() == config
    first = register(api, "s", ONE_FIELD, metadata={"properties": {"team": "a"}, "tags": {"b": ["y"]}})
    assert version(api)["metadata"] == {"properties": {"team": "a", "zone": "de"}, "tags": {"b": ["x", "y"]}}
    assert [(r["name"], r["expr"]) for r in version(api)["ruleSet"]["domainRules"]] == [
        ("check", "false"),
        ("other", "true"),
    ]
    again = register(api, "s", ONE_FIELD)
    assert (again["id"], again["created"]) == (first["id"], False)


def test_the_latest_version_with_given_properties_is_found(api):
    register(api, "s", ONE_FIELD, metadata={"properties": {"owner": "shop", "zone": "eu"}})
    register(api, "s", TWO_FIELDS, metadata={"properties": {"owner": "shop"}})
    register(api, "s", THREE_FIELDS, metadata={"properties": {"owner": "bank"}})

    def found(query):
        return api.get(f"{S}/metadata?{query}")

    assert found("key=owner&value=shop").json()["version"] == 2
    assert found("key=owner&value=shop&key=zone&value=eu").json()["version"] == 1
    assert_error(found("key=owner&value=none"), 40402)
    assert_error(found("key=owner"), 40000)
    api.delete(f"{S}/versions/2")
    assert found("key=owner&value=shop").json()["version"] == 1
    assert found("key=owner&value=shop&deleted=true").json()["version"] == 2


def test_without_a_property_the_answer_says_what_was_looked_for(api):
    register(api, "s", ONE_FIELD)
    assert_error(api.get(f"{S}/metadata"), 40402, "Version with metadata not found.")


def test_who_asks_for_a_number_gets_a_version_that_carries_it(api):
    first = register(api, "s", ONE_FIELD)
    assert register(api, "s", ONE_FIELD, version=-1)["id"] == first["id"]
    second = register(api, "s", ONE_FIELD, version=2)
    assert (second["version"], second["metadata"]) == (2, {"properties": {"confluent:version": "2"}})
    assert second["id"] != first["id"]
    # Without a number the newest that is this schema is meant, or the one that is named.
    assert register(api, "s", ONE_FIELD)["version"] == 2
    named = {"properties": {"confluent:version": "1"}}
    assert api.post(S, text(ONE_FIELD, metadata=named)).json()["version"] == 1
    refused = api.post(f"{S}/versions", text(ONE_FIELD, version=2))
    assert_error(refused, 42201, "Version is not one more than previous version")
    # Once there, it goes on.
    assert register(api, "s", TWO_FIELDS)["metadata"] == {"properties": {"confluent:version": "3"}}


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"metadata": []}, 42201, "/metadata"),
        ({"metadata": {"properties": {"a": 1}}}, 42201, "/metadata/properties"),
        ({"metadata": {"tags": {"a": "PII"}}}, 42201, "/metadata/tags"),
        ({"metadata": {"tags": {"a": [1]}}}, 42201, "/metadata/tags"),
        ({"metadata": {"sensitive": "a"}}, 42201, "/metadata/sensitive"),
        ({"ruleSet": []}, 42201, "/ruleSet"),
        ({"ruleSet": {"domainRules": {}}}, 42210, "/ruleSet/domainRules"),
        ({"ruleSet": {"domainRules": [1]}}, 42210, "/ruleSet/domainRules/0"),
        ({"ruleSet": {"domainRules": [{}]}}, 42210, "/ruleSet/domainRules/0"),
        ({"ruleSet": {"domainRules": [RULE, RULE]}}, 42210, "/ruleSet/domainRules/1"),
        ({"ruleSet": {"domainRules": [RULE], "encodingRules": [RULE]}}, 42210, "/ruleSet/encodingRules/0"),
        ({"ruleSet": {"domainRules": [RULE | {"kind": "GUESS"}]}}, 42210, "/ruleSet/domainRules/0"),
        ({"ruleSet": {"domainRules": [RULE | {"kind": []}]}}, 42210, "/ruleSet/domainRules/0"),
        ({"ruleSet": {"domainRules": [RULE | {"mode": "UPGRADE"}]}}, 42210, "/ruleSet/domainRules/0"),
        ({"ruleSet": {"migrationRules": [RULE]}}, 42210, "/ruleSet/migrationRules/0"),
        ({"ruleSet": {"domainRules": [RULE | {"params": {"a": 1}}]}}, 42210, "/ruleSet/domainRules/0"),
        ({"ruleSet": {"domainRules": [RULE | {"tags": "a"}]}}, 42210, "/ruleSet/domainRules/0"),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
def test_what_no_client_could_read_back_is_refused_with_its_place(api, body, code, pointer):
    answer = api.post(f"{S}/versions", text(ONE_FIELD, **body))
    assert_error(answer, code)
    assert answer.json()["details"]["pointer"] == pointer
    # The rules of a subject take the same care.
    (name, value), *_ = body.items()
    member = {"metadata": "defaultMetadata", "ruleSet": "overrideRuleSet"}[name]
    refused = api.put(f"{BASE}/config/s", {member: value})
    assert refused.status_code in {400, 422}


# --- tags -----------------------------------------------------------------------------------------

NESTED = {
    "type": "object",
    "properties": {
        "lines": {
            "type": "array",
            "items": {"type": "object", "properties": {"text": {"type": "string", "maximum": 1.50}}},
        },
        "either": {"allOf": [{"type": "object", "properties": {"a": {}}}]},
    },
    "definitions": {"id": {"type": "integer"}},
}


def entry(path, *tags):
    return {"schemaEntity": {"entityPath": path, "entityType": "sr_field"}, "tags": list(tags)}


def test_tags_are_put_into_the_schema_and_make_a_version(api):
    register(api, "s", NESTED, metadata=OWNER, ruleSet=RULES)
    body = {
        "tagsToAdd": [
            entry("object.lines.array.object.text", "PII", "secret"),
            entry("object.either.allof.0.object.a", "x"),
            entry("definitions.id", "key"),
            entry("object", "record"),
        ]
    }
    answer = api.post(f"{S}/versions/1/tags", body)
    assert (answer.status_code, answer.json()["version"]) == (200, 2), answer.json()
    tagged = json.loads(version(api)["schema"])
    assert tagged["properties"]["lines"]["items"]["properties"]["text"]["confluent:tags"] == ["PII", "secret"]
    assert tagged["properties"]["either"]["allOf"][0]["properties"]["a"]["confluent:tags"] == ["x"]
    assert (tagged["definitions"]["id"]["confluent:tags"], tagged["confluent:tags"]) == (["key"], ["record"])
    assert (version(api)["metadata"], version(api)["ruleSet"]) == (OWNER, RULES)
    less = {"tagsToRemove": [entry("object.lines.array.object.text", "PII"), entry("object", "record")]}
    assert api.post(f"{S}/versions/latest/tags", less).json()["version"] == 3
    left = json.loads(version(api)["schema"])
    assert left["properties"]["lines"]["items"]["properties"]["text"]["confluent:tags"] == ["secret"]
    assert "confluent:tags" not in left


def test_numbers_stay_as_written_when_tags_are_put_in(api):
    raw = '{"type": "object", "properties": {"a": {"maximum": 1.50, "minimum": -18446744073709551617}}}'
    api.post(f"{S}/versions", {"schema": raw})
    assert api.post(f"{S}/versions/1/tags", {"tagsToAdd": [entry("object.a", "x")]}).status_code == 200
    assert '"maximum":1.50,"minimum":-18446744073709551617' in version(api)["schema"]


def test_an_upload_may_bring_its_tags(api):
    register(api, "s", ONE_FIELD, schemaTagsToAdd=[entry("object.a", "PII")])
    assert json.loads(version(api)["schema"])["properties"]["a"]["confluent:tags"] == ["PII"]


def test_rules_are_merged_and_removed_by_name(api):
    register(api, "s", ONE_FIELD, ruleSet=RULES)
    merge = {"rulesToMerge": {"domainRules": [RULE | {"name": "more"}]}, "rulesToRemove": ["check"]}
    assert api.post(f"{S}/versions/1/tags", merge).status_code == 200
    assert [rule["name"] for rule in version(api)["ruleSet"]["domainRules"]] == ["more"]


def test_references_survive_new_tags(api):
    register(api, "base", {"type": "string"})
    reference = {"name": "b.json", "subject": "base", "version": 1}
    schema = {"type": "object", "properties": {"a": {"$ref": "b.json"}, "b": {}}}
    register(api, "s", schema, references=[reference])
    assert api.post(f"{S}/versions/1/tags", {"tagsToAdd": [entry("object.b", "x")]}).status_code == 200
    assert version(api)["references"] == [reference]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"tagsToAdd": {"a": 1}}, 40000),
        ({"tagsToAdd": [1]}, 40000),
        ({"tagsToAdd": [{"tags": ["a"]}]}, 40000),
        ({"tagsToAdd": [entry("object.a") | {"tags": [1]}]}, 40000),
        ({"tagsToAdd": [entry("object.none", "x")]}, 42201),
        ({"tagsToAdd": [entry("", "x")]}, 42201),
        ({"tagsToAdd": [entry("object.a.allof.99999999999999999999", "x")]}, 42201),
        ({"metadata": []}, 40000),
        ({"rulesToMerge": {"domainRules": [{}]}}, 42210),
        ({"newVersion": 9, "metadata": {"sensitive": ["a"]}}, 42201),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
def test_what_cannot_be_tagged_is_refused(api, body, code):
    register(api, "s", ONE_FIELD)
    assert_error(api.post(f"{S}/versions/1/tags", body), code)
    assert api.get(f"{S}/versions").json() == [1]


def test_a_draft_that_is_activated_carries_what_an_upload_at_that_moment_would(api):
    register(api, "s", ONE_FIELD, metadata={"properties": {"owner": "x"}})
    register(api, "s", TWO_FIELDS, state="draft")
    api.put(f"{BASE}/config/s", {"overrideMetadata": {"properties": {"team": "core"}}})
    assert api.post(f"{S}/versions/2/state", {"state": "active"}).json()["version"] == 2
    assert version(api)["metadata"]["properties"] == {"owner": "x", "team": "core"}
    assert register(api, "s", TWO_FIELDS)["created"] is False
