"""One encrypted value: a compact JWE with a shared key (`dir`, A256GCM) whose plaintext is the value as JSON."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from typing import Any

#: Header, no wrapped key, 12 bytes of initialisation vector, ciphertext, 16 bytes of tag.
SEALED = re.compile(r"eyJ[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}")


def is_sealed(value: Any) -> bool:
    """Whether it looks like an encrypted value; the key alone knows whether it is one."""
    return isinstance(value, str) and SEALED.fullmatch(value) is not None


def key_id(sealed: str) -> str | None:
    """Which key it was encrypted with; None when it does not say so as it should."""
    header = sealed.partition(".")[0]
    try:
        told = json.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except ValueError:
        return None
    kid = told.get("kid") if isinstance(told, dict) else None
    return kid if isinstance(kid, str) else None
