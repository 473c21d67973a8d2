"""Signing events: a detached JWS over the exact bytes that travel, as the last member of the event."""

import base64
import json

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

import onex_sdk
from onex_sdk import InvalidOption
from onex_sdk.crypto import Signer, UnusableKey, Verifier, new_signing_key

LINE = '{"event_id":"e-1","metadata":{"größe":1.10,"n":9007199254740993}}'.encode()


@pytest.fixture
def signer():
    return Signer(new_signing_key())


@pytest.fixture
def verifier(signer):
    return Verifier({signer.kid: signer.public_key})


def test_the_signature_is_the_last_member_and_the_rest_stays_byte_for_byte(signer):
    signed = signer.sign(LINE)
    token = json.loads(signed)["signature"]
    assert signed == LINE[:-1] + b',"signature":"' + token.encode() + b'"}'
    header, payload, _ = token.split(".")
    assert payload == ""
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "Ed25519", "kid": signer.kid}


def test_any_jws_library_verifies_it(signer):
    token = json.loads(signer.sign(LINE))["signature"]
    key = OKPKey.import_key(signer.public_key)
    assert key.thumbprint() == signer.kid
    jws.deserialize_compact(token, key, algorithms=["Ed25519"], payload=LINE)


def test_every_byte_of_a_signed_event_counts(signer, verifier):
    signed = signer.sign(LINE)
    assert verifier.holds(signed)
    for at in range(len(signed)):
        for other in (signed[at] ^ 1, ord("A"), ord(" ")):
            if other != signed[at]:
                changed = signed[:at] + bytes([other]) + signed[at + 1 :]
                assert not verifier.holds(changed), changed
    for changed in (signed + b" ", signed[:-1], b" " + signed, LINE, b"", b"{}"):
        assert not verifier.holds(changed)


def test_the_other_spellings_of_the_last_character_do_not_count(signer, verifier):
    """86 characters of base64 are 516 bits; a signature has 512."""
    signed = signer.sign(LINE)
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    accepted = [letter for letter in letters if verifier.holds(signed[:-3] + bytes([letter]) + b'"}')]
    assert accepted == [signed[-3]]


def test_a_key_that_is_not_trusted_does_not_count(signer):
    assert not Verifier({}).holds(signer.sign(LINE))
    other = Signer(new_signing_key())
    assert not Verifier({signer.kid: other.public_key}).holds(signer.sign(LINE))


@pytest.mark.parametrize(
    "key", ["", "nonsense", '{"kty":"OKP"}', ECKey.generate_key("P-256").as_pem().decode()], ids=len
)
def test_what_is_no_ed25519_key_is_refused(key):
    with pytest.raises(UnusableKey):
        Signer(key)


def test_a_public_key_does_not_sign(signer):
    with pytest.raises(UnusableKey, match="public half"):
        Signer(signer.public_key)


def test_what_a_client_emits_is_signed_with_the_key_of_its_file(server, registry, token, tmp_path, signer):
    key = new_signing_key()
    file = tmp_path / "key.pem"
    file.write_text(key)
    client = onex_sdk.init(server.url, token, "shop", signing_key_file=str(file))
    onex_sdk.emit("order.created", {"amount": 3})
    assert client.flush()
    body = next(asked.body for asked in registry.asked if asked.method == "POST")
    signed = Signer(key)
    (line,) = json.loads(body)
    assert "signature" in line
    assert Verifier({signed.kid: signed.public_key}).holds(body[1:-1])
    assert client.close()


def test_a_key_that_cannot_be_used_is_told_by_init(server, token, tmp_path):
    with pytest.raises(InvalidOption, match="signing_key: The signing key cannot be read"):
        onex_sdk.init(server.url, token, "shop", signing_key_file=str(tmp_path / "none.pem"))
    with pytest.raises(InvalidOption, match="signing_key: This is no Ed25519 key"):
        onex_sdk.init(server.url, token, "shop", signing_key="hunter2")


def test_a_key_is_not_shown_with_the_options(server, token):
    key = new_signing_key()
    client = onex_sdk.init(server.url, token, "shop", signing_key=key)
    assert key.splitlines()[1] not in repr(client.options)
    assert client.close()
