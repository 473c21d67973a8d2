"""Contexts: qualified names, ids and rules of their own, base URLs, and who may see what of them."""

import pytest

from registry.models import SchemaId
from tests.registry.wire import (
    A_REQUIRED,
    BASE,
    ONE_FIELD,
    OTHER_TYPE,
    THREE_FIELDS,
    TWO_FIELDS,
    assert_error,
    register,
    text,
)

BERLIN = f"{BASE}/contexts/.berlin"


@pytest.fixture
def api(owner):
    return owner.api


def test_a_context_comes_with_its_first_version_and_goes_when_it_is_empty(api):
    assert api.get(f"{BASE}/contexts").json() == ["."]
    register(api, ":.berlin:orders", ONE_FIELD)
    register(api, ":.athens:orders", ONE_FIELD)
    assert api.get(f"{BASE}/contexts").json() == [".", ".athens", ".berlin"]
    assert api.get(f"{BASE}/contexts?contextPrefix=.b").json() == [".berlin"]
    assert api.get(f"{BASE}/contexts?offset=1&limit=1").json() == [".athens"]

    api.delete(f"{BASE}/subjects/:.berlin:orders")
    assert_error(api.delete(f"{BASE}/contexts/.berlin"), 42211)
    api.delete(f"{BASE}/subjects/:.berlin:orders?permanent=true")
    api.put(f"{BASE}/config/:.berlin:", {"compatibility": "NONE"})
    gone = api.delete(f"{BASE}/contexts/.berlin")
    assert (gone.status_code, gone.content) == (204, b"")
    assert api.get(f"{BASE}/contexts").json() == [".", ".athens"]
    assert_error(api.get(f"{BASE}/config/:.berlin:"), 40408)
    assert_error(api.delete(f"{BASE}/contexts/.berlin"), 40400, "Context '.berlin' not found.")


def test_the_default_context_may_be_named_or_not(api):
    first = register(api, ":.:orders", ONE_FIELD)
    assert register(api, "orders", ONE_FIELD)["id"] == first["id"]
    assert api.get(f"{BASE}/subjects").json() == ["orders"]
    assert api.get(f"{BASE}/subjects/:.:orders/versions").json() == [1]


def test_subjects_are_listed_per_context(api):
    for name in (":.berlin:orders", ":.athens:orders", "orders", "others"):
        register(api, name, ONE_FIELD)

    def listed(prefix=None):
        return api.get(f"{BASE}/subjects", {} if prefix is None else {"subjectPrefix": prefix}).json()

    assert listed() == listed(":*:") == [":.athens:orders", ":.berlin:orders", "orders", "others"]
    assert listed("") == ["orders", "others"]
    assert listed(":.berlin:") == [":.berlin:orders"]
    assert listed(":*:or") == [":.athens:orders", ":.berlin:orders", "orders"]
    assert listed(":.:oth") == ["others"]


def test_one_schema_has_one_guid_and_an_id_in_each_context(api):
    here = register(api, "orders", ONE_FIELD)
    there = register(api, ":.berlin:orders", ONE_FIELD)
    assert here["guid"] == there["guid"]
    assert api.get(f"{BASE}/schemas/guids/{here['guid']}").json()["schema"] == text(ONE_FIELD)["schema"]
    assert api.get(f"{BASE}/schemas/guids/{here['guid']}/ids").json() == [
        {"context": ".", "id": here["id"]},
        {"context": ".berlin", "id": there["id"]},
    ]
    assert api.get(f"{BASE}/schemas/ids/{here['id']}/subjects").json() == ["orders"]


def test_one_id_may_mean_another_schema_in_another_context(api):
    content_id = register(api, "orders", ONE_FIELD)["id"]
    api.put(f"{BASE}/mode/:.berlin:", {"mode": "IMPORT"})
    register(api, ":.berlin:bills", TWO_FIELDS, id=content_id, version=1)
    address = f"{BASE}/schemas/ids/{content_id}"
    here, there = text(ONE_FIELD)["schema"], text(TWO_FIELDS)["schema"]
    assert api.get(address).json()["schema"] == here
    assert api.get(address, {"subject": ":.berlin:"}).json()["schema"] == there
    assert api.get(address, {"subject": ":.berlin:bills"}).json()["schema"] == there
    assert api.get(f"{BERLIN}/schemas/ids/{content_id}").json()["schema"] == there
    assert api.get(f"{BERLIN}/schemas/ids/{content_id}/schema").content.decode() == there
    assert api.get(f"{BERLIN}/schemas/ids/{content_id}/versions").json() == [
        {"subject": ":.berlin:bills", "version": 1}
    ]
    # A subject without its context is the default one's if it has the id there, else whoever has it.
    assert api.get(address, {"subject": "orders"}).json()["schema"] == here
    assert api.get(address, {"subject": "bills"}).json()["schema"] == there
    assert api.get(address, {"subject": "unknown"}).json()["schema"] == here
    assert_error(api.get(address, {"subject": ":.berlin:orders"}), 40403, f"Schema {content_id} not found")


def test_a_base_url_answers_for_its_context(api):
    register(api, "orders", OTHER_TYPE)
    answer = api.post(f"{BERLIN}/subjects/orders/versions", text(ONE_FIELD)).json()
    assert answer["version"] == 1
    assert api.get(f"{BERLIN}/subjects").json() == [":.berlin:orders"]
    assert api.get(f"{BERLIN}/subjects/orders/versions/latest").json()["subject"] == ":.berlin:orders"
    assert api.post(f"{BERLIN}/subjects/orders", text(ONE_FIELD)).json()["id"] == answer["id"]
    asked = api.post(f"{BERLIN}/compatibility/subjects/orders/versions/latest", text(A_REQUIRED))
    assert asked.json()["is_compatible"] is False
    assert api.get(f"{BERLIN}/config").json() == {"compatibilityLevel": "BACKWARD"}
    assert api.get(f"{BERLIN}/mode").json() == {"mode": "READWRITE"}
    assert api.put(f"{BERLIN}/config", {"compatibility": "NONE"}).json() == {"compatibility": "NONE"}
    assert api.get(f"{BERLIN}/config").json() == {"compatibilityLevel": "NONE"}
    assert api.get(f"{BERLIN}/config/orders?defaultToGlobal=true").json() == {"compatibilityLevel": "NONE"}
    assert api.put(f"{BERLIN}/mode/orders", {"mode": "READONLY"}).json() == {"mode": "READONLY"}
    assert_error(api.post(f"{BERLIN}/subjects/orders/versions", text(TWO_FIELDS)), 42205)
    assert [s["subject"] for s in api.get(f"{BERLIN}/schemas").json()] == [":.berlin:orders"]
    assert api.get(f"{BERLIN}/schemas/types").json() == ["JSON"]
    assert api.get(f"{BERLIN}/contexts").json() == [".", ".berlin"]
    assert api.get(f"{BERLIN}/").json() == {}
    assert api.get(f"{BASE}/subjects/orders/versions").json() == [1]


@pytest.mark.parametrize("written", [".berlin", "berlin", ":.berlin:"])
def test_the_base_url_takes_the_context_in_each_of_its_spellings(api, written):
    api.post(f"{BASE}/contexts/{written}/subjects/a%2Fb/versions", text(ONE_FIELD))
    assert api.get(f"{BASE}/subjects").json() == [":.berlin:a/b"]


def test_the_default_context_has_a_base_url_too(api):
    register(api, ":.berlin:orders", ONE_FIELD)
    api.post(f"{BASE}/contexts/:.:/subjects/orders/versions", text(ONE_FIELD))
    assert api.get(f"{BASE}/contexts/:.:/subjects").json() == ["orders"]
    assert api.get(f"{BASE}/contexts/:.:/config").json() == {"compatibilityLevel": "BACKWARD"}


@pytest.mark.parametrize("named", ["a:b", "__GLOBAL", "%20x/..", ":"])
def test_what_is_no_context_has_no_base_url(api, named):
    assert api.get(f"{BASE}/contexts/{named}/subjects").status_code == 404


@pytest.mark.parametrize("name", [":.berlin", ":.berlin:", ":.a/b:orders", ":.__GLOBAL:orders"])
def test_what_names_no_subject_of_a_context_is_refused(api, name):
    assert_error(api.post(f"{BASE}/subjects/{name}/versions", text(ONE_FIELD)), 42208)
    assert SchemaId.objects.count() == 0


def test_a_reference_without_a_context_is_one_within_its_own(api):
    base = register(api, ":.berlin:base", {"type": "string"})
    reference = {"name": "base.json", "subject": "base", "version": 1}
    user = register(api, ":.berlin:user", {"$ref": "base.json"}, references=[reference])
    assert api.get(f"{BERLIN}/subjects/base/versions/1/referencedby").json() == [user["id"]]
    kept = api.get(f"{BERLIN}/schemas/ids/{user['id']}").json()["references"]
    assert kept == [reference | {"subject": ":.berlin:base"}]
    fetched = api.get(f"{BERLIN}/subjects/{kept[0]['subject']}/versions/1").json()
    assert fetched["id"] == base["id"]
    refused = api.post(f"{BASE}/subjects/user/versions", text({"$ref": "base.json"}, references=[reference]))
    assert_error(refused, 42201)


def test_a_reference_may_lead_out_into_the_default_context(api):
    first = register(api, "base", {"type": "string"})
    second = register(api, "base", {"type": "string", "title": "again"})
    for version in (1, "^1"):
        reference = {"name": "base.json", "subject": ":.:base", "version": version}
        user = register(api, ":.berlin:user", {"$ref": "base.json"}, references=[reference])
        again = register(api, ":.berlin:user", {"$ref": "base.json"}, references=[reference])
        assert (user["created"], again["created"], again["id"]) == (True, False, user["id"])
    assert api.get(f"{BASE}/subjects/base/versions/2/referencedby").json() == [user["id"]]
    # As it has to be written for whoever reads it by the context's base URL.
    kept = api.get(f"{BERLIN}/schemas/ids/{user['id']}").json()["references"]
    assert kept == [{"name": "base.json", "subject": ":.:base", "version": 2}]
    fetched = [api.get(f"{url}/subjects/{kept[0]['subject']}/versions/2").json() for url in (BASE, BERLIN)]
    assert [answer["id"] for answer in fetched] == [second["id"]] * 2 != [first["id"]] * 2
    draft = register(
        api, ":.berlin:user", {"$ref": "base.json", "title": "t"}, references=kept, state="draft"
    )
    step = f"{BERLIN}/subjects/user/versions/{draft['version']}"
    assert api.post(f"{step}/state", {"state": "active"}).json()["state"] == "active"
    change = {"metadata": {"properties": {"owner": "shop"}}}
    assert api.post(f"{step}/tags", change).status_code == 200


def test_rules_come_from_the_subject_its_context_everywhere_or_the_default(api):
    def level(subject):
        return api.get(f"{BASE}/config/{subject}?defaultToGlobal=true").json()["compatibilityLevel"]

    assert (level("s"), level(":.berlin:s")) == ("BACKWARD", "BACKWARD")
    api.put(f"{BASE}/config/:.__GLOBAL:", {"compatibility": "FULL"})
    assert (level("s"), level(":.berlin:s")) == ("FULL", "FULL")
    api.put(f"{BASE}/config", {"compatibility": "FORWARD"})
    api.put(f"{BASE}/config/:.berlin:", {"compatibility": "NONE"})
    assert (level("s"), level(":.berlin:s"), level(":.athens:s")) == ("FORWARD", "NONE", "FULL")
    api.put(f"{BASE}/config/:.berlin:s", {"compatibility": "BACKWARD_TRANSITIVE"})
    assert level(":.berlin:s") == "BACKWARD_TRANSITIVE"
    api.put(f"{BASE}/mode/:.berlin:", {"mode": "READONLY"})
    assert_error(api.post(f"{BASE}/subjects/:.berlin:s/versions", text(ONE_FIELD)), 42205)
    assert register(api, ":.athens:s", ONE_FIELD)["version"] == 1


def test_recursive_deletion_of_a_mode_stays_within_its_context(api):
    for name in (":.berlin:", ":.berlin:a", ":.berlin:b", ":.athens:a", "a"):
        api.put(f"{BASE}/mode/{name}", {"mode": "READONLY"})
    assert api.delete(f"{BASE}/mode/:.berlin:?recursive=true").json() == {"mode": "READONLY"}
    for name in (":.berlin:", ":.berlin:a", ":.berlin:b"):
        assert_error(api.get(f"{BASE}/mode/{name}"), 40409)
    assert api.get(f"{BASE}/mode/:.athens:a").json() == {"mode": "READONLY"}
    assert api.delete(f"{BASE}/mode?recursive=true").json() == {"mode": "READWRITE"}
    assert_error(api.get(f"{BASE}/mode/a"), 40409)
    assert api.get(f"{BASE}/mode/:.athens:a").json() == {"mode": "READONLY"}
    # Where the context itself has none, the subjects lose theirs all the same.
    assert api.delete(f"{BASE}/mode/:.athens:?recursive=true").json() == {"mode": None}
    assert_error(api.get(f"{BASE}/mode/:.athens:a"), 40409)


def test_what_is_asked_for_without_its_context_is_found_in_another(api):
    register(api, ":.berlin:orders", ONE_FIELD)
    assert api.get(f"{BASE}/subjects/orders/versions/1").json()["subject"] == ":.berlin:orders"
    assert api.post(f"{BASE}/subjects/orders", text(ONE_FIELD)).json()["subject"] == ":.berlin:orders"
    assert_error(api.get(f"{BASE}/subjects/orders/versions"), 40401)
    assert_error(api.get(f"{BASE}/subjects/:.athens:orders/versions/1"), 40401)


# --- rights ---------------------------------------------------------------------------------------


@pytest.fixture
def berliner(make_person):
    """Develops what begins with `:.berlin:team.`, and has no other right."""
    return make_person("berliner", role="developer", prefix=":.berlin:team.")


def test_a_right_is_held_against_the_qualified_name(api, teammate, berliner):
    answer = berliner.api.post(f"{BERLIN}/subjects/team.a/versions", text(ONE_FIELD))
    assert answer.status_code == 200
    assert_error(berliner.api.post(f"{BASE}/subjects/team.a/versions", text(ONE_FIELD)), 40300)
    assert_error(berliner.api.post(f"{BERLIN}/subjects/other/versions", text(ONE_FIELD)), 40300)
    assert_error(teammate.api.get(f"{BERLIN}/subjects/team.a/versions/1"), 40300)
    assert berliner.api.get(f"{BERLIN}/schemas/ids/{answer.json()['id']}").status_code == 200
    assert_error(teammate.api.get(f"{BERLIN}/schemas/ids/{answer.json()['id']}"), 40300)


def test_only_what_may_be_read_is_listed(api, teammate, berliner, stranger):
    for name in (":.berlin:team.a", ":.berlin:other", ":.athens:team.a", "team.a", "other"):
        register(api, name, THREE_FIELDS)
    assert berliner.api.get(f"{BASE}/subjects").json() == [":.berlin:team.a"]
    assert berliner.api.get(f"{BASE}/contexts").json() == [".", ".berlin"]
    assert [s["subject"] for s in berliner.api.get(f"{BASE}/schemas?subjectPrefix=:*:").json()] == [
        ":.berlin:team.a"
    ]
    assert teammate.api.get(f"{BASE}/contexts").json() == ["."]
    assert stranger.api.get(f"{BASE}/contexts").json() == ["."]
    guid = api.get(f"{BASE}/subjects/other/versions/1").json()["guid"]
    assert [row["context"] for row in berliner.api.get(f"{BASE}/schemas/guids/{guid}/ids").json()] == [
        ".berlin"
    ]
    # Another context's namesake is found only by whoever may read it.
    assert_error(teammate.api.get(f"{BASE}/subjects/team.none/versions/1"), 40401)
    register(api, ":.athens:team.secret", ONE_FIELD)
    assert_error(teammate.api.get(f"{BASE}/subjects/team.secret/versions/1"), 40401)


def test_the_rules_of_a_context_are_its_administrators(api, berliner, make_person):
    chief = make_person("chief", role="admin", prefix=":.berlin:")
    assert berliner.api.get(f"{BERLIN}/config?defaultToGlobal=true").status_code == 200
    assert_error(berliner.api.put(f"{BERLIN}/config", {"compatibility": "NONE"}), 40300)
    assert_error(berliner.api.put(f"{BERLIN}/mode/team.a", {"mode": "IMPORT"}), 40300)
    assert_error(berliner.api.get(f"{BASE}/config/:.athens:"), 40300)
    assert chief.api.put(f"{BERLIN}/config", {"compatibility": "NONE"}).status_code == 200
    assert chief.api.put(f"{BERLIN}/mode/team.a", {"mode": "IMPORT"}).status_code == 200
    assert_error(chief.api.put(f"{BASE}/config", {"compatibility": "NONE"}), 40300)
    assert_error(chief.api.put(f"{BASE}/config/:.__GLOBAL:", {"compatibility": "NONE"}), 40300)
    assert_error(chief.api.delete(f"{BASE}/contexts/.athens"), 40300)
