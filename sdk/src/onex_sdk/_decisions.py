"""What decides about a client's events before they are queued: its chain of work, the sampling rules, the schemas."""

from __future__ import annotations

import logging
from typing import Any

from onex_sdk._background import Background, Source
from onex_sdk._bundle import Bundle, read_bundle
from onex_sdk._client import RegistryClient
from onex_sdk._errors import UnusableBundle
from onex_sdk._judging import Judge
from onex_sdk._keeping import Keeper
from onex_sdk._options import Options
from onex_sdk._rulings import Rulings
from onex_sdk._sampling import SamplingRules
from onex_sdk._sampling_source import SamplingSource
from onex_sdk._stats import Stats

_log = logging.getLogger("onex_sdk")


class Decisions:
    """The stages `keep` and `validate` of a client, and the thread that keeps what they decide by up to date."""

    def __init__(self, options: Options, registry: RegistryClient, stats: Stats) -> None:
        self._source = SamplingSource(registry.sampling, path=options.sampling_file or None)
        reachable = bool(options.url) and options.enabled
        self._rulings = Rulings(registry if reachable else None, _bundle(options))
        self.keep = Keeper(self._source) if options.sampling else None
        self.validate = (
            Judge(self._rulings, stats, mode=options.validation) if options.validation != "off" else None
        )
        asked: list[Source] = []
        if reachable and self.keep is not None:
            asked.append(self._source)
        if reachable and self.validate is not None:
            asked.append(self._rulings)
        self._background = Background(asked)

    @property
    def rules(self) -> SamplingRules:
        """Those that hold now."""
        return self._source.current

    def ensure(self) -> None:
        """Has the registry asked in the background; for every event."""
        self._background.ensure()

    def refresh(self) -> bool:
        """Asks the registry now, in this thread; whether it answered."""
        return self._background.refresh()

    def problems(self) -> dict[str, Any]:
        """Why something is not as it should be, by what it is about."""
        found = {"sampling": self._source.problem, "schemas": self._rulings.problem}
        return {name: problem for name, problem in found.items() if problem is not None}

    def close(self) -> None:
        self._background.stop()


def _bundle(options: Options) -> Bundle | None:
    """A program starts without its file of schemas, and says so."""
    if not options.bundle:
        return None
    try:
        return read_bundle(options.bundle)
    except UnusableBundle as error:
        _log.warning("%s Events are judged by what the registry answers.", error)
        return None
