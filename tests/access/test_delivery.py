"""The outbox: what was decided is sent, as often as needed and never silently given up."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from standardwebhooks import Webhook

from access.delivery import ALERT_SCHEDULE, deliver_due, enqueue_delivery
from access.errors import DeliveryNotFinished, DeliveryNotFound, Forbidden
from access.models import AuditEntry, Delivery, DeliveryAttempt
from access.redeliver import cancel_delivery, redeliver
from access.signing import new_secret
from tests.database import url_of_test_database
from tests.receiver import Receiver, Reply

pytestmark = pytest.mark.django_db

SECRET = new_secret()


class Clock:
    """Starts ahead of the database's, since rows are due from the moment they are written."""

    def __init__(self):
        self.now = datetime.now(UTC) + timedelta(minutes=1)

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def receiver(settings):
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        yield running


def enqueue(url, number=1, **options):
    with transaction.atomic():
        return enqueue_delivery(
            message_id=f"message-{number}",
            about="test.thing",
            url=url,
            **{
                "about_id": number,
                "secret": SECRET,
                "payload": {"type": "test", "data": {"n": number}},
                **options,
            },
        )


def run(clock, **options):
    return deliver_due(clock=clock, jitter=lambda: 0.0, **options)


def test_a_message_arrives_once_signed_and_is_written_down(receiver, clock):
    delivery = enqueue(receiver.url)
    assert run(clock) == 1
    assert run(clock) == 0

    (received,) = receiver.received
    assert received.headers["webhook-id"] == "message-1"
    assert received.headers["content-type"] == "application/json"
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.leased_until) == ("delivered", 1, None)
    attempt = delivery.log.get()
    assert (attempt.number, attempt.status, attempt.address, attempt.problem) == (1, 204, "127.0.0.1", "")


def test_the_receiver_can_verify_it(receiver):
    enqueue(receiver.url)
    # The verifier looks at its own clock.
    deliver_due()
    (received,) = receiver.received
    assert Webhook(SECRET).verify(received.body, dict(received.headers)) == {"type": "test", "data": {"n": 1}}


def test_what_is_told_about_one_thing_arrives_in_order(receiver, clock):
    """A receiver that opens and closes tickets must not see the end before the beginning."""
    receiver.answer = lambda _: Reply(503 if len(receiver.received) == 1 else 204)
    enqueue(receiver.url, 1, about_id="episode-7")
    enqueue(receiver.url, 2, about_id="episode-7")
    run(clock)
    assert [message.headers["webhook-id"] for message in receiver.received] == ["message-1"]

    clock.forward(10)
    run(clock)
    told = [message.headers["webhook-id"] for message in receiver.received]
    assert told == ["message-1", "message-1", "message-2"]


def test_the_same_message_is_enqueued_once(receiver, clock):
    first = enqueue(receiver.url)
    again = enqueue(receiver.url, payload={"other": True})
    assert first.pk == again.pk
    run(clock)
    assert len(receiver.received) == 1


def test_a_transaction_that_is_rolled_back_sends_nothing(receiver, clock):
    with transaction.atomic():
        enqueue(receiver.url)
        transaction.set_rollback(True)
    assert run(clock) == 0
    assert receiver.received == []


def test_the_schedule_is_zero_then_5_30_120_600_1800_seconds_then_dead(receiver, clock):
    receiver.answer = lambda _: Reply(500, b"out of coffee\x00")
    delivery = enqueue(receiver.url)
    waits = []
    for _ in range(6):
        assert run(clock) == 1
        delivery.refresh_from_db()
        waits.append((delivery.next_attempt_at - clock.now).total_seconds())
        assert run(clock) == 0
        clock.forward(waits[-1])

    assert waits[:-1] == list(ALERT_SCHEDULE) == [5, 30, 120, 600, 1800]
    assert delivery.state == "dead"
    assert delivery.finished_at is not None
    assert run(clock) == 0
    assert {request.headers["webhook-id"] for request in receiver.received} == {"message-1"}
    attempts = list(delivery.log.all())
    assert [attempt.number for attempt in attempts] == [1, 2, 3, 4, 5, 6]
    assert attempts[0].problem == "It answered 500 instead of 2xx."
    assert attempts[0].answer == "out of coffee�"


def test_jitter_only_adds(receiver, clock):
    receiver.answer = lambda _: Reply(500)
    delivery = enqueue(receiver.url)
    deliver_due(clock=clock, jitter=lambda: 1.0)
    delivery.refresh_from_db()
    assert (delivery.next_attempt_at - clock.now).total_seconds() == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, "delivered"),
        (202, "delivered"),
        (301, "due"),
        (400, "due"),
        (404, "due"),
        (410, "dead"),
        (503, "due"),
    ],
)
def test_only_2xx_is_success_and_410_ends_it(receiver, clock, status, state):
    receiver.answer = lambda _: Reply(status)
    delivery = enqueue(receiver.url)
    run(clock)
    delivery.refresh_from_db()
    assert delivery.state == state


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("60", 60),
        ("1", 5),
        ("999999999999", 3600),
        ("-5", 5),
        ("soon", 5),
        ("", 5),
        ("²", 5),
        ("9" * 5000, 5),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999", 5),
        ("Mon, 01 Jan 0000 00:00:00 GMT", 5),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_receiver_may_ask_for_patience_up_to_an_hour(receiver, clock, value, seconds):
    receiver.answer = lambda _: Reply(429, headers={"Retry-After": value.encode().decode("latin-1")})
    delivery = enqueue(receiver.url)
    run(clock)
    delivery.refresh_from_db()
    assert (delivery.next_attempt_at - clock.now).total_seconds() == seconds


def test_patience_may_be_asked_for_as_a_date(receiver, clock):
    clock.now = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC) + timedelta(days=400)
    receiver.answer = lambda _: Reply(
        503, headers={"Retry-After": format(clock.now + timedelta(minutes=2), "%a, %d %b %Y %H:%M:%S GMT")}
    )
    delivery = enqueue(receiver.url)
    run(clock)
    delivery.refresh_from_db()
    assert (delivery.next_attempt_at - clock.now).total_seconds() == 120


def test_an_address_that_may_not_be_called_is_refused_in_words_and_tried_again_later(
    receiver, clock, settings
):
    settings.OUTBOUND_ALLOW = []
    settings.OUTBOUND_PORTS = [receiver.port]
    delivery = enqueue(receiver.url)
    run(clock)
    assert receiver.received == []
    assert "OUTBOUND_ALLOW" in delivery.log.get().problem

    settings.OUTBOUND_ALLOW = [receiver.place]
    clock.forward(5)
    run(clock)
    assert len(receiver.received) == 1


def test_a_row_that_cannot_be_sent_at_all_does_not_take_its_neighbours_along(receiver, clock):
    broken = enqueue(receiver.url, 1, secret="whsec_no")
    unprintable = enqueue(receiver.url, 2)
    Delivery.objects.filter(pk=unprintable.pk).update(message_id="nö")
    fine = enqueue(receiver.url, 3)
    assert run(clock) == 3
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {broken.pk: "due", unprintable.pk: "due", fine.pk: "delivered"}
    assert "error of this server" in unprintable.log.get().problem


def test_an_attempt_that_cannot_be_written_down_does_not_take_its_neighbours_along(receiver, clock):
    receiver.answer = lambda _: Reply(500 if len(receiver.received) == 1 else 204)
    beyond_all_dates = enqueue(receiver.url, 1, schedule=[1e300])
    run(clock, limit=1)
    others = [enqueue(receiver.url, number) for number in range(2, 12)]
    run(clock)
    assert {row.state for row in Delivery.objects.filter(pk__in=[o.pk for o in others])} == {"delivered"}
    beyond_all_dates.refresh_from_db()
    assert beyond_all_dates.state == "due"


def test_a_row_that_kills_every_worker_comes_to_its_end(receiver, clock):
    delivery = enqueue(receiver.url, schedule=[5.0])
    Delivery.objects.update(schedule=[], leased_until=clock.now - timedelta(seconds=1), attempts=2)
    assert run(clock) == 0
    delivery.refresh_from_db()
    assert (delivery.state, delivery.finished_at, delivery.leased_until) == ("dead", clock.now, None)
    assert "killed" in delivery.log.get().problem
    assert receiver.received == []


def test_an_attempt_of_a_killed_worker_counts(receiver, clock):
    receiver.answer = lambda _: Reply(500)
    delivery = enqueue(receiver.url, schedule=[5.0, 30.0])
    Delivery.objects.update(leased_until=clock.now - timedelta(seconds=1), attempts=1)
    run(clock)
    delivery.refresh_from_db()
    assert (delivery.attempts, delivery.schedule) == (2, [])
    assert (delivery.next_attempt_at - clock.now).total_seconds() == 30


def test_a_slow_address_does_not_delay_the_others(receiver, clock, settings):
    settings.OUTBOUND_TIMEOUT_SECONDS = 3.0
    with Receiver(lambda _: Reply(delay=2.5)) as slow:
        settings.OUTBOUND_ALLOW = [receiver.place, slow.place]
        for number in range(40):
            enqueue(slow.url, number)
        for number in range(40, 60):
            enqueue(receiver.url, number)
        began = time.time()
        run(clock, limit=24)
        arrived = [request.at - began for request in receiver.received]
        assert len(arrived) == 20
        assert max(arrived) < 2.0
        # The 40 older ones for the slow address did not take all the senders.
        assert len(slow.received) == settings.DELIVERY_PARALLEL_PER_TARGET


def test_a_leased_row_belongs_to_its_worker_until_the_lease_ends(receiver, clock):
    delivery = enqueue(receiver.url)
    Delivery.objects.update(leased_until=clock.now + timedelta(seconds=20), attempts=1)
    assert run(clock) == 0

    clock.forward(21)
    assert run(clock) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    lost, made = delivery.log.all()
    assert "killed" in lost.problem
    assert (made.number, made.status) == (2, 204)


def test_a_worker_that_slept_past_its_lease_does_not_overwrite_its_successor(receiver, clock):
    delivery = enqueue(receiver.url)

    def answer(_):
        # While the first worker waits for this answer, its lease ends and another one takes the row.
        return Reply(500, delay=0.3)

    receiver.answer = answer
    claimed = []

    def sleepy_clock():
        # Asked for claiming, sending, and after the answer: by then somebody else holds the row.
        claimed.append(1)
        if len(claimed) >= 3:
            Delivery.objects.filter(pk=delivery.pk).update(
                leased_until=clock.now + timedelta(hours=1), attempts=2
            )
        return clock.now

    # One message and a limit of one: the clock is asked by this thread before the record only.
    assert deliver_due(clock=sleepy_clock, jitter=lambda: 0.0, limit=1) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("due", 2)
    assert delivery.log.count() == 0


def test_a_dead_message_can_be_sent_again_under_the_same_id(receiver, clock, owner, stranger):
    receiver.answer = lambda _: Reply(410)
    delivery = enqueue(receiver.url)
    run(clock)
    receiver.answer = lambda _: Reply()
    with pytest.raises(Forbidden):
        redeliver(actor=stranger.actor, delivery_id=delivery.pk)
    redeliver(actor=owner.actor, delivery_id=delivery.pk)
    with pytest.raises(DeliveryNotFinished):
        redeliver(actor=owner.actor, delivery_id=delivery.pk)
    run(clock)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    assert [request.headers["webhook-id"] for request in receiver.received] == ["message-1", "message-1"]
    assert AuditEntry.objects.get(action="delivery.redelivered").actor == "owner"


def test_a_message_can_be_stopped(receiver, clock, owner, stranger):
    delivery = enqueue(receiver.url)
    with pytest.raises(Forbidden):
        cancel_delivery(actor=stranger.actor, delivery_id=delivery.pk)
    with pytest.raises(DeliveryNotFound):
        cancel_delivery(actor=owner.actor, delivery_id=delivery.pk + 1)
    cancel_delivery(actor=owner.actor, delivery_id=delivery.pk)
    cancel_delivery(actor=owner.actor, delivery_id=delivery.pk)
    assert run(clock) == 0
    assert AuditEntry.objects.filter(action="delivery.cancelled").count() == 1


WORKER = textwrap.dedent(
    """
    import sys, django
    django.setup()
    from django.conf import settings
    from django.db import connection
    settings.OUTBOUND_ALLOW = [sys.argv[1]]
    from access.delivery import deliver_due
    deliver_due()
    """
)


def worker(place):
    """A process of its own that delivers what is due in the test database."""
    environment = {
        **os.environ,
        "DATABASE_URL": url_of_test_database(),
        "DJANGO_SETTINGS_MODULE": "registry.settings",
    }
    return subprocess.Popen([sys.executable, "-c", WORKER, place], env=environment)


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_loses_no_message_and_none_arrives_without_its_id(settings):
    with Receiver(lambda _: Reply(delay=0.15)) as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        for number in range(30):
            enqueue(receiver.url, number)
        killed = worker(receiver.place)
        try:
            receiver.wait_for(6)
        finally:
            killed.send_signal(signal.SIGKILL)
            killed.wait()
        left = Delivery.objects.filter(state="due").count()
        assert 0 < left < 30

        # The leases of the killed one run out; nobody else touches its rows before.
        later = Clock()
        later.forward(60)
        run(later)

    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    ids = [request.headers["webhook-id"] for request in receiver.received]
    assert set(ids) == {f"message-{number}" for number in range(30)}
    # Only what the killed worker had under way may come twice; it may have been killed before it sent.
    under_way = DeliveryAttempt.objects.filter(problem__contains="killed").count()
    assert len(ids) - 30 <= under_way <= settings.DELIVERY_PARALLEL_PER_TARGET
