"""Editions of taxonomies as the registry answers them, kept for as long as `latest` is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from urllib.parse import quote

from onex_sdk._codes import Codes, taxonomy_and_range
from onex_sdk._errors import BadAnswer, Denied, NotFound, Unavailable, Unreachable
from onex_sdk._http import Api


@dataclass
class _Kept:
    codes: Codes | None
    etag: str | None
    asked_at: float


class Taxonomies:
    """The cache in front of the API. Safe to share between threads."""

    def __init__(self, api: Api, *, ttl: float, clock: Callable[[], float]) -> None:
        self._api = api
        self._ttl = ttl
        self._clock = clock
        self._lock = Lock()
        self._kept: dict[str, _Kept] = {}

    def codes(self, binding: str) -> Codes | None:
        """The highest edition that `name@range` means; None where there is none, or none for this token.

        Raises Unreachable, Unavailable, BadAnswer.
        """
        with self._lock:
            known = self._kept.get(binding)
        if known is not None and self._clock() - known.asked_at < self._ttl:
            return known.codes
        found = self._asked(binding, known)
        with self._lock:
            self._kept[binding] = found
        return found.codes

    def _asked(self, binding: str, known: _Kept | None) -> _Kept:
        name, wanted = taxonomy_and_range(binding)
        path = f"/taxonomies/{quote(name, safe='')}/versions/{quote(wanted, safe='')}"
        try:
            answer, etag = self._api.get(path, etag=known.etag if known else None)
        except (NotFound, Denied):
            return _Kept(None, None, self._clock())
        except (Unreachable, Unavailable):
            if known is None:
                raise
            return _Kept(known.codes, known.etag, self._clock())
        if answer is None and known is not None:
            return _Kept(known.codes, etag, self._clock())
        try:
            return _Kept(Codes(answer["document"]), etag, self._clock())
        except (KeyError, TypeError, AttributeError) as error:
            raise BadAnswer(f"The server's answer about the taxonomy {name} holds no codes.") from error
