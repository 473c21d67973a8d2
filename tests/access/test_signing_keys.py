"""Public keys of producers: registered, rotated and revoked, over REST and in the browser; private ones never come in."""

import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from joserfc.jwk import ECKey, OKPKey, RSAKey

from access.models import AuditEntry, SigningKey

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/keys/signing"


@pytest.fixture
def pair():
    return OKPKey.generate_key("Ed25519")


def public(key):
    return key.as_pem(private=False).decode()


def register(person, key, **more):
    return person.api.post(ADDRESS, {"name": "shop", "public_key": public(key), **more}, format="json")


def test_a_key_is_known_by_its_thumbprint(owner, pair):
    answer = register(owner, pair, subject_prefix="order.")
    assert answer.status_code == 201
    told = answer.json()
    assert told["kid"] == pair.thumbprint()
    assert (told["name"], told["subject_prefix"], told["state"]) == ("shop", "order.", "active")
    assert OKPKey.import_key(told["jwk"]).thumbprint() == told["kid"]
    assert owner.api.get(f"{ADDRESS}/{told['kid']}").json() == told
    assert [one["kid"] for one in owner.api.get(ADDRESS).json()["items"]] == [told["kid"]]
    assert AuditEntry.objects.get(action="signing_key.registered").details == {
        "name": "shop",
        "subject_prefix": "order.",
    }


def test_a_jwk_is_as_good_as_a_pem(owner, pair):
    jwk = json.dumps(pair.as_dict(private=False))
    answer = owner.api.post(ADDRESS, {"name": "shop", "public_key": jwk}, format="json")
    assert answer.json()["kid"] == pair.thumbprint()


@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_a_private_key_is_refused_and_kept_nowhere(owner, pair, form, caplog):
    private = pair.as_pem(private=True).decode() if form == "pem" else json.dumps(pair.as_dict(private=True))
    answer = owner.api.post(ADDRESS, {"name": "shop", "public_key": private}, format="json")
    assert answer.status_code == 422
    assert "private key, which must never leave its producer" in answer.json()["message"]
    secret = pair.as_dict(private=True)["d"]
    assert secret not in answer.content.decode() + caplog.text + str(list(AuditEntry.objects.values()))
    assert not SigningKey.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "{}",
        '{"kty": "OKP", "crv": "Ed25519", "x": "AA"}',
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        public(ECKey.generate_key("P-256")),
        public(RSAKey.generate_key(2048)),
        public(OKPKey.generate_key("Ed448")),
        public(OKPKey.generate_key("X25519")),
        "A" * 5_000,
    ],
    ids=["words", "empty", "short", "pem", "p-256", "rsa", "ed448", "x25519", "long"],
)
def test_what_is_no_ed25519_public_key_is_refused(owner, text):
    answer = owner.api.post(ADDRESS, {"name": "shop", "public_key": text}, format="json")
    assert answer.status_code == 422
    assert answer.json()["details"]["pointer"] == "/public_key"
    assert "Ed25519 public key" in answer.json()["message"]


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"name": "n" * 101}, "/name"),
        ({"subject_prefix": "p" * 256}, "/subject_prefix"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
    ],
)
def test_the_rest_of_a_request_is_checked(owner, pair, more, pointer):
    answer = register(owner, pair, **more)
    assert answer.status_code == 422
    assert pointer.strip("/") in answer.content.decode()


def test_a_key_is_taken_once(owner, pair):
    register(owner, pair)
    owner.api.delete(f"{ADDRESS}/{pair.thumbprint()}")
    answer = register(owner, pair)
    assert (answer.status_code, answer.json()["error_code"]) == (409, 40951)


def test_a_rotated_key_counts_a_while_longer(owner, pair):
    register(owner, pair, subject_prefix="order.")
    successor = OKPKey.generate_key("Ed25519")
    answer = owner.api.post(
        f"{ADDRESS}/{pair.thumbprint()}/rotate", {"public_key": public(successor)}, format="json"
    )
    assert (answer.status_code, answer.json()["subject_prefix"]) == (201, "order.")
    old = owner.api.get(f"{ADDRESS}/{pair.thumbprint()}").json()
    assert (old["state"], old["successor"]) == ("rotated", successor.thumbprint())
    ends = SigningKey.objects.get(kid=pair.thumbprint()).expires_at
    assert abs(ends - timezone.now() - settings.SIGNING_KEY_OVERLAP) < timedelta(minutes=1)
    again = owner.api.post(
        f"{ADDRESS}/{pair.thumbprint()}/rotate",
        {"public_key": public(OKPKey.generate_key("Ed25519"))},
        format="json",
    )
    assert (again.status_code, again.json()["error_code"]) == (409, 40952)


def test_a_revoked_key_says_why_and_stays_revoked(owner, pair):
    register(owner, pair)
    address = f"{ADDRESS}/{pair.thumbprint()}"
    told = owner.api.delete(address, {"reason": "laptop stolen"}, format="json").json()
    assert (told["state"], told["reason"]) == ("revoked", "laptop stolen")
    again = owner.api.delete(address, {"reason": "another"}, format="json").json()
    assert again["reason"] == "laptop stolen"
    assert AuditEntry.objects.filter(action="signing_key.revoked").count() == 1


def test_a_developer_registers_keys_of_their_own_types_only(teammate, stranger, owner, pair):
    assert register(teammate, pair).status_code == 403
    assert register(teammate, pair, subject_prefix="team.").status_code == 201
    assert register(stranger, OKPKey.generate_key("Ed25519"), subject_prefix="team.").status_code == 403
    other = OKPKey.generate_key("Ed25519")
    register(owner, other, subject_prefix="billing.")
    assert [one["kid"] for one in teammate.api.get(ADDRESS).json()["items"]] == [pair.thumbprint()]
    assert teammate.api.get(f"{ADDRESS}/{other.thumbprint()}").status_code == 404
    assert teammate.api.delete(f"{ADDRESS}/{other.thumbprint()}").status_code == 404


def test_in_the_browser_a_key_is_registered_rotated_and_revoked(owner, pair):
    browser = owner.browser
    form = {"name": "checkout", "public_key": public(pair), "subject_prefix": "order.", "lifetime": "365"}
    assert browser.post("/keys/signing/new", form).status_code == 302
    page = browser.get("/keys").content.decode()
    assert "checkout" in page
    assert pair.thumbprint() in page
    successor = OKPKey.generate_key("Ed25519")
    address = f"/keys/signing/{pair.thumbprint()}"
    assert browser.get(f"{address}/rotate").status_code == 200
    assert browser.post(f"{address}/rotate", {"public_key": public(successor)}).status_code == 302
    assert browser.post(f"{address}/revoke").status_code == 302
    assert SigningKey.objects.get(kid=pair.thumbprint()).state(timezone.now()) == "revoked"
    assert SigningKey.objects.get(kid=successor.thumbprint()).state(timezone.now()) == "active"


def test_the_form_says_what_is_wrong_beside_the_field(owner, pair):
    private = pair.as_pem(private=True).decode()
    form = {"name": "checkout", "public_key": private, "lifetime": "0"}
    page = owner.browser.post("/keys/signing/new", form).content.decode()
    assert "That is a private key" in page
    assert not SigningKey.objects.exists()


def test_an_empty_page_says_what_to_do(owner, stranger):
    assert "No signing keys yet" in owner.browser.get("/keys").content.decode()
    assert "Register a key" not in stranger.browser.get("/keys").content.decode()
