"""Message templates: a channel's own words, tried on a real episode, and unable to do harm."""

import orjson
import pytest

from access.delivery import deliver_due
from access.models import Delivery
from alerts.models import Channel, Episode
from tests.alerts.log import Sent, store
from tests.receiver import Receiver

CHANNELS = "/api/v1/alerts/channels"
PREVIEW = f"{CHANNELS}/preview"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver(settings):
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        yield running


@pytest.fixture
def make_channel(owner, receiver):
    def make(**templates):
        wanted = {"name": "chat", "kind": "slack", "url": receiver.url, **templates}
        return owner.api.post(CHANNELS, wanted, format="json")

    return make


@pytest.fixture
def fire(make_rule, evaluate):
    def run(*channels, node="n<7>") -> Episode:
        make_rule("node failures", threshold=1, group_by=["node_id"], severity="error", channels=channels)
        store([Sent(node_id=node, error_code="ONEX_CORE_001")])
        evaluate(at=0)
        return Episode.objects.get()

    return run


def test_a_channel_says_it_in_its_own_words(receiver, make_channel, fire):
    made = make_channel(
        title_template="{{ severity|upper }}\n{{ rule.name }} on {{ group.node_id }}",
        text_template="{% for event in evidence %}{{ event.error_code }} at {{ event.occurred_at|date:'H:i' }}{% endfor %}",
    )
    fire(made.json()["channel"]["id"])
    deliver_due()
    [arrived] = receiver.wait_for(1)
    body = orjson.loads(arrived.body)
    # One line, and escaped as the receiver wants it.
    assert body["text"].endswith("|ERROR node failures on n&lt;7&gt;>")
    assert body["attachments"][0]["blocks"][0]["text"]["text"] == "ONEX_CORE_001 at 12:00"


def test_the_preview_is_of_the_newest_episode_or_of_a_named_one(owner, fire):
    template = {"title_template": "{{ what }}: {{ group.node_id|default:'everything' }}"}
    before = owner.api.post(PREVIEW, template, format="json").json()
    assert (before["title"], before["episode"]) == ("test: everything", None)
    episode = fire()
    after = owner.api.post(PREVIEW, template, format="json").json()
    assert (after["title"], after["episode"]) == ("firing: n<7>", episode.pk)
    assert after["text"].startswith("Firing since 2026-03-02 12:00:00 UTC")
    named = owner.api.post(PREVIEW, {**template, "episode": episode.pk + 1}, format="json")
    assert named.status_code == 404


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ severity", None),
        ("{% if what %}never closed", "Line 1"),
        ("fine\n{% include 'base.html' %}", "Line 2"),
        ("{% load static %}", "Line 1"),
        ("{% debug %}", "Line 1"),
        ("{{ title|ljust:'99999999' }}", "ljust"),
        ("{{ title|join:title }}", "join"),
        ("{{ settings.SECRET_KEY }}", "There is nothing called 'settings'"),
        ("{% for one in events %}{% endfor %}", "There is nothing called 'events'"),
        ("{{ title.__class__ }}", "underscore"),
        (
            "{% for a in title %}\n{% if a %}{% for b in title %}{% endfor %}{% endif %}{% endfor %}",
            "A loop cannot hold",
        ),
        ("x" * 2001, "at most 2000 characters"),
    ],
)
def test_what_a_template_cannot_say_is_refused_with_its_place(owner, make_channel, template, said):
    for answer in (
        make_channel(text_template=template),
        owner.api.post(PREVIEW, {"text_template": template}, format="json"),
    ):
        if said is None:
            # A brace that is not closed is text, as in Django's templates.
            assert answer.status_code in {200, 201}
            continue
        assert answer.status_code == 422
        assert answer.json()["details"]["pointer"] == "/text_template"
        assert said in answer.json()["message"]
    assert Channel.objects.exists() == (said is None)


def test_the_most_that_a_template_can_do_is_little(owner, make_rule, evaluate):
    make_rule(threshold=1, description="y" * 5000)
    store([Sent()])
    evaluate(at=0)
    greedy = "{% for one in rule.description %}{{ rule.description }}{{ rule.description }}{% endfor %}" * 20
    answer = owner.api.post(PREVIEW, {"text_template": greedy}, format="json")
    assert len(answer.json()["text"]) == 2500


def test_a_template_that_fails_on_an_episode_does_not_hold_the_alert_up(receiver, make_channel, fire):
    channel = make_channel(title_template="mine").json()["channel"]["id"]
    # As if it had been stored by an older version that knew more.
    Channel.objects.update(title_template="{% gone %}")
    fire(channel)
    deliver_due()
    assert Delivery.objects.get().state == "delivered"
    assert "node failures" in orjson.loads(receiver.wait_for(1)[0].body)["text"]


def test_a_webhook_has_no_templates(make_channel):
    refused = make_channel(kind="webhook", title_template="x")
    assert (refused.status_code, refused.json()["details"]["pointer"]) == (422, "/title_template")


def test_the_form_shows_the_preview_with_and_without_scripts(owner, make_channel, fire):
    channel = make_channel().json()["channel"]["id"]
    fire(channel)
    browser = owner.browser
    written = {
        "name": "renamed",
        "url": "https://example.org",
        "title_template": "Mine: {{ rule.name }}",
        "text_template": "",
    }
    fragment = browser.post("/alerts/channels/preview", written).content.decode()
    assert "Mine: node failures" in fragment
    page = browser.post(f"/alerts/channels/{channel}", {**written, "action": "preview"}).content.decode()
    assert "Mine: node failures" in page
    assert Channel.objects.get().name == "chat"
    wrong = browser.post("/alerts/channels/preview", {**written, "text_template": "{% nonsense %}"})
    assert "Line 1: Invalid block tag" in wrong.content.decode()
    saved = browser.post(f"/alerts/channels/{channel}", {**written, "action": "save", "enabled": "on"})
    assert saved.status_code == 302
    assert Channel.objects.get().title_template == "Mine: {{ rule.name }}"


def test_a_template_with_a_mistake_stands_beside_its_field(owner, make_channel):
    channel = make_channel().json()["channel"]["id"]
    wrong = {"name": "chat", "url": "https://example.org", "title_template": "{{ nobody }}", "action": "save"}
    page = owner.browser.post(f"/alerts/channels/{channel}", wrong).content.decode()
    assert "There is nothing called" in page
    assert Channel.objects.get().title_template == ""
