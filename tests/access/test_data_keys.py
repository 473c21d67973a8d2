"""Keys of sensitive fields, kept wrapped: registered, rotated, revoked, restored and destroyed for ever."""

import pytest
from django.db import IntegrityError

from access.models import AuditEntry, DataKey

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/keys/data"
WRAPPED = "eyJhbGciOiJBMjU2S1cifQ.a2V5.aXY.Y2lwaGVy.dGFn"


def register(person, kid="key-0001", subject="team.order", **more):
    body = {"subject": subject, "kid": kid, "wrapped": WRAPPED, "wrapped_by": "local:0123", **more}
    return person.api.post(ADDRESS, body, format="json")


def state_of(kid):
    return DataKey.objects.get(kid=kid).state


def test_a_wrapped_key_is_kept_and_handed_out_as_it_came(owner):
    answer = register(owner)
    assert answer.status_code == 201
    told = owner.api.get(f"{ADDRESS}/key-0001").json()
    assert (told["wrapped"], told["state"], told["subject"]) == (WRAPPED, "active", "team.order")
    assert told == owner.api.get(f"{ADDRESS}?subject=team.order&state=active").json()["items"][0]
    assert owner.api.get(f"{ADDRESS}?subject=other").json()["items"] == []


def test_a_subject_has_one_active_key(owner):
    register(owner)
    answer = register(owner, "key-0002")
    assert (answer.status_code, answer.json()["error_code"]) == (409, 40953)
    assert answer.json()["details"]["kid"] == "key-0001"
    assert register(owner, "key-0002", replaces="key-0001").status_code == 201
    assert (state_of("key-0001"), state_of("key-0002")) == ("retired", "active")
    # Who rotates a key that another one replaced in the meantime learns of that.
    assert register(owner, "key-0003", replaces="key-0001").json()["details"]["kid"] == "key-0002"
    assert register(owner, "key-0001", subject="team.other").status_code == 409


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"wrapped": "c2VjcmV0"}, "/wrapped"),
        ({"wrapped": "a.b.c.d.e" * 2_000}, "/wrapped"),
        ({"kid": "short"}, "/kid"),
        ({"kid": "a/b/c/d/e/f"}, "/kid"),
        ({"wrapped_by": "n" * 201}, "/wrapped_by"),
    ],
)
def test_what_is_no_wrapped_key_is_refused(owner, more, pointer):
    answer = register(owner, **more)
    assert (answer.status_code, answer.json()["details"]["pointer"]) == (422, pointer)


def test_a_revoked_key_is_handed_out_to_nobody_until_it_is_restored(owner):
    register(owner)
    told = owner.api.post(f"{ADDRESS}/key-0001/revoke", {"reason": "a leak"}, format="json").json()
    assert (told["state"], told["wrapped"], told["reason"]) == ("revoked", "", "a leak")
    assert owner.api.get(f"{ADDRESS}/key-0001").json()["wrapped"] == ""
    assert register(owner, "key-0002").status_code == 201
    told = owner.api.post(f"{ADDRESS}/key-0001/restore").json()
    assert (told["state"], told["wrapped"]) == ("retired", WRAPPED)
    answer = owner.api.post(f"{ADDRESS}/key-0002/restore")
    assert (answer.status_code, answer.json()["error_code"]) == (409, 40954)


def test_a_destroyed_key_is_gone_from_the_database(owner):
    register(owner)
    told = owner.api.delete(f"{ADDRESS}/key-0001", {"reason": "customer 17 asked"}, format="json").json()
    assert (told["state"], told["wrapped"]) == ("destroyed", "")
    assert DataKey.objects.get().wrapped == ""
    assert AuditEntry.objects.get(action="data_key.destroyed").details == {
        "subject": "team.order",
        "reason": "customer 17 asked",
    }
    for method, address in (("post", "/revoke"), ("post", "/restore"), ("put", "")):
        body = {"wrapped": WRAPPED, "wrapped_by": "local:4567"}
        answer = getattr(owner.api, method)(f"{ADDRESS}/key-0001{address}", body, format="json")
        assert (answer.status_code, answer.json()["error_code"]) == (409, 40954)


def test_the_database_itself_keeps_no_destroyed_key(owner):
    register(owner)
    with pytest.raises(IntegrityError, match="destroyed_data_keys_are_gone"):
        DataKey.objects.update(state="destroyed")


def test_destroying_says_why(owner):
    register(owner)
    answer = owner.api.delete(f"{ADDRESS}/key-0001")
    assert (answer.status_code, answer.json()["details"]["pointer"]) == (422, "/reason")
    assert state_of("key-0001") == "active"


def test_a_key_is_wrapped_anew(owner):
    register(owner)
    other = WRAPPED.replace("a2V5", "b3RoZXI")
    body = {"wrapped": other, "wrapped_by": "vault:2"}
    assert owner.api.put(f"{ADDRESS}/key-0001", body, format="json").json()["wrapped"] == other
    assert AuditEntry.objects.get(action="data_key.rewrapped").details["before"] == "local:0123"
    # What opens nothing is nobody's to read in the audit log either.
    assert WRAPPED not in str(list(AuditEntry.objects.values()))


def test_producers_register_developers_revoke_and_administrators_destroy(make_person):
    producer = make_person("producer", role="producer", prefix="team.")
    developer = make_person("developer", role="developer", prefix="team.")
    neighbour = make_person("neighbour", role="admin", prefix="other.")
    assert register(neighbour).status_code == 403
    assert register(producer).status_code == 201
    assert producer.api.post(f"{ADDRESS}/key-0001/revoke").status_code == 403
    assert developer.api.post(f"{ADDRESS}/key-0001/revoke").status_code == 200
    assert developer.api.delete(f"{ADDRESS}/key-0001", {"reason": "x"}, format="json").status_code == 403
    assert neighbour.api.delete(f"{ADDRESS}/key-0001", {"reason": "x"}, format="json").status_code == 404
    assert neighbour.api.get(f"{ADDRESS}/key-0001").status_code == 404
    assert neighbour.api.get(ADDRESS).json()["items"] == []


def test_in_the_browser_a_key_is_revoked_restored_and_destroyed(owner):
    register(owner)
    browser = owner.browser
    assert "key-0001" in browser.get("/keys/data").content.decode()
    assert "No data key of this subject" in browser.get("/keys/data?subject=other").content.decode()
    page = browser.get("/keys/data/key-0001").content.decode()
    assert "encrypts what comes in now" in page
    assert WRAPPED not in page
    browser.post("/keys/data/key-0001/revoke", {"reason": "a leak"})
    assert state_of("key-0001") == "revoked"
    browser.post("/keys/data/key-0001/restore")
    assert state_of("key-0001") == "retired"
    refused = browser.post("/keys/data/key-0001/destroy", {"why": "asked to"})
    assert "This field is required" in refused.content.decode()
    assert state_of("key-0001") == "retired"
    browser.post("/keys/data/key-0001/destroy", {"why": "asked to", "sure": "on"})
    page = browser.get("/keys/data/key-0001").content.decode()
    assert "unreadable for ever" in page
    assert "Destroy for ever" not in page
