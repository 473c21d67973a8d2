"""The database's backend: the one of Django, whose pool forgets all dead sessions as soon as it meets one.

A restart of the database kills every session that lies in the pool. Django's own CONN_HEALTH_CHECKS has the pool
find them one at a time, and wait one, two, four, eight seconds between them: a request that came after a restart
with more than five dead sessions gave up after DATABASE_POOL_TIMEOUT.
"""

from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, Error
from psycopg_pool import ConnectionPool

# How often dead sessions are looked for before the request is told that the database is away.
TRIES = 3


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, whose sessions have answered when they are handed out."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Give a session that has just answered; django.db.OperationalError when none could be had in time."""
        session = super().get_new_connection(conn_params)
        for _ in range(TRIES):
            pool = self.pool
            if pool is None or _answers(session):
                break
            pool.putconn(session)
            pool.check()
            session = super().get_new_connection(conn_params)
        return session


def _answers(session: Connection) -> bool:
    try:
        ConnectionPool.check_connection(session)
    except Error:
        return False
    return True
