"""Kinds of channels beside the webhook: what each receiver is told when a rule fires and when it resolves."""

import orjson
import pytest

from access.delivery import deliver_due
from access.models import Delivery
from alerts.models import Channel
from tests.alerts.log import Sent, store
from tests.mail_server import MailServer
from tests.receiver import Receiver, Reply

CHANNELS = "/api/v1/alerts/channels"
KEY = "0123456789abcdefghijklmnopqrstuv"


@pytest.fixture
def receiver(settings):
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        settings.PAGERDUTY_EVENTS_URL = running.url
        yield running


@pytest.fixture
def mail(settings):
    with MailServer() as running:
        settings.SENDS_EMAIL = True
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.DEFAULT_FROM_EMAIL = "Onex <onex@example.org>"
        settings.PUBLIC_URL = "https://onex.example.org"
        yield running


@pytest.fixture
def make_channel(owner):
    def make(kind, **parts):
        answer = owner.api.post(CHANNELS, {"name": kind, "kind": kind, **parts}, format="json")
        assert answer.status_code == 201, answer.content
        return answer.json()["channel"]["id"]

    return make


@pytest.fixture
def fire_and_resolve(make_rule, evaluate):
    """One episode of node `<!channel>`, from beginning to end, sent."""

    def run(channel, **spec):
        given = {"threshold": 2, "window_seconds": 60, "group_by": ["node_id"], "severity": "error"}
        make_rule("node failures", channels=[channel], description="Look & see.", **given | spec)
        store([Sent(node_id="<!channel>"), Sent(node_id="<!channel>")])
        evaluate(at=2)
        deliver_due()
        evaluate(at=700)
        deliver_due()

    return run


def bodies(receiver, count=2):
    return [orjson.loads(one.body) for one in receiver.wait_for(count)]


@pytest.mark.django_db(transaction=True)
def test_slack_gets_a_coloured_message_with_links_in_which_events_cannot_call_anybody(
    receiver, make_channel, fire_and_resolve
):
    fire_and_resolve(make_channel("slack", url=receiver.url))
    firing, resolved = bodies(receiver)
    assert firing["text"].startswith("*Firing* (error): <http")
    assert "/alerts/episodes/" in firing["text"]
    [attachment] = firing["attachments"]
    assert attachment["color"] != resolved["attachments"][0]["color"]
    assert resolved["text"].startswith("*Resolved*")
    fields = attachment["blocks"][1]["fields"]
    assert {"type": "mrkdwn", "text": "*What to do*\nLook &amp; see."} in fields
    assert "/events/" in attachment["blocks"][2]["text"]["text"]
    assert b"<!channel>" not in receiver.received[0].body
    assert b"&lt;!channel&gt;" in receiver.received[0].body
    assert "webhook-signature" not in receiver.received[0].headers


@pytest.mark.django_db(transaction=True)
def test_pagerduty_opens_and_resolves_one_incident_for_an_episode(
    receiver, make_channel, fire_and_resolve, owner
):
    fire_and_resolve(make_channel("pagerduty", secret=KEY))
    trigger, resolve = bodies(receiver)
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"]
    assert trigger["routing_key"] == resolve["routing_key"] == KEY
    assert trigger["payload"]["severity"] == "error"
    assert "2 events within 1 min" in trigger["payload"]["summary"]
    assert trigger["client_url"] == trigger["links"][0]["href"]
    # The key joins the message when it is sent, so that its page does not show it.
    page = owner.browser.get(f"/deliveries/{Delivery.objects.first().pk}")
    assert page.status_code == 200
    assert KEY not in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_test_of_pagerduty_leaves_no_incident_open(receiver, make_channel, owner):
    sent = owner.api.post(f"{CHANNELS}/{make_channel('pagerduty', secret=KEY)}/test").json()
    assert len(sent["deliveries"]) == 2
    deliver_due()
    deliver_due()
    assert [body["event_action"] for body in bodies(receiver)] == ["trigger", "resolve"]


@pytest.mark.django_db(transaction=True)
def test_two_keys_of_pagerduty_do_not_wait_for_each_other(receiver, owner, make_channel, make_rule, evaluate):
    first = make_channel("pagerduty", secret=KEY)
    second = make_channel("pagerduty", name="other", secret=KEY.upper())
    receiver.answer = lambda got: Reply(500) if KEY in got.body.decode() else Reply(202)
    make_rule(threshold=1, channels=[first, second])
    store([Sent()])
    evaluate(at=0)
    deliver_due()
    deliver_due()
    states = dict(Delivery.objects.values_list("target", "state"))
    assert states == {f"alerts.channel/{first}": "due", f"alerts.channel/{second}": "delivered"}


@pytest.mark.django_db(transaction=True)
def test_an_e_mail_reaches_every_recipient_as_text_and_html_in_one_thread(
    mail, make_channel, fire_and_resolve
):
    fire_and_resolve(
        make_channel("email", recipients=["ann@example.org", "bob@example.org", "ann@example.org"])
    )
    to_ann = [one for one in mail.received if one["To"] == "ann@example.org"]
    assert (len(mail.received), len(to_ann)) == (4, 2)
    firing, resolved = to_ann
    assert firing["Subject"] == "error: node failures: node_id <!channel>"
    assert resolved["Subject"] == "Re: " + firing["Subject"]
    assert resolved["In-Reply-To"] == resolved["References"] == firing["Message-ID"]
    assert firing["Message-ID"].endswith("@onex.example.org>")
    assert firing["Auto-Submitted"] == "auto-generated"
    text, html = (firing.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert text.startswith("Firing since ")
    assert "https://onex.example.org/alerts/episodes/" in text
    assert "Look & see." in text
    assert "Look &amp; see." in html
    assert "<!channel>" not in html
    assert resolved.get_body(("plain",)).get_content().startswith("Resolved after ")


@pytest.mark.django_db(transaction=True)
def test_a_refused_recipient_is_given_up_and_the_others_get_theirs(mail, make_channel, owner):
    mail.answer = lambda address: "550 5.1.1 no such user" if address.startswith("bob") else "250 OK"
    channel = make_channel("email", recipients=["ann@example.org", "bob@example.org"])
    owner.api.post(f"{CHANNELS}/{channel}/test")
    deliver_due()
    rows = {one.url: one for one in Delivery.objects.prefetch_related("log")}
    assert rows["mailto:ann@example.org"].log.get().problem == ""
    assert rows["mailto:ann@example.org"].state == "delivered"
    assert rows["mailto:ann@example.org"].log.get().answer == "2.0.0 queued as A1"
    refused = rows["mailto:bob@example.org"]
    assert refused.state == "dead"
    assert "550" in refused.log.get().problem
    assert "no such user" in owner.browser.get(f"/alerts/channels/{channel}").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_is_down_or_busy_is_tried_again(mail, settings, make_channel, make_rule, evaluate):
    make_rule(threshold=1, channels=[make_channel("email", recipients=["ann@example.org"])])
    store([Sent()])
    evaluate(at=0)
    mail.answer = lambda _: "451 4.7.1 later, please"
    deliver_due()
    sent = Delivery.objects.get()
    assert (sent.state, sent.log.get().status) == ("due", 451)
    settings.EMAIL_PORT = 1
    Delivery.objects.update(next_attempt_at=sent.created_at)
    deliver_due()
    sent.refresh_from_db()
    assert (sent.state, sent.attempts) == ("due", 2)
    assert "The mail server 127.0.0.1:1 failed" in sent.log.last().problem


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["teams", "discord", "apprise"])
def test_chats_get_a_card_with_the_episode_and_its_facts(kind, receiver, make_channel, fire_and_resolve):
    fire_and_resolve(make_channel(kind, url=receiver.url))
    firing, resolved = (one.body.decode() for one in receiver.wait_for(2))
    for said in ("Firing: node failures", "2 events within 1 min", "/alerts/episodes/", "Look & see."):
        assert said in firing
    assert "Resolved: node failures" in resolved
    assert Delivery.objects.filter(state="delivered").count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"kind": "email", "recipients": []}, "/recipients"),
        ({"kind": "email", "recipients": ["nobody"]}, "/recipients"),
        ({"kind": "email", "recipients": ["a@b.org\r\nBcc: x@y.org"]}, "/recipients"),
        ({"kind": "email", "recipients": ["ann@example.org"], "url": "https://example.org"}, "/url"),
        ({"kind": "email", "recipients": [f"n{number}@example.org" for number in range(51)]}, "/recipients"),
        ({"kind": "slack", "url": "http://127.0.0.1:1/"}, "/url"),
        ({"kind": "slack", "url": "https://example.org", "secret": "whsec_x"}, "/secret"),
        ({"kind": "discord", "url": "http://169.254.169.254/"}, "/url"),
        ({"kind": "teams", "url": ""}, "/url"),
        ({"kind": "pagerduty", "secret": "short"}, "/secret"),
        ({"kind": "pagerduty"}, "/secret"),
    ],
)
def test_a_channel_that_lacks_what_its_kind_needs_is_refused_with_its_place(owner, mail, wanted, pointer):
    answer = owner.api.post(CHANNELS, {"name": "x", **wanted}, format="json")
    assert answer.status_code == 422
    assert answer.json()["details"]["pointer"] == pointer
    assert not Channel.objects.exists()


@pytest.mark.django_db
def test_without_a_mail_server_a_channel_of_mail_is_refused_and_the_setting_named(owner):
    wanted = {"name": "x", "kind": "email", "recipients": ["ann@example.org"]}
    answer = owner.api.post(CHANNELS, wanted, format="json")
    assert answer.status_code == 422
    assert "EMAIL_URL" in answer.json()["message"]
    assert "EMAIL_URL" in owner.browser.get("/alerts/channels/new?kind=email").content.decode()


@pytest.mark.django_db
def test_a_channel_stays_of_its_kind_and_keeps_its_key(owner, make_channel):
    channel = make_channel("pagerduty", secret=KEY)
    answer = owner.api.put(f"{CHANNELS}/{channel}", {"name": "x", "kind": "slack"}, format="json")
    assert (answer.status_code, answer.json()["details"]["pointer"]) == (422, "/kind")
    assert owner.api.put(f"{CHANNELS}/{channel}", {"name": "renamed"}, format="json").status_code == 200
    assert Channel.objects.get().secret == KEY


@pytest.mark.django_db
def test_the_page_asks_for_what_the_kind_needs(owner, mail):
    page = owner.browser.get("/alerts/channels/new?kind=email").content.decode()
    assert 'name="recipients"' in page
    assert 'name="url"' not in page
    made = {"name": "people", "recipients": "ann@example.org\nbob@example.org", "enabled": "on"}
    answer = owner.browser.post("/alerts/channels/new?kind=email", made)
    channel = Channel.objects.get()
    assert answer.headers["location"] == f"/alerts/channels/{channel.pk}"
    assert channel.recipients == ["ann@example.org", "bob@example.org"]
    assert "2 addresses" in owner.browser.get("/alerts/channels").content.decode()


@pytest.mark.django_db
def test_addresses_of_people_are_shown_to_those_who_may_change_channels(
    owner, make_person, mail, make_channel
):
    make_channel("email", recipients=["ann@example.org"])
    operator = make_person("op", role="operator", prefix="team.")
    [shown] = operator.api.get(CHANNELS).json()["items"]
    assert (shown["kind"], shown["url"], shown["recipients"]) == ("email", "1 address", [])
    assert owner.api.get(CHANNELS).json()["items"][0]["recipients"] == ["ann@example.org"]
