"""How a channel goes: since when it fails, when its receiver is gone, what was tried, and sending again."""

import pytest
from django.db import connection

from access.delivery import deliver_due
from access.models import AuditEntry, Delivery, DeliveryTarget
from tests.alerts.log import Sent, store
from tests.receiver import Receiver, Reply

CHANNELS = "/api/v1/alerts/channels"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver(settings):
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        yield running


@pytest.fixture
def channel(owner, receiver):
    answer = owner.api.post(CHANNELS, {"name": "pager", "url": receiver.url}, format="json")
    return answer.json()["channel"]["id"]


@pytest.fixture
def rule(make_rule, channel):
    return make_rule(threshold=1, window_seconds=1, group_by=["node_id"], channels=[channel])


@pytest.fixture
def fire(rule, evaluate):
    """A firing of a node, written down and tried once."""

    def run(node: str) -> None:
        store([Sent(node_id=node)])
        evaluate(at=0)
        deliver_due()

    return run


@pytest.fixture
def shown(owner, channel):
    return lambda: owner.api.get(f"{CHANNELS}/{channel}").json()


def try_again():
    Delivery.objects.filter(state="due").update(next_attempt_at="2026-01-01T00:00Z")
    deliver_due()


def test_a_channel_fails_from_the_first_failure_until_something_arrives(owner, receiver, fire, shown):
    assert (shown()["state"], shown()["health"]) == ("enabled", None)
    receiver.answer = lambda _: Reply(500, b"out of order")
    fire("n1")
    first = shown()["health"]["failing_since"]
    try_again()
    failing = shown()
    assert (failing["state"], failing["health"]["failures"]) == ("failing", 2)
    assert failing["health"]["failing_since"] == first
    assert failing["health"]["problem"] == "It answered 500 instead of 2xx."
    for page in ("/alerts/channels", f"/alerts/channels/{failing['id']}"):
        assert "ailing" in owner.browser.get(page).content.decode()
    receiver.answer = lambda _: Reply()
    try_again()
    well = shown()
    assert (well["state"], well["health"]["failures"], well["health"]["problem"]) == ("enabled", 0, "")
    assert well["health"]["failing_since"] is None
    assert well["health"]["succeeded_at"]


def test_a_receiver_that_is_gone_is_told_nothing_more_until_it_is_enabled_again(
    owner, receiver, fire, shown, channel
):
    receiver.answer = lambda _: Reply(410)
    fire("n1")
    assert shown()["state"] == "gone"
    assert "The receiver is gone" in owner.browser.get(f"/alerts/channels/{channel}").content.decode()
    fire("n2")
    assert Delivery.objects.count() == 1
    same = {"name": "pager", "url": receiver.url}
    assert owner.api.put(f"{CHANNELS}/{channel}", same, format="json").status_code == 200
    receiver.answer = lambda _: Reply()
    fire("n3")
    assert [one.state for one in Delivery.objects.order_by("id")] == ["dead", "delivered"]
    assert shown()["state"] == "enabled"


def test_a_test_that_arrives_takes_a_receiver_back_that_was_gone(owner, receiver, fire, shown, channel):
    receiver.answer = lambda _: Reply(410)
    fire("n1")
    receiver.answer = lambda _: Reply()
    owner.api.post(f"{CHANNELS}/{channel}/test")
    deliver_due()
    assert shown()["state"] == "enabled"


def test_every_attempt_is_in_the_log_and_can_be_filtered(owner, receiver, fire, channel):
    receiver.answer = lambda _: Reply(503, b"busy")
    fire("n1")
    receiver.answer = lambda _: Reply(200, b"thanks")
    try_again()
    tried = owner.api.get(f"{CHANNELS}/{channel}/attempts").json()["items"]
    assert [(one["number"], one["status"], one["answer"]) for one in tried] == [
        (2, 200, "thanks"),
        (1, 503, "busy"),
    ]
    [failed] = owner.api.get(f"{CHANNELS}/{channel}/attempts?outcome=failed").json()["items"]
    assert (failed["status"], failed["delivery"]["state"]) == (503, "delivered")
    assert owner.api.get(f"{CHANNELS}/{channel}/attempts?outcome=perhaps").status_code == 422
    page = owner.browser.get(f"/alerts/channels/{channel}/log?outcome=failed").content.decode()
    assert "It answered 503" in page
    assert failed["delivery"]["message_id"] in page
    assert (
        'class="bad"'
        not in owner.browser.get(f"/alerts/channels/{channel}/log?outcome=delivered").content.decode()
    )


def test_all_that_was_given_up_is_sent_again_under_the_same_ids(owner, receiver, fire, channel):
    receiver.answer = lambda _: Reply(500)
    for node in ("n1", "n2", "n3"):
        fire(node)
    owner.api.post(f"{CHANNELS}/{channel}/test")
    deliver_due()
    Delivery.objects.update(schedule=[])
    try_again()
    assert Delivery.objects.filter(state="dead").count() == 4
    ids = set(Delivery.objects.filter(about="alerts.episode").values_list("message_id", flat=True))
    receiver.answer = lambda _: Reply()
    receiver.received.clear()
    answer = owner.api.post(f"{CHANNELS}/{channel}/redeliver")
    assert (answer.status_code, answer.json()) == (202, {"redelivered": 3})
    deliver_due()
    assert {one.headers["webhook-id"] for one in receiver.wait_for(3)} == ids
    assert AuditEntry.objects.filter(action="delivery.redelivered_all").count() == 1
    assert owner.api.post(f"{CHANNELS}/{channel}/redeliver").json() == {"redelivered": 0}


def test_the_page_sends_again_and_says_how_many(owner, receiver, fire, channel):
    receiver.answer = lambda _: Reply(410)
    fire("n1")
    log = owner.browser.get(f"/alerts/channels/{channel}/log").content.decode()
    assert "Send the dead again" in log
    receiver.answer = lambda _: Reply()
    page = owner.browser.post(f"/alerts/channels/{channel}/redeliver", follow=True).content.decode()
    assert "1 messages are sent again" in page
    deliver_due()
    assert Delivery.objects.get().state == "delivered"


def test_the_answer_to_a_test_appears_by_itself(owner, receiver, channel):
    receiver.answer = lambda _: Reply(418, b"short and stout")
    owner.browser.post(f"/alerts/channels/{channel}/test")
    waiting = owner.browser.get(f"/alerts/channels/{channel}").content.decode()
    assert f'data-behaviour="live" data-url="/alerts/channels/{channel}/tests"' in waiting
    deliver_due()
    fragment = owner.browser.get(f"/alerts/channels/{channel}/tests").content.decode()
    assert "data-behaviour" not in fragment
    assert "418" in fragment
    assert "short and stout" in fragment


def test_a_deleted_channel_leaves_no_health_behind(owner, receiver, fire, channel):
    fire("n1")
    assert DeliveryTarget.objects.count() == 1
    owner.api.delete(f"{CHANNELS}/{channel}")
    assert not DeliveryTarget.objects.exists()


def test_a_channel_deleted_while_it_is_told_leaves_no_health_behind(owner, receiver, fire, channel):
    def deleted_meanwhile(_):
        try:
            assert owner.api.delete(f"{CHANNELS}/{channel}").status_code == 204
        finally:
            connection.close()  # that of the receiver's thread
        return Reply(500)

    receiver.answer = deleted_meanwhile
    fire("n1")
    [tried] = Delivery.objects.all()
    assert (tried.attempts, tried.state) == (1, "due")
    assert not DeliveryTarget.objects.exists()
