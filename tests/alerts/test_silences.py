"""Silences hold notifications, hide nothing, and let go at their end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.delivery import deliver_due
from access.models import AuditEntry, Delivery
from alerts.attend import resolve_episode
from alerts.channels import ChannelSpec, create_channel
from alerts.models import Episode, Silence
from alerts.silences import create_silence, edit_silence, expire_silence
from tests.alerts.log import Sent, store

pytestmark = pytest.mark.django_db
SILENCES = "/api/v1/alerts/silences"
NODE_1 = [{"label": "node_id", "op": "eq", "value": "n1"}]


@pytest.fixture
def channel(actor, settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9999"]
    return create_channel(actor=actor, spec=ChannelSpec("pager", "http://127.0.0.1:9999/hook"))


@pytest.fixture
def rule(make_rule, channel):
    return make_rule(threshold=1, window_seconds=3600, group_by=("node_id",), channels=[channel.pk])


@pytest.fixture
def fail(rule, evaluate):
    def run(node="n1"):
        store([Sent(node_id=node, occurred_at=timezone.now())])
        evaluate(at=timezone.now())
        return Episode.objects.filter(group__node_id=node).first()

    return run


def soon(**length):
    return timezone.now() + timedelta(**(length or {"hours": 1}))


def silence(actor, matchers=NODE_1, **said):
    return create_silence(
        actor=actor, matchers=matchers, **{"reason": "maintenance", "ends_at": soon(), **said}
    )


def waiting():
    return [(one.message_id.split("-")[2], one.held_until) for one in Delivery.objects.order_by("id")]


def test_what_it_fits_is_held_and_everything_else_told(actor, fail):
    made = silence(actor)
    fail("n1")
    fail("n2")
    assert waiting() == [("firing", made.ends_at), ("firing", None)]
    assert Delivery.objects.earliest("id").next_attempt_at == made.ends_at
    assert Episode.objects.firing().count() == 2


def test_the_course_says_who_silenced_it_until_when_and_why(owner, actor, fail):
    made = silence(actor)
    episode = fail()
    course = owner.api.get(f"/api/v1/alerts/episodes/{episode.pk}").json()["episode"]["course"]
    muted = next(one for one in course if one["what"] == "muted")
    assert f"silence {made.pk} by {made.created_by}" in muted["sentence"]
    assert muted["text"] == "maintenance"
    assert "Silent until" in owner.browser.get(f"/alerts/episodes/{episode.pk}").content.decode()


def test_when_it_ends_what_still_fires_is_told_at_once(actor, fail):
    made = silence(actor)
    fail()
    assert deliver_due(clock=lambda: made.ends_at - timedelta(seconds=1)) == 0
    assert deliver_due(clock=lambda: made.ends_at + timedelta(seconds=1)) == 1


def test_ended_early_it_lets_go_at_once(actor, fail):
    made = silence(actor)
    fail()
    expire_silence(actor=actor, silence_id=made.pk)
    assert waiting() == [("firing", None)]
    assert deliver_due(clock=timezone.now) == 1
    made.refresh_from_db()
    assert (made.state(timezone.now()), made.ended_by) == ("expired", actor.label)


def test_what_is_over_before_the_end_is_never_told(actor, fail):
    silence(actor)
    resolve_episode(actor=actor, episode_id=fail().pk)
    assert [one.state for one in Delivery.objects.all()] == ["cancelled"]


def test_who_heard_that_it_fires_hears_that_it_is_over(actor, fail):
    episode = fail()
    silence(actor)
    resolve_episode(actor=actor, episode_id=episode.pk)
    assert waiting() == [("firing", None), ("resolved", None)]


def test_another_end_moves_what_waits(actor, fail):
    made = silence(actor)
    fail()
    later = soon(hours=5)
    edit_silence(actor=actor, silence_id=made.pk, reason="takes longer", ends_at=later)
    assert waiting() == [("firing", later)]


def test_of_two_silences_the_last_end_counts_whichever_was_first(actor, fail):
    short = silence(actor)
    fail()
    long = silence(actor, ends_at=soon(hours=3))
    assert waiting() == [("firing", long.ends_at)]
    expire_silence(actor=actor, silence_id=long.pk)
    assert waiting() == [("firing", short.ends_at)]


def test_quiet_hours_hold_on_after_a_silence(actor, channel, fail):
    now = timezone.now()
    quiet_from, quiet_until = (now - timedelta(hours=1)).time(), (now + timedelta(hours=3)).time()
    type(channel).objects.update(quiet_from=quiet_from, quiet_until=quiet_until)
    made = silence(actor)
    fail()
    ((_, held),) = waiting()
    assert held > made.ends_at + timedelta(hours=1)
    expire_silence(actor=actor, silence_id=made.pk)
    assert waiting() == [("firing", held)]


def test_one_that_has_not_begun_holds_nothing_yet(actor, fail):
    silence(actor, starts_at=soon(minutes=30), ends_at=soon(hours=2))
    fail()
    assert waiting() == [("firing", None)]


def test_it_reaches_only_the_rules_that_its_maker_may_change(make_person, fail):
    other = make_person("other", role="operator", prefix="team.")
    answer = other.api.post(SILENCES, {"matchers": NODE_1, "reason": "quiet", "ends_at": soon().isoformat()})
    assert (answer.status_code, answer.json()["prefixes"]) == (201, ["team."])
    fail()
    assert waiting() == [("firing", None)]


def test_nobody_ends_a_silence_that_reaches_further_than_they_do(actor, make_person):
    made = silence(actor)
    other = make_person("other", role="operator", prefix="team.")
    assert other.api.post(f"{SILENCES}/{made.pk}/expire").status_code == 403
    assert (
        other.api.put(f"{SILENCES}/{made.pk}", {"reason": "x", "ends_at": soon().isoformat()}).status_code
        == 403
    )


def test_over_rest_one_is_made_previewed_changed_listed_and_ended(owner, fail):
    fail("n1")
    hides = owner.api.post(f"{SILENCES}/preview", {"matchers": NODE_1}).json()["hides"]
    assert (hides["firing_count"], hides["recent_count"], hides["rules"]) == (1, 1, ["failures"])
    assert [one["group"] for one in hides["firing"]] == [{"node_id": "n1"}]
    made = owner.api.post(
        SILENCES, {"matchers": NODE_1, "reason": "disk", "ends_at": soon().isoformat()}
    ).json()
    assert made["state"] == "active"
    longer = owner.api.put(
        f"{SILENCES}/{made['id']}", {"reason": "disks", "ends_at": soon(days=2).isoformat()}
    )
    assert longer.json()["reason"] == "disks"
    assert [one["id"] for one in owner.api.get(f"{SILENCES}?state=active").json()["items"]] == [made["id"]]
    assert owner.api.post(f"{SILENCES}/{made['id']}/expire").json()["state"] == "expired"
    assert owner.api.get(f"{SILENCES}?state=active").json()["items"] == []
    again = owner.api.post(f"{SILENCES}/{made['id']}/expire")
    assert (again.status_code, again.json()["details"]["code"]) == (422, "invalid_silence")
    assert AuditEntry.objects.filter(action__startswith="silence.").count() == 3


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"matchers": []}, "/matchers"),
        ({"matchers": [{"label": "a", "op": "=~", "value": ".*"}]}, "/matchers/0/op"),
        ({"reason": "x" * 10_001}, "/reason"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "/ends_at"),
        ({"ends_at": "2999-01-01T00:00:00Z"}, "/ends_at"),
        ({"starts_at": "2099-01-01T00:00:00Z"}, "/ends_at"),
        ({"ends_at": "soon"}, "ends_at"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_silence_that_cannot_be_is_refused_with_the_place(owner, said, pointer):
    whole = {"matchers": NODE_1, "reason": "why", "ends_at": soon().isoformat(), **said}
    answer = owner.api.post(SILENCES, whole)
    assert answer.status_code == 422, answer.content
    assert pointer in answer.content.decode()
    assert owner.api.get(f"{SILENCES}/999").json()["details"]["code"] == "silence_not_found"


def test_in_the_page_an_episode_leads_to_a_silence_with_what_it_hides(owner, fail):
    episode = fail()
    page = owner.browser.get(f"/alerts/episodes/{episode.pk}").content.decode()
    assert "/alerts/silences/new?node_id=n1&amp;rule=failures&amp;severity=warning" in page
    form = owner.browser.get("/alerts/silences/new?node_id=n1&rule=failures").content.decode()
    assert "1 episode that fires now" in form
    body = {
        "matchers-TOTAL_FORMS": "3",
        "matchers-INITIAL_FORMS": "0",
        "matchers-0-label": "node_id",
        "matchers-0-op": "in",
        "matchers-0-value": "n1, n2",
        "reason": "disk",
        "lasts": "240",
    }
    looked = owner.browser.post("/alerts/silences/new", body).content.decode()
    assert "1 episode that fires now" in looked
    assert not Silence.objects.exists()
    typed = owner.browser.post("/alerts/silences/new", body, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in typed
    listed = owner.browser.post("/alerts/silences/new", {**body, "save": "yes"}, follow=True).content.decode()
    assert "node_id is one of n1, n2" in listed
    made = Silence.objects.get()
    assert made.matchers == [{"label": "node_id", "op": "in", "value": ["n1", "n2"]}]
    owner.browser.post(
        f"/alerts/silences/{made.pk}", {"reason": "disks", "ends_at": f"{soon(days=1):%Y-%m-%dT%H:%M}"}
    )
    made.refresh_from_db()
    assert made.reason == "disks"
    ended = owner.browser.post(f"/alerts/silences/{made.pk}/expire", follow=True).content.decode()
    assert "What it held is sent" in ended


def test_a_form_that_says_no_end_is_told(owner):
    body = {
        "matchers-TOTAL_FORMS": "1",
        "matchers-INITIAL_FORMS": "0",
        "matchers-0-label": "rule",
        "matchers-0-op": "eq",
        "matchers-0-value": "x",
        "reason": "y",
        "lasts": "0",
        "save": "yes",
    }
    assert "Say until when." in owner.browser.post("/alerts/silences/new", body).content.decode()
    nothing = {**body, "matchers-0-label": "", "matchers-0-value": "", "lasts": "60"}
    assert (
        "There are 1 to 20 matchers" in owner.browser.post("/alerts/silences/new", nothing).content.decode()
    )
