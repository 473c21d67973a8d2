"""Requests of httpx carry the chain of work that makes them.

httpx.Client(event_hooks={"request": [propagate]})
httpx.AsyncClient(event_hooks={"request": [propagate_async]})
"""

from __future__ import annotations

import httpx

import onex_sdk


def propagate(request: httpx.Request) -> None:
    onex_sdk.inject(request.headers)


async def propagate_async(request: httpx.Request) -> None:
    onex_sdk.inject(request.headers)
