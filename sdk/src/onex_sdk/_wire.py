"""A body of events on its way: compressed where that is worth it, and as the server understands it."""

from __future__ import annotations

from typing import Any

from onex_sdk._compress import encodings
from onex_sdk._errors import Refused
from onex_sdk._http import Api
from onex_sdk._options import Options
from onex_sdk._stats import Stats

_UNSUPPORTED = 415


class Wire:
    """Used by one thread."""

    def __init__(self, api: Api, options: Options, stats: Stats) -> None:
        self._api = api
        self._stats = stats
        # A body that holds an event over its limit is over that limit itself.
        self._from = min(options.compress_batch_bytes, options.compress_event_bytes)
        self._encodings = encodings() if options.compress else []

    def post_events(self, body: bytes) -> Any:
        """Raises as `RegistryClient.send` does."""
        while self._encodings and len(body) > self._from:
            encoding, compress = self._encodings[0]
            smaller = compress(body)
            try:
                answer = self._api.post("/events", smaller, encoding=encoding)
            except Refused as error:
                if error.status != _UNSUPPORTED:
                    raise
                self._encodings = self._encodings[1:]
                continue
            self._stats.add(f"compressed_{encoding}")
            self._count(body, smaller)
            return answer
        answer = self._api.post("/events", body)
        self._count(body, body)
        return answer

    def _count(self, body: bytes, sent: bytes) -> None:
        self._stats.add("bytes", len(body))
        self._stats.add("bytes_sent", len(sent))
