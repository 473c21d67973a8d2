"""No statement, wait for a lock or forgotten transaction holds the database for ever."""

import pytest
from django.db import OperationalError, connection, transaction

from registry.apps import without_time_limits
from registry.problems import answer

pytestmark = pytest.mark.django_db


def shown(name):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return cursor.fetchone()[0]


def test_every_connection_has_its_limits():
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    assert [shown(name) for name in limits] == ["30s", "10s", "1min"]


def test_what_took_too_long_is_told_apart_from_a_database_that_is_away():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 20")
        with pytest.raises(OperationalError) as late, transaction.atomic():
            cursor.execute("SELECT pg_sleep(5)")
    told = answer(late.value, {})
    assert (told.status_code, told.data["details"]["code"]) == (503, "took_too_long")
    away = answer(OperationalError("the connection is closed"), {})
    assert (away.status_code, away.data["details"]["code"]) == (503, "store_unavailable")


def test_a_migration_takes_the_time_it_needs():
    with without_time_limits():
        assert [shown(name) for name in ("statement_timeout", "lock_timeout")] == ["0", "0"]
    assert shown("statement_timeout") == "30s"
