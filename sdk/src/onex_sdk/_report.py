"""What this process tells the registry about its events: all counts since it began, so that a lost report costs nothing."""

from __future__ import annotations

import json
import logging
import platform
import time
from collections.abc import Callable
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from uuid import uuid4

from onex_sdk._errors import RegistryError
from onex_sdk._http import Api
from onex_sdk._options import Options
from onex_sdk._stats import Stats

_log = logging.getLogger("onex_sdk")


def sdk_version() -> str:
    try:
        return version("onex-sdk")
    except PackageNotFoundError:
        return "unknown"


class Reporter:
    """Used by the sending thread, and by the one that closes after it."""

    def __init__(
        self,
        api: Api,
        options: Options,
        stats: Stats,
        gauges: Callable[[], dict[str, int]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._options = options
        self._stats = stats
        self._gauges = gauges
        self._clock = clock
        self._instance = str(uuid4())
        self._started = datetime.now(timezone.utc).isoformat()
        self._sequence = 0
        self._sent_at = clock()

    def report_when_due(self) -> None:
        every = self._options.report_seconds
        if every > 0 and self._clock() - self._sent_at >= every:
            self.report()

    def report(self, timeout: float | None = None) -> bool:
        """False when the server did not take it; the next one says the same and more."""
        self._sent_at = self._clock()
        self._sequence += 1
        try:
            self._api.post("/client-reports", json.dumps(self._document()).encode(), timeout=timeout)
        except RegistryError as error:
            self._stats.add("reports_failed")
            _log.info("The client report was not taken: %s", error)
            return False
        self._stats.add("reports")
        return True

    def _document(self) -> dict[str, Any]:
        return {
            "instance": self._instance,
            "sequence": self._sequence,
            "service": self._options.service,
            "node_id": self._options.node,
            "sdk": f"onex-sdk/{sdk_version()} python/{platform.python_version()}",
            "started_at": self._started,
            "counts": self._stats.as_dict(),
            "gauges": self._gauges(),
            "types": self._stats.by_type(),
        }
