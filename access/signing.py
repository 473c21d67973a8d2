"""Signatures on what leaves this server, as Standard Webhooks 1.0.0 says.

v1 is HMAC-SHA256 with a secret (whsec_) that both sides know; v1a is Ed25519 with a private key (whsk_) that never
leaves this server, so that whoever can verify, with the public one (whpk_), cannot sign.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from access.errors import SecretInvalid
from access.sealed import require_known

PREFIX = "whsec_"
PRIVATE = "whsk_"
PUBLIC = "whpk_"
MASK = "whsec_…"


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def new_private_key() -> str:
    """Seed and public key, as libsodium keeps a pair."""
    private = Ed25519PrivateKey.generate()
    return PRIVATE + base64.b64encode(private.private_bytes_raw() + _public(private)).decode()


def public_key_of(secret: str) -> str | None:
    """What a receiver verifies v1a with; None where the secret is one of v1."""
    if not secret.startswith(PRIVATE):
        return None
    return PUBLIC + base64.b64encode(_public(_private(secret))).decode()


def _public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def _private(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret.removeprefix(PRIVATE))[:32])


def key_of(secret: str) -> bytes:
    """Raises SecretInvalid unless it is `whsec_` and 24 to 64 bytes in base64."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise SecretInvalid(
            f"A signing secret is '{PREFIX}' followed by 24 to 64 bytes in base64. Leave it empty to get a new one.",
            pointer="/secret",
        )
    return key


def signed_headers(*, secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers by which a receiver knows who sent this, when, and that nobody changed it.

    `message_id` must be ASCII without dots of its own meaning: it is signed as `id.timestamp.body`. Without a
    secret the signature is left out. Raises SecretLost.
    """
    headers = {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp()))}
    if require_known(secret):
        content = f"{message_id}.{headers['webhook-timestamp']}.".encode() + body
        scheme, signature = _signature(secret, content)
        headers["webhook-signature"] = f"{scheme},{base64.b64encode(signature).decode()}"
    return headers


def _signature(secret: str, content: bytes) -> tuple[str, bytes]:
    if secret.startswith(PRIVATE):
        return "v1a", _private(secret).sign(content)
    return "v1", hmac.new(key_of(secret), content, hashlib.sha256).digest()
