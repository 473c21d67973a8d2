"""The compatibility endpoints, and levels, policies and modes over the wire API."""

import json

import pytest

ONE_FIELD = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO_FIELDS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
A_REQUIRED = {**ONE_FIELD, "required": ["a"]}
OTHER_TYPE = {"type": "object", "properties": {"a": {"type": "integer"}}}
V1 = "application/vnd.schemaregistry.v1+json"
BASE = "/api/v1"


@pytest.fixture
def api(owner):
    return owner.api


def text(schema):
    return {"schema": json.dumps(schema), "schemaType": "JSON"}


def register(api, subject, schema, **more):
    answer = api.post(f"{BASE}/subjects/{subject}/versions", text(schema) | more)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def ask(api, schema, where="s/versions/latest", query="", **headers):
    return api.post(f"{BASE}/compatibility/subjects/{where}{query}", text(schema), **headers)


def assert_error(answer, code, message=None):
    assert (answer.status_code, answer.json()["error_code"]) == (code // 100, code), answer.json()
    assert message is None or answer.json()["message"] == message


def test_wire_clients_get_the_bare_answer(api):
    register(api, "s", ONE_FIELD)
    assert ask(api, TWO_FIELDS, HTTP_ACCEPT=V1).json() == {"is_compatible": True}
    assert ask(api, A_REQUIRED, HTTP_ACCEPT=V1).json() == {"is_compatible": False}


def test_verbose_says_why_not(api):
    register(api, "s", ONE_FIELD)
    answer = ask(api, A_REQUIRED, query="?verbose=True", HTTP_ACCEPT=V1).json()
    assert answer["is_compatible"] is False
    assert any("Valid for version 1 and refused by the new schema: {}" in said for said in answer["messages"])
    assert "compatibility: 'BACKWARD'" in answer["messages"][-1]
    assert ask(api, TWO_FIELDS, query="?verbose=true", HTTP_ACCEPT=V1).json() == {
        "is_compatible": True,
        "messages": [],
    }


def test_everyone_else_gets_the_evidence(api):
    register(api, "s", ONE_FIELD)
    details = ask(api, A_REQUIRED).json()["details"]
    assert details["witness"]["instance"] == {}
    assert details["semver"]["required"] == "major"


def test_one_version_is_compared_in_the_direction_of_the_level(api):
    api.put(f"{BASE}/config/s", {"compatibility": "NONE"})
    register(api, "s", OTHER_TYPE)
    register(api, "s", ONE_FIELD)
    api.put(f"{BASE}/config/s", {"compatibility": "FORWARD"})
    assert ask(api, A_REQUIRED).json()["is_compatible"] is True
    assert ask(api, A_REQUIRED, "s/versions/1").json()["is_compatible"] is False
    assert ask(api, A_REQUIRED, "s/versions").json()["is_compatible"] is True
    api.put(f"{BASE}/config/s", {"compatibility": "FORWARD_TRANSITIVE"})
    assert ask(api, A_REQUIRED, "s/versions").json()["is_compatible"] is False


def test_the_latest_of_an_unknown_subject_is_compatible_with_everything(api):
    assert ask(api, ONE_FIELD).json()["is_compatible"] is True
    assert ask(api, ONE_FIELD, "s/versions").json()["is_compatible"] is True
    assert_error(ask(api, ONE_FIELD, "s/versions/1"), 40402, "Version 1 not found.")


def test_bad_questions_have_their_codes(api):
    register(api, "s", ONE_FIELD)
    assert_error(ask(api, ONE_FIELD, "s/versions/9"), 40402, "Version 9 not found.")
    assert_error(ask(api, ONE_FIELD, "s/versions/0"), 42202)
    assert_error(ask(api, {"type": 3}), 42201)
    answer = ask(api, {"type": 3}, query="?verbose=true")
    assert answer.status_code == 200
    assert answer.json()["is_compatible"] is False
    assert answer.json()["messages"][0].startswith("Invalid schema")


def test_the_level_of_the_instance(api):
    assert api.get(f"{BASE}/config").json() == {"compatibilityLevel": "BACKWARD"}
    assert api.put(f"{BASE}/config", {"compatibility": "full", "unknown": 1}).json() == {
        "compatibility": "FULL"
    }
    assert api.get(f"{BASE}/config").json() == {"compatibilityLevel": "FULL"}
    assert api.delete(f"{BASE}/config").json() == {"compatibilityLevel": "FULL"}
    assert api.get(f"{BASE}/config").json() == {"compatibilityLevel": "BACKWARD"}


def test_the_level_of_a_subject(api):
    assert_error(
        api.get(f"{BASE}/config/s"), 40408, "Subject 's' does not have subject-level compatibility configured"
    )
    assert api.get(f"{BASE}/config/s?defaultToGlobal=true").json() == {"compatibilityLevel": "BACKWARD"}
    change = {"compatibility": "NONE", "compatibilityPolicy": "LENIENT", "normalize": True}
    assert api.put(f"{BASE}/config/s", change).json() == change
    assert api.get(f"{BASE}/config/s").json() == {
        "compatibilityLevel": "NONE",
        "compatibilityPolicy": "LENIENT",
        "normalize": True,
    }
    assert api.delete(f"{BASE}/config/s").json()["compatibilityLevel"] == "NONE"
    assert_error(api.delete(f"{BASE}/config/s"), 40408)


@pytest.mark.parametrize("body", [{"compatibility": "SIDEWAYS"}, {"compatibility": 3}, {"compatibility": ""}])
def test_a_level_that_is_none_is_refused(api, body):
    message = (
        "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, "
        "forward_transitive, and full_transitive"
    )
    assert_error(api.put(f"{BASE}/config", body), 42203, message)


def test_the_policy_decides_what_compatible_means(api):
    register(api, "s", ONE_FIELD)
    assert ask(api, TWO_FIELDS).json()["is_compatible"] is True
    api.put(f"{BASE}/config/s", {"compatibilityPolicy": "OPEN"})
    answer = ask(api, TWO_FIELDS).json()
    assert answer["is_compatible"] is False
    assert answer["details"]["policy"] == "OPEN"


def test_modes(api):
    register(api, "s", ONE_FIELD)
    assert api.get(f"{BASE}/mode").json() == {"mode": "READWRITE"}
    assert_error(api.get(f"{BASE}/mode/s"), 40409)
    assert api.get(f"{BASE}/mode/s?defaultToGlobal=true").json() == {"mode": "READWRITE"}
    assert api.put(f"{BASE}/mode/s", {"mode": "readonly"}).json() == {"mode": "READONLY"}
    refused = api.post(f"{BASE}/subjects/s/versions", text(TWO_FIELDS))
    assert_error(refused, 42205, "Subject s is in read-only mode")
    assert_error(api.delete(f"{BASE}/subjects/s"), 42205)
    assert_error(api.delete(f"{BASE}/subjects/s/versions/1"), 42205)
    assert api.delete(f"{BASE}/mode/s").json() == {"mode": "READONLY"}
    assert_error(api.delete(f"{BASE}/mode/s"), 40409)
    assert_error(api.put(f"{BASE}/mode/s", {"mode": "SIDEWAYS"}), 42204)
    assert_error(api.put(f"{BASE}/mode/s", {}), 42204)
