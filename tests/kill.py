"""What `kill -9` of a database session does to somebody who is just writing."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from django.db import connection

Answer = TypeVar("Answer")

_WAITING = """
    SELECT pid FROM pg_locks JOIN pg_class ON pg_class.oid = relation
    WHERE relname = %s AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def killed_when_it_writes(table: str, work: Callable[[], Answer]) -> Answer:
    """Runs `work` in a thread of its own and ends its session where it begins to write to `table`.

    What the work returns or raises. Needs committed data: `django_db(transaction=True)`.
    """
    other = connection.copy()
    other.set_autocommit(False)
    # What was still waiting goes on when the lock is gone: the pool is left last.
    with ThreadPoolExecutor(1) as pool, closing(other), other.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{table}" IN SHARE MODE')
        running = pool.submit(_alone, work)
        until = time.monotonic() + 20
        while not (found := cursor.execute(_WAITING, [table]).fetchone()):
            assert not running.done(), running.result()
            assert time.monotonic() < until, f"nobody wrote to {table}"
            time.sleep(0.01)
        cursor.execute("SELECT pg_terminate_backend(%s)", found)
        return running.result(20)


def _alone(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    finally:
        connection.close()
