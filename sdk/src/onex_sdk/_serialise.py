"""An event as the bytes that travel: once made they are never made again, so a second sending is the same event."""

from __future__ import annotations

import json
from typing import Any

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode


def serialise(event: dict[str, Any]) -> bytes:
    return _encode(event).encode()
