"""One batch to the server, and what it says about each event."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from onex_sdk._client import RegistryClient
from onex_sdk._errors import RegistryError
from onex_sdk._stats import Stats

_log = logging.getLogger("onex_sdk")


class Sender:
    def __init__(self, registry: RegistryClient, stats: Stats) -> None:
        self._registry = registry
        self._stats = stats

    def send(self, lines: Sequence[bytes]) -> None:
        try:
            sent = self._registry.send_lines(lines)
        except RegistryError as error:
            self._stats.add("dropped_unsent", len(lines))
            _log.warning("%d events were not sent: %s", len(lines), error)
            return
        for result in sent.results:
            self._stats.add(result.status)
