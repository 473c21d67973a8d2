"""Register, look up, list and fetch over the wire API: bodies, codes and messages as Confluent's clients know them."""

import json

import pytest

ONE_FIELD = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO_FIELDS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
A_REQUIRED = {**ONE_FIELD, "required": ["a"]}
V1 = "application/vnd.schemaregistry.v1+json"
BASE = "/api/v1"


def text(schema):
    return {"schema": json.dumps(schema), "schemaType": "JSON"}


@pytest.fixture
def api(owner):
    return owner.api


def register(api, subject, schema, **more):
    return api.post(f"{BASE}/subjects/{subject}/versions", text(schema) | more)


def test_there_is_a_registry_here(api):
    assert api.get(f"{BASE}/").json() == {}
    assert api.get(f"{BASE}/schemas/types").json() == ["JSON"]


def test_register_answers_with_the_id_alone_to_wire_clients(api):
    answer = api.post(f"{BASE}/subjects/s/versions", text(ONE_FIELD), HTTP_ACCEPT=V1)
    assert answer.status_code == 200
    assert list(answer.json()) == ["id"]
    assert answer["Content-Type"] == V1


def test_register_tells_everyone_else_more(api):
    answer = register(api, "s", ONE_FIELD).json()
    assert (answer["version"], answer["semver"], answer["created"]) == (1, "1.0.0", True)
    assert register(api, "s", ONE_FIELD).json()["created"] is False


def test_a_schema_may_be_sent_as_an_object_with_its_numbers_as_written(api):
    body = b'{"schema": {"maximum": 1.50, "minimum": -18446744073709551617}}'
    answer = api.post(f"{BASE}/subjects/s/versions", body, content_type="application/json")
    raw = api.get(f"{BASE}/schemas/ids/{answer.json()['id']}/schema")
    assert raw.content == b'{"maximum":1.50,"minimum":-18446744073709551617}'


def test_an_incompatible_schema_is_409_with_the_witness(api):
    register(api, "s", ONE_FIELD)
    answer = register(api, "s", A_REQUIRED)
    body = answer.json()
    assert (answer.status_code, body["error_code"]) == (409, 40901)
    assert body["message"].startswith(
        'Schema being registered is incompatible with an earlier schema for subject "s", details: ['
    )
    assert body["details"]["witness"]["instance"] == {}
    assert body["details"]["semver"]["version"] == "2.0.0"


def test_a_dry_run_stores_nothing(api):
    answer = api.post(f"{BASE}/subjects/s/versions?dryRun=TRUE", text(ONE_FIELD)).json()
    assert (answer["id"], answer["version"], answer["semver"]) == (None, 1, "1.0.0")
    assert api.get(f"{BASE}/subjects").json() == []


@pytest.mark.parametrize(
    ("body", "status", "code", "said"),
    [
        (b"{", 400, 40000, "not JSON"),
        (b"[]", 400, 40000, "JSON object"),
        (b"{}", 422, 42201, "Empty schema"),
        (b'{"schema": ""}', 422, 42201, "Empty schema"),
        (b'{"schema": 3}', 422, 42201, "Empty schema"),
        (b'{"schema": "{"}', 422, 42201, "not JSON"),
        (b'{"schema": "{\\"type\\": 3}"}', 422, 42201, "Invalid schema"),
        (b'{"schema": "\\"string\\"", "schemaType": "AVRO"}', 422, 42201, "keeps JSON Schema"),
        (b'{"schema": "syntax = 3", "schemaType": "PROTOBUF"}', 422, 42201, "keeps JSON Schema"),
        (b'{"schema": "\\"string\\""}', 422, 42201, "object or a boolean"),
        (b'{"schema": "{}", "references": [{}]}', 422, 42201, "reference"),
        (
            b'{"schema": "{}", "references": [{"name": "x", "subject": "none", "version": 1}]}',
            422,
            42201,
            "Subject 'none' not found",
        ),
        (b'{"schema": "{}", "semver": "1.x"}', 422, 42202, "not a SemVer version"),
        (b'{"schema": ' + b'{"not":' * 10_000 + b"{}" + b"}" * 10_001, 422, 42201, "nested"),
        (
            json.dumps({"schema": '{"not":' * 10_000 + "{}" + "}" * 10_000}).encode(),
            422,
            42201,
            "levels deep",
        ),
        (b'{"schema": ' + b'{"not":' * 300 + b"{}" + b"}" * 301, 422, 42201, "levels deep"),
        (json.dumps({"schema": '{"not":' * 200 + "{}" + "}" * 200}).encode(), 422, 42201, "200 levels deep"),
        (b'{"schema": {"type": "string", "type": "number"}}', 422, 42201, "twice"),
        (b'{"schema": {"a": {"b": 1, "b": 1}}}', 422, 42201, "twice"),
        (
            json.dumps({"schema": "{}", "metadata": {}})
            .replace("{}}", '{"a":' * 980 + "1" + "}" * 980 + "}")
            .encode(),
            422,
            42201,
            "levels deep",
        ),
        (json.dumps({"schema": '{"a": "' + "x" * 5_000_000 + '"}'}).encode(), 422, 42209, "SCHEMA_MAX_BYTES"),
        (json.dumps({"schema": "x" * 20_000_000}).encode(), 413, 41300, "API_BODY_MAX_BYTES"),
        (b'{"schema": "{}", "metadata": {"a": "\\u0000"}}', 422, 42201, "U+0000"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_cannot_be_registered_is_answered_with_its_code(api, body, status, code, said):
    answer = api.post(f"{BASE}/subjects/s/versions", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert said in answer.json()["message"]
    assert api.get(f"{BASE}/subjects?deleted=true").json() == []


def test_as_deep_as_schemas_may_be_is_read_in_either_form(api):
    deep = '{"not":' * 199 + "{}" + "}" * 199
    register_text = json.dumps({"schema": deep}).encode()
    register_object = b'{"schema": ' + deep.encode() + b"}"
    ids = [
        api.post(f"{BASE}/subjects/s/versions", body, content_type="application/json").json()["id"]
        for body in (register_text, register_object)
    ]
    assert ids[0] == ids[1]


def test_another_content_type_is_415(api):
    answer = api.post(f"{BASE}/subjects/s/versions", b"<a/>", content_type="text/xml")
    assert (answer.status_code, answer.json()["error_code"]) == (415, 41500)


def test_what_curl_sends_is_read_as_json(api):
    answer = api.post(
        f"{BASE}/subjects/s/versions",
        json.dumps(text(ONE_FIELD)),
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 200


def test_lookup_finds_the_version_that_is_this_schema(api):
    register(api, "s", ONE_FIELD)
    register(api, "s", TWO_FIELDS)
    found = api.post(f"{BASE}/subjects/s", text(ONE_FIELD), HTTP_ACCEPT=V1).json()
    assert found == {
        "subject": "s",
        "version": 1,
        "id": found["id"],
        "schemaType": "JSON",
        "schema": json.dumps(ONE_FIELD),
    }


def test_lookup_tells_an_unknown_subject_from_an_unknown_schema(api):
    assert_error(api.post(f"{BASE}/subjects/s", text(ONE_FIELD)), 40401, "Subject 's' not found.")
    register(api, "s", ONE_FIELD)
    assert_error(api.post(f"{BASE}/subjects/s", text(TWO_FIELDS)), 40403, "Schema not found")
    assert_error(api.post(f"{BASE}/subjects/s", {"schema": "{"}), 42201)


def test_subjects_are_listed_by_name(api):
    for name in ("b", "a", "c.d"):
        register(api, name, ONE_FIELD)
    api.delete(f"{BASE}/subjects/a")
    assert api.get(f"{BASE}/subjects").json() == ["b", "c.d"]
    assert api.get(f"{BASE}/subjects?deleted=true").json() == ["a", "b", "c.d"]
    assert api.get(f"{BASE}/subjects?deletedOnly=True").json() == ["a"]
    assert api.get(f"{BASE}/subjects?subjectPrefix=c").json() == ["c.d"]
    assert api.get(f"{BASE}/subjects?subjectPrefix=%3A%2A%3A&offset=1&limit=1&unknown=1").json() == ["c.d"]


def test_versions_are_listed_and_fetched(api):
    register(api, "s", ONE_FIELD)
    register(api, "s", TWO_FIELDS)
    assert api.get(f"{BASE}/subjects/s/versions").json() == [1, 2]
    assert api.get(f"{BASE}/subjects/s/versions?offset=1").json() == [2]
    for wanted in ("2", "latest", "LATEST", "-1", "1.1.0", "^1", "1.x", "%5E1.1", ">=1.0.0 <2"):
        assert api.get(f"{BASE}/subjects/s/versions/{wanted}").json()["version"] == 2, wanted
    raw = api.get(f"{BASE}/subjects/s/versions/1/schema")
    assert raw.content == json.dumps(ONE_FIELD).encode()


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("/subjects/none/versions", 40401, "Subject 'none' not found."),
        ("/subjects/none/versions/1", 40401, "Subject 'none' not found."),
        ("/subjects/none/versions/latest", 40401, "Subject 'none' not found."),
        ("/subjects/s/versions/7", 40402, "Version 7 not found."),
        ("/subjects/s/versions/7/schema", 40402, "Version 7 not found."),
        ("/subjects/s/versions/7.0.0", 40402, "Version 7.0.0 not found."),
        ("/subjects/s/versions/^7", 40402, "Version ^7 not found."),
        ("/subjects/s/versions/0", 42202, None),
        ("/subjects/s/versions/-2", 42202, None),
        ("/subjects/s/versions/abc", 42202, None),
        ("/subjects/s/versions/2147483648", 42202, None),
        ("/subjects/s/versions/7/referencedby", 40402, None),
        ("/schemas/ids/999999", 40403, "Schema 999999 not found"),
        ("/schemas/ids/9999999999999999999", 40403, "Schema 9999999999999999999 not found"),
        ("/schemas/ids/999999/schema", 40403, "Schema 999999 not found"),
        ("/schemas/ids/999999/subjects", 40403, "Schema 999999 not found"),
        ("/schemas/ids/999999/versions", 40403, "Schema 999999 not found"),
        ("/config/s", 40408, "Subject 's' does not have subject-level compatibility configured"),
        ("/mode/s", 40409, "Subject 's' does not have subject-level mode configured"),
        ("/nothing", 40400, None),
    ],
)
def test_what_is_not_there_is_answered_with_its_code(api, path, code, message):
    register(api, "s", ONE_FIELD)
    assert_error(api.get(BASE + path), code, message)


def assert_error(answer, code, message=None):
    body = answer.json()
    assert (answer.status_code, body["error_code"]) == (code // 100, code), body
    assert message is None or body["message"] == message
    assert isinstance(body["details"], dict)


def test_a_schema_by_id_may_be_kept_by_its_reader(api):
    content_id = register(api, "s", ONE_FIELD).json()["id"]
    register(api, "t", ONE_FIELD)
    answer = api.get(f"{BASE}/schemas/ids/{content_id}")
    assert answer.json()["schema"] == json.dumps(ONE_FIELD)
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    assert "Authorization" in answer["Vary"]
    again = api.get(f"{BASE}/schemas/ids/{content_id}", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert api.get(f"{BASE}/schemas/ids/{content_id}/subjects").json() == ["s", "t"]
    assert api.get(f"{BASE}/schemas/ids/{content_id}/subjects?subject=t").json() == ["t"]
    assert api.get(f"{BASE}/schemas/ids/{content_id}/versions").json() == [
        {"subject": "s", "version": 1},
        {"subject": "t", "version": 1},
    ]


def test_references_are_kept_and_found_from_the_other_end(api):
    register(api, "base", {"type": "string", "minLength": 1})
    reference = {"name": "base.json", "subject": "base", "version": -1}
    answer = register(api, "s", {"$ref": "base.json"}, references=[reference]).json()
    found = api.get(f"{BASE}/schemas/ids/{answer['id']}").json()
    assert found["references"] == [{"name": "base.json", "subject": "base", "version": 1}]
    assert api.get(f"{BASE}/subjects/base/versions/1/referencedby").json() == [answer["id"]]
    refused = api.delete(f"{BASE}/subjects/base/versions/1")
    assert_error(refused, 42206)
    assert refused.json()["message"].startswith("One or more references exist to the schema")


def test_old_and_new_may_mean_different_versions_by_one_name(api):
    register(api, "base", {"type": "string", "minLength": 5})
    register(api, "base", {"type": "string", "minLength": 1})
    reference = {"name": "base.json", "subject": "base", "version": 2}
    register(api, "s", {"$ref": "base.json"}, references=[reference])
    narrower = register(api, "s", {"$ref": "base.json"}, references=[reference | {"version": 1}])
    assert_error(narrower, 40901)
    assert 1 <= len(narrower.json()["details"]["witness"]["instance"]) < 5


def test_errors_come_as_problem_json_on_request(api):
    answer = api.get(f"{BASE}/subjects/none/versions", HTTP_ACCEPT="application/problem+json")
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["title"], body["error_code"]) == (404, "Subject not found", 40401)
    assert body["detail"] == body["message"] == "Subject 'none' not found."


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (V1, V1),
        (f"{V1}, application/json;q=0.5", V1),
        ("application/vnd.schemaregistry+json", "application/vnd.schemaregistry+json"),
        ("application/json", "application/json"),
        ("*/*", V1),
        ("text/html,*/*;q=0.8", "application/json"),
        ("", V1),
    ],
)
def test_the_content_type_is_one_the_client_asked_for(api, accept, content_type):
    assert api.get(f"{BASE}/subjects", HTTP_ACCEPT=accept)["Content-Type"] == content_type


def test_a_version_says_how_its_events_are_judged_to_who_takes_such_members(owner):
    owner.api.post("/api/v1/subjects/orders/versions", {"schema": '{"type": "object"}'}, format="json")
    address = "/api/v1/subjects/orders/versions/1"
    answer = owner.api.get(address).json()
    assert (answer["dialect"], answer["assertFormats"], answer["versionWhenAbsent"]) == (
        "draft-07",
        False,
        "latest",
    )
    owner.api.patch("/api/v1/settings/orders", {"assert_formats": True})
    assert owner.api.get(address).json()["assertFormats"] is True
    assert not {"eventProfile", "renameAliases"} & answer.keys()
    assert answer["versionWhenAbsent"] == "latest"
    changed = {"version_when_absent": "1.0.0", "event_profile": "onex-v1", "rename_aliases": True}
    owner.api.patch("/api/v1/settings/orders", changed, format="json")
    told = owner.api.get(address).json()
    assert (told["versionWhenAbsent"], told["eventProfile"], told["renameAliases"]) == (
        "1.0.0",
        "onex-v1",
        True,
    )
    theirs = owner.api.get(address, HTTP_ACCEPT=V1).json()
    assert not {"dialect", "assertFormats", "versionWhenAbsent"} & theirs.keys()
