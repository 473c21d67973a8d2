"""The pages of replay, as a browser without scripts sees them."""

import pytest

from access.signing import new_secret
from events.models import Replay
from tests.events.replays import begin, play, store
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db
FORM = {
    "correlation_id": "order-1",
    "to": "webhook",
    "target": "https://example.com/hook",
    "speed": "2",
    "max_gap": "",
    "secret": "",
}


def start(actor, **options):
    return begin(actor, **options)


def test_the_empty_list_leads_to_a_new_run(owner):
    page = owner.browser.get("/replays").content.decode()
    assert "No replays yet" in page
    assert 'href="/replays/new"' in page


def test_a_link_with_a_correlation_shows_at_once_what_a_run_would_do(owner):
    store(0.0, 1.0, 61.0)
    page = owner.browser.get("/replays/new?correlation_id=order-1&max_gap=5&speed=2").content.decode()
    assert 'value="order-1"' in page
    assert "3.0 s at ×2" in page
    assert "55.0 s" in page
    assert Replay.objects.count() == 0


def test_preview_starts_nothing_and_keeps_what_was_typed(owner):
    store(0.0, 10.0)
    page = owner.browser.post("/replays/new", FORM | {"preview": "1"}).content.decode()
    assert "5.0 s at ×2" in page
    assert 'value="https://example.com/hook"' in page
    assert Replay.objects.count() == 0


def test_the_form_starts_a_run_and_shows_it(owner):
    store(0.0, 1.0)
    answer = owner.browser.post("/replays/new", FORM, follow=True)
    replay = Replay.objects.get()
    assert answer.redirect_chain == [(f"/replays/{replay.pk}", 302)]
    assert replay.speed == 2.0
    page = answer.content.decode()
    assert "of 2" in page
    assert f'data-url="/replays/{replay.pk}/progress"' in page


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"target": "http://127.0.0.1/"}, "OUTBOUND_ALLOW"),
        ({"correlation_id": "unknown"}, "No event of correlation"),
        ({"speed": "100000"}, "The speed is a multiplier"),
        ({"secret": "hunter2"}, "A signing secret is"),
        ({"speed": ""}, "This field is required"),
        ({"to": "rule", "rule": "{"}, "This is no JSON"),
        ({"to": "rule", "rule": "[]"}, "A rule is a JSON object"),
        ({"to": "rule", "rule": "{}"}, "A candidate rule has a selector"),
        ({"to": "schema"}, "A candidate schema is a subject"),
        ({"to": "schema", "subject": "team.order", "schema": '{"type": 7}'}, "Invalid schema"),
        ({"to": "webhook", "side_effects": "on"}, "Only events that are stored again"),
        ({"loop": "1000"}, "REPLAY_MAX_PASSES"),
    ],
)
def test_what_is_wrong_is_said_on_the_form_and_nothing_starts(owner, wrong, sentence):
    store(0.0)
    page = owner.browser.post("/replays/new", FORM | wrong)
    assert page.status_code == 200
    assert sentence in page.content.decode()
    assert Replay.objects.count() == 0


def test_a_run_is_paused_resumed_sped_up_and_cancelled_by_its_buttons(owner):
    store(0.0, 1.0)
    replay = start(owner.actor)
    steps = [
        ("pause", {}, "paused"),
        ("resume", {}, "running"),
        ("speed", {"speed": "3"}, "running"),
        ("cancel", {}, "cancelled"),
    ]
    for command, body, state in steps:
        answer = owner.browser.post(f"/replays/{replay.pk}/{command}", body)
        assert answer["Location"] == f"/replays/{replay.pk}"
        replay.refresh_from_db()
        assert replay.state == state
    assert replay.speed == 3.0
    late = owner.browser.post(f"/replays/{replay.pk}/pause", follow=True)
    assert "This replay is cancelled" in late.content.decode()
    assert owner.browser.get(f"/replays/{replay.pk}/pause").status_code == 405


def test_the_progress_stops_asking_when_the_run_has_ended(owner, settings):
    store(0.0, 0.5)
    with Receiver() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        replay = start(owner.actor, target=receiver.url, speed=100)
        assert 'data-behaviour="live"' in owner.browser.get(f"/replays/{replay.pk}/progress").content.decode()
        play(replay)
    fragment = owner.browser.get(f"/replays/{replay.pk}/progress").content.decode()
    assert 'data-behaviour="live"' not in fragment
    assert "All events were played" in fragment
    assert "Late by (p99)" in fragment
    assert "<html" not in fragment


def test_a_secret_is_never_shown_again(owner):
    store(0.0)
    secret = new_secret()
    replay = start(owner.actor, secret=secret)
    for address in (f"/replays/{replay.pk}", "/replays", f"/api/v1/replays/{replay.pk}", "/api/v1/replays"):
        answer = owner.browser.get(address).content.decode()
        assert secret not in answer


def test_runs_that_one_may_not_touch_are_not_there(owner, teammate, stranger):
    store(0.0)
    replay = start(owner.actor)
    for person in (teammate, stranger):
        assert person.browser.get(f"/replays/{replay.pk}").status_code == 404
        assert str(replay.pk) not in person.browser.get("/replays").content.decode()
        assert person.browser.post(f"/replays/{replay.pk}/cancel").status_code == 404


def test_the_list_is_filtered_by_the_address(owner):
    store(0.0)
    store(0.0, correlation_id="order-2")
    start(owner.actor)
    start(owner.actor, correlation_id="order-2")
    page = owner.browser.get("/replays?correlation_id=order-2").content.decode()
    assert ">order-2</a>" in page
    assert ">order-1</a>" not in page
    assert "No replay fits" in owner.browser.get("/replays?state=failed").content.decode()
