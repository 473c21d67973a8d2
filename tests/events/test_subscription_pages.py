"""The pages of subscriptions: made, listed, edited, paused, tested and deleted without a script."""

import pytest

from access.delivery import deliver_due
from events.models import Subscription
from tests.receiver import Receiver, Reply

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver(settings):
    with Receiver() as running:
        settings.OUTBOUND_ALLOW = [running.place]
        yield running


@pytest.fixture
def form(receiver):
    return {
        "name": "ci of the team",
        "subject_prefix": "team.",
        "kinds": ["registry.version.published"],
        "url": receiver.url,
        "format": "structured",
        "secret": "",
        "enabled": "on",
    }


def test_a_subscription_is_made_tested_paused_resumed_and_deleted(owner, form, receiver):
    browser = owner.browser
    assert "No subscriptions yet" in browser.get("/subscriptions").content.decode()
    made = browser.post("/subscriptions/new", form).content.decode()
    row = Subscription.objects.get()
    assert row.secret in made
    listed = browser.get("/subscriptions").content.decode()
    assert "ci of the team" in listed
    assert "team." in listed

    page = f"/subscriptions/{row.pk}"
    assert browser.post(f"{page}/test").status_code == 302
    deliver_due()
    receiver.wait_for(1)
    assert "204" in browser.get(page).content.decode()

    browser.post(f"{page}/pause")
    assert not Subscription.objects.get().enabled
    assert "Resume" in browser.get(page).content.decode()
    browser.post(f"{page}/resume")
    assert Subscription.objects.get().enabled
    browser.post(f"{page}/delete")
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("format_", ["structured", "binary"])
def test_it_is_shown_which_changes_were_sent(owner, form, publish, told, format_):
    owner.browser.post("/subscriptions/new", {**form, "format": format_})
    row = Subscription.objects.get()
    publish("team.größe 1", {"type": "object"})
    told()
    page = owner.browser.get(f"/subscriptions/{row.pk}").content.decode()
    assert "registry.<wbr>version.<wbr>published" in page
    assert "team.<wbr>größe 1" in page
    sent = owner.api.get(f"/api/v1/subscriptions/{row.pk}/deliveries").json()["items"]
    assert [(one["type"], one["subject"]) for one in sent] == [("registry.version.published", "team.größe 1")]


def test_a_message_behind_one_that_fails_says_that_it_waits(owner, form, publish, told, receiver):
    owner.browser.post("/subscriptions/new", form)
    publish("team.a", {"type": "object"})
    publish("team.b", {"type": "object"})
    told()
    receiver.answer = lambda _: Reply(status=500)
    deliver_due()
    page = owner.browser.get(f"/subscriptions/{Subscription.objects.get().pk}").content.decode()
    assert page.count("waits for an earlier one") == 1
    assert "not tried yet" not in page


def test_an_edit_keeps_the_secret_and_shows_what_there_is(owner, form):
    browser = owner.browser
    browser.post("/subscriptions/new", form)
    row = Subscription.objects.get()
    shown = browser.get(f"/subscriptions/{row.pk}").content.decode()
    assert "checked" in shown
    browser.post(f"/subscriptions/{row.pk}", {**form, "name": "renamed", "kinds": []})
    changed = Subscription.objects.get()
    assert (changed.name, changed.kinds, changed.secret) == ("renamed", [], row.secret)


def test_a_refusal_is_shown_at_its_field(owner, form):
    page = owner.browser.post("/subscriptions/new", {**form, "url": "http://127.0.0.1:9/x"}).content.decode()
    assert "OUTBOUND_ALLOW" in page
    assert not Subscription.objects.exists()


def test_a_prefix_can_be_brought_along(owner):
    page = owner.browser.get("/subscriptions/new?prefix=team.").content.decode()
    assert 'value="team."' in page


def test_an_operator_sees_only_those_below_their_prefix(make_person, owner, form):
    owner.browser.post("/subscriptions/new", {**form, "subject_prefix": "other."})
    operator = make_person("op", role="operator", prefix="team.").browser
    assert "ci of the team" not in operator.get("/subscriptions").content.decode()
    assert operator.get(f"/subscriptions/{Subscription.objects.get().pk}").status_code == 404
    assert make_person("vic", role="viewer").browser.get("/subscriptions").status_code == 403


def test_that_changes_are_not_told_is_said(owner, settings):
    settings.REGISTRY_EVENTS = False
    assert "REGISTRY_EVENTS" in owner.browser.get("/subscriptions").content.decode()
