"""The sampling rules as the registry last told them: asked again with the ETag, kept while the registry is away."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

from onex_sdk._errors import BadAnswer, RegistryError
from onex_sdk._sampling import EVERYTHING, SamplingRules, rules_of

#: Asks for the document unless the tag still stands for it; answers (None, tag) then.
Fetch = Callable[[str | None], "tuple[Any, str | None]"]


class SamplingSource:
    """`current` is what decides, at any moment and without waiting; `keep_up` is for the sending thread.

    With a `path`, what the registry told last outlives the process: one that starts while the registry is away
    begins with that. Until rules were told at all, everything is kept, and says so: its rate is 1.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        path: str | os.PathLike[str] | None = None,
        interval: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._path = Path(path) if path is not None else None
        self._interval = interval
        self._clock = clock
        self._tag: str | None = None
        self._asked_at: float | None = None
        #: Why the rules are older than they should be; None when they are not.
        self.problem: str | None = None
        self._asking = Lock()
        # Replaced whole and never changed, so that readers need no lock.
        self.current: SamplingRules = EVERYTHING
        self._recall()

    @property
    def due(self) -> bool:
        """Whether the registry is to be asked again."""
        return self._asked_at is None or self._clock() - self._asked_at >= self._interval

    def keep_up(self) -> None:
        """Asks if it is due."""
        if self.due:
            self.refresh()

    def take_over(self, before: SamplingSource) -> None:
        """What another one was told last."""
        self.current, self._tag = before.current, before._tag

    def refresh(self) -> bool:
        """Asks now; whether the rules are those of the registry. Never raises: `problem` says what went wrong."""
        with self._asking:
            return self._refresh()

    def _refresh(self) -> bool:
        self._asked_at = self._clock()
        try:
            document, tag = self._fetch(self._tag)
            if document is not None:
                self.current = rules_of(document)
        except RegistryError as error:
            self.problem = str(error)
            return False
        self.problem = None
        if document is not None:
            self._tag = tag
            self._remember(document, tag)
        return True

    def _recall(self) -> None:
        if self._path is None:
            return
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            self.current, self._tag = rules_of(kept["document"]), kept["etag"]
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, BadAnswer) as error:
            self.problem = f"{self._path} holds no sampling rules: {error}"

    def _remember(self, document: Any, tag: str | None) -> None:
        """Replaced at once: a process that dies meanwhile leaves the file of before."""
        if self._path is None:
            return
        written = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(json.dumps({"etag": tag, "document": document}), encoding="utf-8")
            written.replace(self._path)
        except OSError as error:
            self.problem = f"The sampling rules cannot be kept in {self._path}: {error}"
