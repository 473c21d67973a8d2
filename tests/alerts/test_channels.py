"""Channels: made with a checked address and a secret that is shown once, tested, told, deleted."""

import base64

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook

from access.delivery import deliver_due
from access.models import AuditEntry, Delivery
from alerts.models import Channel
from tests.alerts.log import Sent, store
from tests.receiver import Receiver

CHANNELS = "/api/v1/alerts/channels"


@pytest.fixture
def receiver(settings):
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        yield running


@pytest.fixture
def made(owner, receiver):
    return owner.api.post(CHANNELS, {"name": "pager", "url": receiver.url}, format="json").json()


@pytest.mark.django_db
def test_the_secret_is_shown_when_the_channel_is_made_and_never_again(owner, made):
    assert made["secret"].startswith("whsec_")
    assert "secret" not in owner.api.get(f"{CHANNELS}/{made['channel']['id']}").json()
    browser = owner.browser
    for address in ("/alerts/channels", f"/alerts/channels/{made['channel']['id']}"):
        assert made["secret"] not in browser.get(address).content.decode()
    assert made["secret"] not in str(list(AuditEntry.objects.values()))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"url": "http://127.0.0.1:1/hook"}, "/url"),
        ({"url": "http://169.254.169.254/latest"}, "/url"),
        ({"url": "file:///etc/passwd"}, "/url"),
        ({"url": "nonsense"}, "/url"),
        ({"secret": "abc"}, "/secret"),
        ({"name": "pager"}, "/name"),
    ],
)
def test_a_channel_that_cannot_be_is_refused_with_its_place(owner, made, receiver, changes, pointer):
    answer = owner.api.post(CHANNELS, {"name": "other", "url": receiver.url, **changes}, format="json")
    assert answer.status_code in {409, 422}
    assert answer.json()["details"]["pointer"] == pointer
    assert Channel.objects.count() == 1


@pytest.mark.django_db
def test_a_refused_internal_address_names_the_setting_on_the_page_too(owner):
    form = {"name": "inside", "url": "http://127.0.0.1:9/hook", "secret": "", "enabled": "on"}
    page = owner.browser.post("/alerts/channels/new", form).content.decode()
    assert "OUTBOUND_ALLOW" in page


@pytest.mark.django_db
def test_an_edit_without_a_secret_keeps_it(owner, made, receiver):
    channel_id = made["channel"]["id"]
    changed = {"name": "pager 2", "url": receiver.url, "enabled": False}
    assert owner.api.put(f"{CHANNELS}/{channel_id}", changed, format="json").json()["enabled"] is False
    assert Channel.objects.get().secret == made["secret"]


@pytest.mark.django_db(transaction=True)
def test_a_notification_arrives_signed_and_says_alert_firing(owner, made, receiver, make_rule, evaluate):
    make_rule(threshold=1, channels=[made["channel"]["id"]])
    store([Sent(node_id="n9")])
    evaluate(at=0)
    deliver_due()
    [arrived] = receiver.wait_for(1)
    body = Webhook(made["secret"]).verify(arrived.body, dict(arrived.headers))
    assert body["type"] == "alert.firing"
    assert body["data"]["evidence"][0]["node_id"] == "n9"
    assert Delivery.objects.get().state == "delivered"


@pytest.mark.django_db(transaction=True)
def test_a_test_message_goes_the_same_way(owner, made, receiver):
    sent = owner.api.post(f"{CHANNELS}/{made['channel']['id']}/test")
    assert sent.status_code == 202
    deliver_due()
    [arrived] = receiver.wait_for(1)
    assert orjson.loads(arrived.body)["type"] == "alert.test"
    page = owner.browser.get(f"/alerts/channels/{made['channel']['id']}").content.decode()
    assert "204" in page


@pytest.mark.django_db(transaction=True)
def test_a_channel_deleted_while_delivering_still_gets_what_waits(owner, made, receiver, make_rule, evaluate):
    rule = make_rule(threshold=1, channels=[made["channel"]["id"]])
    store([Sent()])
    evaluate(at=0)
    assert owner.api.delete(f"{CHANNELS}/{made['channel']['id']}").status_code == 204
    deliver_due()
    receiver.wait_for(1)
    assert not rule.channels.exists()
    evaluate(at=1000)
    assert Delivery.objects.count() == 1


@pytest.mark.django_db
def test_only_who_alerts_everywhere_changes_channels(make_person, made, receiver):
    operator = make_person("op", role="operator", prefix="team.")
    assert len(operator.api.get(CHANNELS).json()["items"]) == 1
    # The path of an address often is a secret.
    for answer in (operator.api.get(CHANNELS), operator.api.get(f"{CHANNELS}/{made['channel']['id']}")):
        assert receiver.place in answer.content.decode()
        assert receiver.url not in answer.content.decode()
    assert operator.api.post(CHANNELS, {"name": "x", "url": receiver.url}, format="json").status_code == 403
    assert operator.api.delete(f"{CHANNELS}/{made['channel']['id']}").status_code == 403
    assert operator.api.post(f"{CHANNELS}/{made['channel']['id']}/test").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_trusts_nobody_with_its_secret_verifies_with_a_public_key(owner, receiver):
    wanted = {"name": "pager", "url": receiver.url, "signature": "v1a"}
    made = owner.api.post(CHANNELS, wanted, format="json").json()
    assert made["secret"] == ""
    public = made["channel"]["public_key"]
    owner.api.post(f"{CHANNELS}/{made['channel']['id']}/test")
    deliver_due()
    [arrived] = receiver.wait_for(1)
    headers = arrived.headers
    signature = headers["webhook-signature"].removeprefix("v1a,")
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + arrived.body
    verifier = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    verifier.verify(base64.b64decode(signature), content)
    page = owner.browser.get(f"/alerts/channels/{made['channel']['id']}").content.decode()
    assert public in page
    assert Channel.objects.get().secret not in page


@pytest.mark.django_db
def test_another_scheme_of_signing_makes_a_new_secret_and_the_same_keeps_it(owner, made, receiver):
    address = f"{CHANNELS}/{made['channel']['id']}"
    wanted = {"name": "pager", "url": receiver.url}
    pair = owner.api.put(address, {**wanted, "signature": "v1a"}, format="json").json()
    assert (pair["signature"], pair["public_key"][:5]) == ("v1a", "whpk_")
    for same in ({}, {"signature": "v1a"}):
        assert owner.api.put(address, {**wanted, **same}, format="json").json() == pair
    private = Channel.objects.get().secret
    unknown = owner.api.put(address, {**wanted, "signature": "v1"}, format="json")
    assert (unknown.status_code, unknown.json()["details"]["pointer"]) == (422, "/secret")
    brought = owner.api.put(address, {**wanted, "secret": private}, format="json")
    assert (brought.status_code, brought.json()["details"]["pointer"]) == (422, "/secret")
    back = owner.api.put(address, {**wanted, "secret": made["secret"]}, format="json").json()
    assert (back["signature"], back["public_key"]) == ("v1", None)


@pytest.mark.django_db
def test_the_form_makes_a_key_pair_and_shows_its_public_half(owner, receiver):
    form = {"name": "pager", "url": receiver.url, "secret": "", "signature": "v1a", "enabled": "on"}
    page = owner.browser.post("/alerts/channels/new", form, follow=True).content.decode()
    assert "whpk_" in page
    assert "whsk_" not in page
