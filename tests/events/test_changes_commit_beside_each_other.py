"""Changes of the catalogue do not wait for each other's commits, and nobody goes on judging by what was before one."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from events.judging import current_catalogue
from tests.events.conftest import ORDER, Publish

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def others() -> Iterator[psycopg.Connection[Any]]:
    """A second connection, on another row than ours: a few share one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        ours = cursor.fetchone()[0]
    given = connection.get_connection_params()
    sessions = []
    while not sessions or (sessions[-1].info.backend_pid - ours) % 32 == 0:
        wanted = {
            name: given[name] for name in ("host", "port", "user", "password", "dbname") if name in given
        }
        sessions.append(psycopg.connect(**wanted, options="-c lock_timeout=5s"))
    yield sessions[-1]
    for session in sessions:
        session.close()


def at_the_commit(session: Any) -> None:
    """What is deferred to the commit happens now; its locks are held until the transaction ends."""
    session.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_change_commits_while_another_one_s_commit_takes_its_time(
    publish: Publish, others: psycopg.Connection[Any]
) -> None:
    publish("orders", ORDER)
    with transaction.atomic(), connection.cursor() as cursor:
        publish("payments", ORDER)
        at_the_commit(cursor)
        others.execute("UPDATE registry_subject SET strict = true WHERE name = 'orders'")
        others.commit()


def test_what_commits_last_is_noticed_though_it_began_to_commit_first(
    publish: Publish, others: psycopg.Connection[Any]
) -> None:
    publish("orders", ORDER)
    publish("payments", ORDER)

    def strict() -> list[bool]:
        rulings = current_catalogue().rulings_for({"orders", "payments"})
        return [rulings.of(name, "").intake.strict for name in ("orders", "payments")]

    others.execute("UPDATE registry_subject SET strict = true WHERE name = 'orders'")
    at_the_commit(others)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE registry_subject SET strict = true WHERE name = 'payments'")
    assert strict() == [False, True]
    others.commit()
    assert strict() == [True, True]
