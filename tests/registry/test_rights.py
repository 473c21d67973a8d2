"""Owner, teammate and stranger at every address of the catalogue's API: 2xx where they may, 403 where not."""

import json

import pytest

from registry.publish import publish_version

BASE = "/api/v1"
BODY = {"schema": json.dumps({"type": "object"})}
# Method, address, body.
TABLE = [
    ("post", "subjects/{s}", BODY),
    ("get", "subjects/{s}/versions", None),
    ("get", "subjects/{s}/versions/1", None),
    ("get", "subjects/{s}/versions/1/schema", None),
    ("get", "subjects/{s}/versions/1/referencedby", None),
    ("get", "schemas/ids/{id}", None),
    ("get", "schemas/ids/{id}/schema", None),
    ("get", "schemas/ids/{id}/subjects", None),
    ("get", "schemas/ids/{id}/versions", None),
    ("post", "compatibility/subjects/{s}/versions/latest", BODY),
    ("post", "compatibility/subjects/{s}/versions", BODY),
    ("get", "config/{s}?defaultToGlobal=true", None),
    ("put", "config/{s}", {"compatibility": "FULL"}),
    ("delete", "config/{s}", None),
    ("get", "mode/{s}?defaultToGlobal=true", None),
    ("put", "mode/{s}", {"mode": "READWRITE"}),
    ("delete", "mode/{s}", None),
    ("post", "subjects/{s}/versions", BODY),
    ("delete", "subjects/{s}/versions/1", None),
    ("delete", "subjects/{s}", None),
]
INSTANCE = [
    ("put", "config", {"compatibility": "FULL"}),
    ("delete", "config", None),
    ("put", "mode", {"mode": "READWRITE"}),
    ("delete", "mode", None),
]


def send(person, case, **names):
    method, address, body = case
    return getattr(person.api, method)(f"{BASE}/{address.format(**names)}", body)


def name_of(case):
    return f"{case[0]} {case[1]}"


@pytest.mark.parametrize("case", TABLE, ids=name_of)
def test_rights_on_a_subject(owner, teammate, stranger, actor, case):
    ids = {}
    for name in ("team.orders", "orders"):
        # One schema for all would be readable through any of the subjects that use it.
        schema = {"title": name} if case[1].startswith("schemas") else {"type": "object"}
        published = publish_version(actor=actor, subject=name, schema=json.dumps(schema))
        ids[name] = published.content_id
    for person, name in ((stranger, "team.orders"), (teammate, "orders")):
        answer = send(person, case, s=name, id=ids[name])
        assert (answer.status_code, answer.json()["error_code"]) == (403, 40300)
    for person in (teammate, owner):
        answer = send(person, case, s="team.orders", id=ids["team.orders"])
        # The second of two deletions finds nothing left.
        assert answer.status_code in {200, 404}, answer.json()
        assert person is owner or answer.status_code == 200 or case[0] == "delete"


@pytest.mark.parametrize("case", INSTANCE, ids=name_of)
def test_the_instance_is_changed_by_administrators_of_everything(
    owner, teammate, stranger, make_person, case
):
    part = make_person("part", role="admin", prefix="team.")
    for person in (teammate, stranger, part):
        assert send(person, case).status_code == 403
    assert send(owner, case).status_code == 200


def test_lists_hold_what_one_may_read(owner, teammate, stranger, actor):
    for name in ("team.orders", "orders"):
        publish_version(actor=actor, subject=name, schema="{}")
    for person, names in ((owner, ["orders", "team.orders"]), (teammate, ["team.orders"]), (stranger, [])):
        assert person.api.get(f"{BASE}/subjects").json() == names
    content_id = owner.api.get(f"{BASE}/subjects/orders/versions/1").json()["id"]
    assert teammate.api.get(f"{BASE}/schemas/ids/{content_id}/subjects").json() == ["team.orders"]
    assert teammate.api.get(f"{BASE}/schemas/ids/{content_id}/versions").json() == [
        {"subject": "team.orders", "version": 1}
    ]


def test_a_token_may_do_no_more_than_its_scopes(owner, make_person, actor):
    publish_version(actor=actor, subject="orders", schema="{}")
    reader = make_person("reader", role="admin", scopes=["read"])
    assert reader.api.get(f"{BASE}/subjects/orders/versions").status_code == 200
    assert reader.api.post(f"{BASE}/subjects/orders/versions", BODY).status_code == 403
    assert reader.api.delete(f"{BASE}/subjects/orders").status_code == 403


def test_a_reference_to_what_one_may_not_read_is_refused(teammate, actor):
    publish_version(actor=actor, subject="secret", schema='{"type": "string"}')
    reference = {"name": "secret.json", "subject": "secret", "version": 1}
    body = {"schema": '{"$ref": "secret.json"}', "references": [reference]}
    assert teammate.api.post(f"{BASE}/subjects/team.orders/versions", body).status_code == 403


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer onex_wrong", "Basic ###", "Basic YTpi", "Digest x"])
def test_without_a_token_everything_is_401(client, db, header):
    headers = {"HTTP_AUTHORIZATION": header} if header else {}
    for address in ("subjects", "schemas/types", "schemas/ids/1", "config", "", "subjects/s/versions"):
        answer = client.get(f"{BASE}/{address}", **headers)
        assert (answer.status_code, answer.json()["error_code"]) == (401, 40100), address
        assert answer["WWW-Authenticate"].startswith("Bearer")
