"""Quiet hours of a channel: only what is critical is told at once, and in the morning what still fires."""

from datetime import UTC, datetime, time

import pytest

from access.delivery import deliver_due
from access.models import Delivery
from alerts.models import Channel
from alerts.quiet import held_until
from tests.alerts.log import NOON, Sent, store
from tests.receiver import Receiver

CHANNELS = "/api/v1/alerts/channels"


@pytest.fixture
def receiver(settings):
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        yield running


@pytest.fixture
def channel(owner, receiver):
    """Quiet from 11 to 15 in UTC: the clock of these tests stands at noon."""
    wanted = {"name": "night", "url": receiver.url, "quiet_from": "11:00", "quiet_until": "15:00"}
    return owner.api.post(CHANNELS, wanted, format="json").json()["channel"]["id"]


@pytest.fixture
def fire(make_rule, evaluate, channel):
    def run(**spec):
        make_rule(threshold=1, window_seconds=60, channels=[channel], **spec)
        store([Sent()])
        evaluate(at=0)

    return run


def deliver_at(hour):
    deliver_due(clock=lambda: NOON.replace(hour=hour))


@pytest.mark.django_db(transaction=True)
def test_what_still_fires_when_the_quiet_hours_end_is_told_then(receiver, fire, owner):
    fire(keep_firing_seconds=86_000)
    deliver_at(14)
    [held] = Delivery.objects.all()
    assert (held.state, held.attempts, held.held_until) == ("due", 0, NOON.replace(hour=15))
    assert "Held until" in owner.browser.get(f"/deliveries/{held.pk}").content.decode()
    deliver_at(15)
    assert len(receiver.wait_for(1)) == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_over_before_they_end_is_not_told_at_all(receiver, fire, evaluate):
    fire()
    evaluate(at=700)
    deliver_at(15)
    assert [one.state for one in Delivery.objects.all()] == ["cancelled"]
    assert receiver.received == []


@pytest.mark.django_db(transaction=True)
def test_what_was_told_is_also_told_to_be_over(receiver, fire, evaluate):
    fire()
    deliver_at(15)
    evaluate(at=700)
    Delivery.objects.filter(state="due").update(next_attempt_at=NOON)
    deliver_at(15)
    assert [one.body.split(b'"', 4)[3] for one in receiver.wait_for(2)] == [
        b"alert.firing",
        b"alert.resolved",
    ]


@pytest.mark.django_db(transaction=True)
def test_what_is_critical_and_a_test_are_sent_at_once(receiver, fire, owner, channel):
    fire(severity="critical")
    owner.api.post(f"{CHANNELS}/{channel}/test")
    deliver_due()
    assert len(receiver.wait_for(2)) == 2


@pytest.mark.parametrize(
    ("at", "until"),
    [
        # Berlin is an hour ahead of UTC in winter, two in summer; the clock goes forward on 2026-03-29 at two.
        (datetime(2026, 3, 27, 20, 59, tzinfo=UTC), None),
        (datetime(2026, 3, 27, 21, 0, tzinfo=UTC), datetime(2026, 3, 28, 6, 0, tzinfo=UTC)),
        (datetime(2026, 3, 28, 5, 59, tzinfo=UTC), datetime(2026, 3, 28, 6, 0, tzinfo=UTC)),
        (datetime(2026, 3, 28, 6, 0, tzinfo=UTC), None),
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), datetime(2026, 3, 29, 5, 0, tzinfo=UTC)),
        (datetime(2026, 3, 29, 20, 0, tzinfo=UTC), datetime(2026, 3, 30, 5, 0, tzinfo=UTC)),
    ],
)
def test_a_night_ends_on_the_clock_of_the_place(at, until):
    berlin = Channel(quiet_from=time(22), quiet_until=time(7), time_zone="Europe/Berlin")
    assert held_until(berlin, "error", at) == until


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"quiet_from": "22:00"}, "/quiet_until"),
        ({"quiet_until": "07:00"}, "/quiet_from"),
        ({"quiet_from": "07:00", "quiet_until": "07:00"}, "/quiet_until"),
        ({"time_zone": "Europe/Nowhere"}, "/time_zone"),
        ({"time_zone": "../../etc/passwd"}, "/time_zone"),
        ({"time_zone": "Europe"}, "/time_zone"),
        ({"time_zone": "x" * 65}, "/time_zone"),
    ],
)
def test_quiet_hours_that_cannot_be_are_refused_with_their_place(owner, receiver, wanted, pointer):
    answer = owner.api.post(CHANNELS, {"name": "x", "url": receiver.url, **wanted}, format="json")
    assert (answer.status_code, answer.json()["details"]["pointer"]) == (422, pointer)


@pytest.mark.django_db
def test_the_form_keeps_quiet_hours(owner, receiver, channel):
    address = f"/alerts/channels/{channel}"
    assert 'value="11:00"' in owner.browser.get(address).content.decode()
    form = {"name": "night", "url": receiver.url, "signature": "v1", "enabled": "on"}
    night = {"quiet_from": "22:00", "quiet_until": "07:30", "time_zone": "Asia/Tokyo"}
    assert owner.browser.post(address, form | night).status_code == 302
    saved = Channel.objects.get()
    assert (saved.quiet_from, saved.quiet_until, saved.time_zone) == (time(22), time(7, 30), "Asia/Tokyo")
    assert owner.browser.post(address, form).status_code == 302
    assert Channel.objects.get().quiet_from is None
