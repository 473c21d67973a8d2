"""A search that takes too long is given up with a sentence that says what to do."""

from typing import Any

import psycopg
import pytest

from tests.conftest import Person
from tests.database import url_of_test_database

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_search_that_takes_too_long_says_what_to_do(owner: Person, settings: Any) -> None:
    settings.EVENT_SEARCH_SECONDS = 0.1
    with psycopg.connect(url_of_test_database()) as other:
        # Whoever reads waits for this one.
        other.execute("LOCK TABLE events_event IN ACCESS EXCLUSIVE MODE")
        answer = owner.api.get("/api/v1/events", {"where": "metadata.amount = 5"})
        page = owner.browser.get("/events", {"where": "metadata.amount = 5"})
    assert answer.status_code == page.status_code == 422
    assert "a shorter time" in answer.json()["message"]
    assert "This search took too long" in page.content.decode()
    assert owner.api.get("/api/v1/events").status_code == 200
