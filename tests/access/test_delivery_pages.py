"""The outbox as people and programs see it."""

import pytest
from django.db import transaction

from access.delivery import deliver_due, enqueue_delivery
from access.models import Delivery
from access.signing import new_secret
from tests.receiver import Receiver, Reply

pytestmark = pytest.mark.django_db
SECRET = new_secret()


@pytest.fixture
def dead(settings):
    """A message that the receiver did not want."""
    with Receiver(lambda _: Reply(410, b"<b>gone</b>")) as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        with transaction.atomic():
            delivery = enqueue_delivery(
                message_id="episode-7-firing-1",
                about="alerts.episode",
                about_id=7,
                url=receiver.url,
                secret=SECRET,
                payload={"type": "alert.firing", "data": {"rule": "too many"}},
            )
        deliver_due()
    return delivery


def test_the_list_and_one_message_with_its_attempts(owner, dead):
    page = owner.browser.get("/deliveries?about=alerts.episode&about_id=7&state=dead").content.decode()
    assert "episode-7-firing-1" in page
    detail = owner.browser.get(f"/deliveries/{dead.pk}").content.decode()
    assert "It answered 410" in detail
    assert "&lt;b&gt;gone" in detail
    assert "too many" in detail
    for answer in (page, detail):
        assert SECRET not in answer
        assert SECRET.removeprefix("whsec_") not in answer


def test_the_empty_list_says_what_will_stand_there(owner):
    assert "Nothing was sent yet" in owner.browser.get("/deliveries").content.decode()
    assert "No delivery fits" in owner.browser.get("/deliveries?state=dead").content.decode()


def test_a_dead_message_is_sent_again_and_stopped_by_its_buttons(owner, dead):
    again = owner.browser.post(f"/deliveries/{dead.pk}/redeliver", follow=True)
    assert "It is sent again" in again.content.decode()
    assert Delivery.objects.get().state == "due"
    twice = owner.browser.post(f"/deliveries/{dead.pk}/redeliver", follow=True)
    assert "still being tried" in twice.content.decode()
    owner.browser.post(f"/deliveries/{dead.pk}/cancel")
    assert Delivery.objects.get().state == "cancelled"


def test_the_same_over_rest(owner, dead):
    (listed,) = owner.api.get("/api/v1/deliveries?state=dead").json()["items"]
    assert listed["message_id"] == "episode-7-firing-1"
    detail = owner.api.get(f"/api/v1/deliveries/{dead.pk}").json()
    assert [attempt["status"] for attempt in detail["log"]] == [410]
    assert SECRET not in str(detail)
    assert owner.api.post(f"/api/v1/deliveries/{dead.pk}/redeliver").json()["state"] == "due"
    assert owner.api.post(f"/api/v1/deliveries/{dead.pk}/redeliver").status_code == 409
    assert owner.api.post(f"/api/v1/deliveries/{dead.pk}/cancel").json()["state"] == "cancelled"
    assert owner.api.get("/api/v1/deliveries/999999").status_code == 404


def test_only_who_may_alert_everywhere_sees_what_left_the_server(teammate, stranger, dead):
    for person in (teammate, stranger):
        for address in ("/deliveries", f"/deliveries/{dead.pk}"):
            assert person.browser.get(address).status_code == 403
            assert person.api.get(f"/api/v1{address}").status_code == 403
        for command in ("redeliver", "cancel"):
            assert person.browser.post(f"/deliveries/{dead.pk}/{command}").status_code == 403
            assert person.api.post(f"/api/v1/deliveries/{dead.pk}/{command}").status_code == 403
