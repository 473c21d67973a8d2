"""Requests of the library requests carry the chain of work that makes them, to wherever this is mounted.

session.mount("https://orders.internal/", PropagatingAdapter())
"""

from __future__ import annotations

from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter

import onex_sdk


class PropagatingAdapter(HTTPAdapter):
    def add_headers(self, request: PreparedRequest, **_: Any) -> None:
        onex_sdk.inject(request.headers)
