"""What a reader is told while the database is away, and that nobody notices once it is back."""

import json

import pytest
from django.db import connection
from django.test import Client

from tests.conftest import Person

pytestmark = pytest.mark.django_db(transaction=True)


def test_sessions_that_died_while_nobody_used_them_cost_no_request_an_error(
    client: Client, owner: Person
) -> None:
    client.force_login(owner.user)
    together = [connection.copy() for _ in range(9)]
    for session in together:
        session.ensure_connection()
    for session in together:
        session.close()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        assert cursor.rowcount >= 8
    connection.close()
    for _ in range(4):
        assert client.get("/subjects").status_code == 200


def test_a_session_that_was_given_back_in_the_middle_of_manual_commits_can_be_handed_out_again() -> None:
    connection.close()
    all_of_them = [connection.copy() for _ in range(12)]
    for session in all_of_them:
        session.ensure_connection()
        session.set_autocommit(False)
    for session in all_of_them:
        session.close()
    connection.connect()
    assert connection.get_autocommit()


@pytest.mark.parametrize("path", ["/subjects", "/events/correlation/one", "/no-such-page/"])
def test_a_page_says_so_with_503_and_when_to_try_again(
    client: Client, owner: Person, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    client.force_login(owner.user)
    client.raise_request_exception = False
    away(monkeypatch)
    page = client.get(path)
    assert (page.status_code, page["Retry-After"]) == (503, "2")
    assert "does not answer at the moment" in page.content.decode()
    assert f'href="{path}"' in page.content.decode()


def test_an_address_of_the_api_says_so_as_json(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    away(monkeypatch)
    answer = owner.api.get("/api/v1/subjects")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert json.loads(answer.content)["details"]["code"] == "store_unavailable"


def away(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"host": "/nowhere"})
