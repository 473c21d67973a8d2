"""Producers that sign: a key pair whose public half is registered, and events as they travel."""

import json
from typing import Any

from access.actor import SYSTEM
from access.signing_keys import register_signing_key
from onex_sdk.crypto import Signer, new_signing_key


def producer(name: str = "shop", prefix: str = "", **more: Any) -> Signer:
    """With its key registered."""
    signer = Signer(new_signing_key())
    register_signing_key(actor=SYSTEM, name=name, public_key=signer.public_key, subject_prefix=prefix, **more)
    return signer


def signed(signer: Signer, event: dict[str, Any]) -> bytes:
    return signer.sign(json.dumps(event, separators=(",", ":")).encode())
