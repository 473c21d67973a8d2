"""Signatures, checked by the verifier that receivers install from PyPI."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from access.errors import SecretInvalid
from access.signing import key_of, new_private_key, new_secret, public_key_of, signed_headers


def test_the_public_verifier_accepts_what_we_sign():
    secret = new_secret()
    body = '{"type":"alert.firing","data":{"grüße":"✓"}}'.encode()
    headers = signed_headers(secret=secret, message_id="episode-7-firing-1", at=datetime.now(UTC), body=body)

    assert Webhook(secret).verify(body, headers) == {"type": "alert.firing", "data": {"grüße": "✓"}}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers | {"webhook-id": "episode-8-firing-1"})


def test_the_example_of_the_specification():
    """The vector of Standard Webhooks' own libraries."""
    headers = signed_headers(
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, UTC),
        body=b'{"test": 2432232314}',
    )
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_old_message_is_no_longer_accepted():
    secret = new_secret()
    headers = signed_headers(
        secret=secret, message_id="a", at=datetime.now(UTC) - timedelta(hours=1), body=b"{}"
    )
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b"{}", headers)


def test_without_a_secret_the_signature_is_left_out():
    headers = signed_headers(secret="", message_id="a", at=datetime.now(UTC), body=b"{}")
    assert set(headers) == {"webhook-id", "webhook-timestamp"}


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_short",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_not base64 at all, really not",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_ünïcödé",
    ],
)
def test_a_secret_that_receivers_would_not_take_is_refused(secret):
    with pytest.raises(SecretInvalid):
        key_of(secret)


def test_a_signature_of_v1a_is_verified_with_the_public_key_alone():
    private = new_private_key()
    public = public_key_of(private)
    assert public.startswith("whpk_")
    verifier = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    headers = signed_headers(secret=private, message_id="m-1", at=datetime.now(UTC), body=b"{}")
    scheme, signature = headers["webhook-signature"].split(",")
    assert scheme == "v1a"
    content = f"m-1.{headers['webhook-timestamp']}.{{}}".encode()
    verifier.verify(base64.b64decode(signature), content)
    with pytest.raises(InvalidSignature):
        verifier.verify(base64.b64decode(signature), content + b" ")


def test_a_secret_of_v1_has_no_public_key():
    assert public_key_of(new_secret()) is None
