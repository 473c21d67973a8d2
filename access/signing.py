"""Signatures on what leaves this server, as Standard Webhooks 1.0.0 says (scheme v1: HMAC-SHA256)."""

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime

from access.errors import SecretInvalid

PREFIX = "whsec_"
MASK = "whsec_…"


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


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
    secret the signature is left out.
    """
    headers = {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp()))}
    if secret:
        content = f"{message_id}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(key_of(secret), content, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers
