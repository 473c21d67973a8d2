"""Who fetches which schema: counted in memory by every web process, and written in batches.

A count costs a fetch nothing that it would notice. A process that is killed loses those of the last FETCH_FLUSH_SECONDS.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.conf import settings
from django.db import Error, connection, transaction
from psycopg_pool import PoolTimeout

log = logging.getLogger(__name__)

# Schemas that were deleted for good meanwhile are left out; in one order, so that two processes do not wait in a circle.
_ADD = """
INSERT INTO registry_fetch (content_id, client, count, first_at, last_at)
SELECT given.content_id, given.client, given.count, given.last_at, given.last_at
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[]) AS given (content_id, client, count, last_at)
JOIN registry_content ON registry_content.id = given.content_id
ORDER BY given.content_id, given.client
ON CONFLICT (content_id, client) DO UPDATE
SET count = registry_fetch.count + EXCLUDED.count, last_at = greatest(registry_fetch.last_at, EXCLUDED.last_at)
"""

Key = tuple[int, str]


@dataclass(slots=True)
class Fetches:
    """What was counted since the last batch."""

    _counts: dict[Key, tuple[int, datetime]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, content_id: int, client: str) -> None:
        self._add({(content_id, client): (1, datetime.now(UTC))})

    def flush(self) -> int:
        """Writes the batch; how many rows it touched. What could not be written stays for the next."""
        with self._lock:
            batch, self._counts = self._counts, {}
        if not batch:
            return 0
        rows = sorted((content_id, client, *counted) for (content_id, client), counted in batch.items())
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_ADD, [list(column) for column in zip(*rows, strict=True)])
        except (Error, PoolTimeout):
            self._add(batch)
            raise
        return len(rows)

    def _add(self, counted: dict[Key, tuple[int, datetime]]) -> None:
        with self._lock:
            for key, (count, at) in counted.items():
                known, last = self._counts.get(key, (0, at))
                self._counts[key] = (known + count, max(last, at))


fetches = Fetches()


def flush_regularly(*, stopped: Callable[[float], bool] | None = None) -> threading.Thread:
    """A thread of this process that writes every FETCH_FLUSH_SECONDS, as long as the process lives."""
    wait = stopped or threading.Event().wait
    thread = threading.Thread(target=_flush_until, args=(wait,), name="fetches", daemon=True)
    thread.start()
    return thread


def _flush_until(wait: Callable[[float], bool]) -> None:
    while not wait(settings.FETCH_FLUSH_SECONDS):
        flush_quietly()


def flush_quietly() -> None:
    """A batch that cannot be written now waits; nobody who fetches learns of it."""
    try:
        fetches.flush()
    except (Error, PoolTimeout) as problem:
        log.warning("Fetch counts wait for the next batch: %s", problem)
    finally:
        with suppress(Error):
            connection.close()
