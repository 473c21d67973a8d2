"""Somebody sees to an episode, says something about it, or ends it: over REST and in the pages."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from django.utils import timezone

from access.models import AuditEntry, Delivery
from alerts.channels import ChannelSpec, create_channel
from alerts.models import Episode
from tests.alerts.log import Sent, store

pytestmark = pytest.mark.django_db
EPISODES = "/api/v1/alerts/episodes"
# Whoever calls with a token is told apart from the same person in the browser.
LABEL = "owner/owner's token"


@pytest.fixture
def channel(actor, settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9999"]
    return create_channel(actor=actor, spec=ChannelSpec("pager", "http://127.0.0.1:9999/hook"))


@pytest.fixture
def fail(evaluate):
    """`fail("n1")`: a node fails now, and the rules are evaluated."""

    def run(node="n1"):
        now = timezone.now()
        store([Sent(node_id=node, occurred_at=now)])
        evaluate(at=timezone.now())

    return run


@pytest.fixture
def firing(make_rule, fail, channel):
    """Of a rule by node, with one event as evidence."""
    make_rule(threshold=1, window_seconds=3600, group_by=("node_id",), channels=[channel.pk])
    fail()
    return Episode.objects.get()


def course(person, episode):
    found = person.api.get(f"{EPISODES}/{episode.pk}").json()["episode"]["course"]
    return [(one["what"], one["by"], one["text"]) for one in found]


def test_who_acknowledges_is_its_owner_until_that_lapses(owner, firing):
    answer = owner.api.post(f"{EPISODES}/{firing.pk}/acknowledge", {"minutes": 30, "reason": "looking"})
    assert answer.status_code == 200, answer.json()
    told = answer.json()
    assert told["acknowledged_by"] == LABEL
    until = datetime.fromisoformat(told["acknowledged_until"])
    assert timedelta(minutes=29) < until - datetime.now(UTC) <= timedelta(minutes=30)
    assert ("acknowledged", LABEL, "looking") in course(owner, firing)
    assert AuditEntry.objects.filter(action="episode.acknowledged", target=f"episode/{firing.pk}").exists()

    def found(state):
        return [one["id"] for one in owner.api.get(f"{EPISODES}?state={state}").json()["items"]]

    assert (found("acknowledged"), found("unattended"), found("firing")) == ([firing.pk], [], [firing.pk])
    Episode.objects.update(acknowledged_until=timezone.now() - timedelta(seconds=1))
    assert (found("acknowledged"), found("unattended")) == ([], [firing.pk])


def test_an_acknowledgement_is_given_up_and_taken_over(owner, make_person, firing):
    other = make_person("other", role="admin", prefix="")
    owner.api.post(f"{EPISODES}/{firing.pk}/acknowledge")
    assert (
        other.api.post(f"{EPISODES}/{firing.pk}/acknowledge").json()["acknowledged_by"]
        == "other/other's token"
    )
    assert other.api.post(f"{EPISODES}/{firing.pk}/unacknowledge").json()["acknowledged_by"] == ""
    assert other.api.post(f"{EPISODES}/{firing.pk}/unacknowledge").status_code == 200
    whats = [what for what, _, _ in course(owner, firing)]
    assert (whats.count("acknowledged"), whats.count("unacknowledged")) == (2, 1)


def test_new_events_leave_the_owner_alone(owner, firing, fail):
    owner.api.post(f"{EPISODES}/{firing.pk}/acknowledge")
    fail()
    firing.refresh_from_db()
    assert (firing.matches, firing.attended) == (2, True)


def test_resolved_by_hand_it_is_over_and_its_channels_hear_of_it(owner, firing):
    answer = owner.api.post(f"{EPISODES}/{firing.pk}/resolve", {"reason": "rolled back"})
    assert answer.json()["state"] == "resolved"
    assert answer.json()["ended_by"] == f"{LABEL} resolved it: rolled back"
    bodies = [orjson.loads(bytes(one.body)) for one in Delivery.objects.order_by("id")]
    assert [body["type"] for body in bodies] == ["alert.firing", "alert.resolved"]
    assert course(owner, firing).count(("resolved", LABEL, "rolled back")) == 1
    again = owner.api.post(f"{EPISODES}/{firing.pk}/resolve")
    assert (again.status_code, again.json()["details"]["code"]) == (409, "episode_ended")


def test_what_comes_after_that_is_another_episode(owner, firing, fail):
    owner.api.post(f"{EPISODES}/{firing.pk}/resolve")
    fail()
    later = Episode.objects.exclude(pk=firing.pk).get()
    firing.refresh_from_db()
    assert (later.state, later.number, later.matches) == ("firing", 2, 1)
    assert firing.closes_at <= later.fired_at <= timezone.now()
    assert firing.matches == 1


def test_a_note_is_kept_also_when_it_is_over(owner, firing):
    owner.api.post(f"{EPISODES}/{firing.pk}/resolve")
    answer = owner.api.post(f"{EPISODES}/{firing.pk}/notes", {"text": " the disk was full "})
    assert (answer.status_code, answer.json()["text"]) == (201, "the disk was full")
    assert course(owner, firing)[-1] == ("note", LABEL, "the disk was full")


@pytest.mark.parametrize(
    ("door", "body", "place"),
    [
        ("acknowledge", {"minutes": 0}, "/minutes"),
        ("acknowledge", {"minutes": 100_000}, "/minutes"),
        ("acknowledge", {"reason": "x" * 10_001}, "/reason"),
        ("acknowledge", {"reason": "a\0b"}, "/reason"),
        ("resolve", {"reason": "x" * 10_001}, "/reason"),
        ("notes", {"text": "x" * 10_001}, "/text"),
        ("notes", {}, "text"),
        ("notes", {"text": "  "}, "text"),
    ],
)
def test_what_cannot_be_said_is_refused_with_the_place(owner, firing, door, body, place):
    answer = owner.api.post(f"{EPISODES}/{firing.pk}/{door}", body)
    assert answer.status_code == 422, answer.content
    assert place in answer.content.decode()
    assert not firing.entries.exists()


def test_the_course_tells_events_people_and_deliveries_in_order(owner, firing):
    owner.api.post(f"{EPISODES}/{firing.pk}/notes", {"text": "hm"})
    found = owner.api.get(f"{EPISODES}/{firing.pk}").json()["episode"]["course"]
    assert [one["what"] for one in found] == ["began", "fired", "sending", "note"]
    assert [one["at"] for one in found] == sorted(one["at"] for one in found)
    assert found[2]["sentence"] == "pager is to be told: firing"
    assert found[2]["delivery"] == Delivery.objects.get().pk


def test_who_may_only_read_sees_it_and_can_do_nothing(make_person, firing):
    reader = make_person("reader", role="viewer", prefix="")
    assert reader.api.get(f"{EPISODES}/{firing.pk}").status_code == 200
    for door in ("acknowledge", "unacknowledge", "resolve"):
        assert reader.api.post(f"{EPISODES}/{firing.pk}/{door}").status_code == 403
    assert reader.api.post(f"{EPISODES}/{firing.pk}/notes", {"text": "hm"}).status_code == 403
    assert b"I see to it" not in reader.browser.get(f"/alerts/episodes/{firing.pk}").content
    assert b"I see to it" not in reader.browser.get("/alerts/episodes").content


def test_filters_are_in_the_address(owner, firing, fail):
    fail("n2")
    both = Episode.objects.count()
    owner.api.post(f"{EPISODES}/{firing.pk}/acknowledge")
    found = owner.api.get(f"{EPISODES}?owner=owner&group=n1").json()["items"]
    assert (both, [one["id"] for one in found]) == (2, [firing.pk])
    page = owner.browser.get("/alerts/episodes?state=unattended&severity=warning").content.decode()
    assert f'/alerts/episodes/{firing.pk}"' not in page
    assert "node_id=n2" in page


def test_in_the_page_it_is_acknowledged_noted_given_up_and_resolved(owner, firing):
    def press(door, **data):
        return owner.browser.post(f"/alerts/episodes/{firing.pk}/{door}", data, follow=True).content.decode()

    listed = owner.browser.post(
        f"/alerts/episodes/{firing.pk}/acknowledge", {"minutes": 240, "back": "/alerts/episodes?state=firing"}
    )
    assert listed["Location"] == "/alerts/episodes?state=firing"
    away = owner.browser.post(
        f"/alerts/episodes/{firing.pk}/acknowledge", {"minutes": 240, "back": "https://elsewhere.example/"}
    )
    assert away["Location"] == f"/alerts/episodes/{firing.pk}"
    assert "Nobody sees to failures now." in press("unacknowledge")
    assert "checking the disk" in press("note", text="checking the disk")
    assert "It is resolved." in press("resolve", reason="disk emptied")
    assert "is over." in press("acknowledge", minutes=240)
    assert "Select a valid choice" in press("acknowledge", minutes=7)
