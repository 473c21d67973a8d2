"""When events come faster than they may, or can, be stored: the answer says when to try again, and nothing was stored."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from access.models import Allowance
from events.models import Event, EventKey, LogHead, QuarantinedEvent
from tests.conftest import MakePerson, Person
from tests.events.conftest import Send, event

pytestmark = pytest.mark.django_db


def post(person: Person, count: int = 1) -> Any:
    return person.api.post("/api/v1/events", [event() for _ in range(count)], format="json")


@pytest.fixture
def two_a_second(settings: Any, orders: Any) -> None:
    """At most two events a second, ten seconds' worth of them at once."""
    settings.INGEST_EVENTS_PER_SECOND = 2
    settings.INGEST_BURST_SECONDS = 10


def test_by_default_there_is_no_rate(orders: Any, owner: Person) -> None:
    assert post(owner, 500).status_code == 200
    assert not Allowance.objects.exists()


@pytest.mark.usefixtures("two_a_second")
def test_beyond_its_rate_a_token_is_told_when_to_go_on(owner: Person) -> None:
    assert post(owner, 22).json()["counts"] == {"stored": 22}
    answer = post(owner)
    assert (answer.status_code, answer.json()["details"]["code"]) == (429, "rate_limited")
    assert 1 <= int(answer["Retry-After"]) <= 2
    assert "INGEST_EVENTS_PER_SECOND" in answer.json()["message"]
    assert Event.objects.count() == 22


@pytest.mark.usefixtures("two_a_second")
def test_after_waiting_it_may_go_on(owner: Person) -> None:
    post(owner, 22)
    Allowance.objects.update(spent_until=F("spent_until") - timedelta(seconds=2))
    assert post(owner).status_code == 200


@pytest.mark.usefixtures("two_a_second")
def test_a_large_batch_is_possible_and_paid_for_afterwards(owner: Person) -> None:
    assert post(owner, 100).status_code == 200
    assert 35 <= int(post(owner)["Retry-After"]) <= 40


@pytest.mark.usefixtures("two_a_second")
def test_a_quiet_while_is_not_saved_up(owner: Person) -> None:
    post(owner)
    Allowance.objects.update(spent_until="2026-01-01T00:00Z")
    assert post(owner, 21).status_code == 200
    assert post(owner).status_code == 429


@pytest.mark.usefixtures("two_a_second")
def test_each_token_has_its_own_rate(owner: Person, make_person: MakePerson) -> None:
    post(owner, 30)
    assert post(owner).status_code == 429
    assert post(make_person("ann", role="admin")).status_code == 200


@pytest.mark.usefixtures("two_a_second")
def test_the_product_itself_is_not_held_up(send: Send) -> None:
    for _ in range(3):
        assert send(*(event() for _ in range(50))).counts == {"stored": 50}


@pytest.mark.django_db(transaction=True)
def test_at_the_same_moment_a_rate_is_not_passed_twice(orders: Any, owner: Person, settings: Any) -> None:
    settings.INGEST_EVENTS_PER_SECOND = 0.001
    settings.INGEST_BURST_SECONDS = 1

    def one(_: int) -> int:
        try:
            return int(post(owner).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(one, range(8))) == [200] + [429] * 7
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_waited_too_long_for_its_turn_is_told_and_not_stored(orders: Any, owner: Person) -> None:
    """Another process holds the append lock, and does not let go of it."""

    def impatient() -> Any:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '50ms'")
            return post(owner, 3)
        finally:
            with connection.cursor() as cursor:
                # The connection goes back to the pool, and on to another test.
                cursor.execute("RESET lock_timeout")
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        LogHead.objects.select_for_update().get()
        answer = pool.submit(impatient).result()
    assert (answer.status_code, answer.json()["details"]["code"]) == (503, "append_queue_full")
    assert int(answer["Retry-After"]) >= 1
    assert not Event.objects.exists()
    assert not EventKey.objects.exists()
    assert not QuarantinedEvent.objects.exists()
    assert post(owner, 3).json()["counts"] == {"stored": 3}
