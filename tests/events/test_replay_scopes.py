"""What can be replayed beside one correlation, and what is told to be missing from it."""

import pytest
from django.urls import reverse

from events.errors import CorrelationNotFound, InvalidQuery, ReplayInvalid
from events.link import link_correlations
from events.models import Event, QuarantinedEvent, Replay
from events.replay_scope import Scope
from tests.events.replays import BEGAN, begin, plan, store

pytestmark = pytest.mark.django_db


def ids(found):
    return [step.event_id for step in found.steps]


@pytest.fixture
def family():
    """order-1 started pay-1, which started card-1; order-2 is somebody else's."""
    store(0.0, 9.0, correlation_id="order-1")
    store(2.0, correlation_id="pay-1", parent_correlation_id="order-1")
    store(3.0, correlation_id="card-1", parent_correlation_id="pay-1", trace_id="t-1")
    store(4.0, correlation_id="order-2", trace_id="t-1", node_id="edge-7", event_type="team.cart")
    link_correlations([("pay-1", "order-1"), ("card-1", "pay-1")])


def test_a_correlation_with_what_it_started_at_any_depth(actor, family):
    assert ids(plan(actor)) == ["e1", "e2"]
    assert ids(plan(actor, scope=Scope("order-1", descendants=True))) == ["e1", "e3", "e4", "e2"]
    assert ids(plan(actor, scope=Scope("pay-1", descendants=True))) == ["e3", "e4"]


def test_a_trace_over_its_correlations(actor, family):
    assert ids(plan(actor, scope=Scope(trace_id="t-1"))) == ["e4", "e5"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"type": "team.c*"}, ["e5"]),
        ({"node": "edge-"}, ["e5"]),
        ({"correlation_id": "pay-1"}, ["e3"]),
        ({"since": "2026-11-23T09:00:02Z", "until": "2026-11-23T09:00:04Z"}, ["e3", "e4"]),
        ({"since": "2026-11-23T09:00:03+00:00"}, ["e4", "e5", "e2"]),
    ],
)
def test_what_a_query_finds_such_as_a_time_range(actor, family, query, expected):
    assert ids(plan(actor, scope=Scope(query=query))) == expected


def test_a_run_keeps_what_it_was_asked_for(actor, family):
    replay = begin(actor, scope=Scope(query={"type": "team.*", "since": "2026-11-23T09:00:01Z"}))
    assert replay.scope == {"query": {"type": "team.*", "since": "2026-11-23T09:00:01Z"}}
    assert replay.name == "type team.*, since 2026-11-23T09:00:01Z"
    assert begin(actor, scope=Scope("order-1", descendants=True)).name == "order-1 and what it started"
    assert begin(actor, scope=Scope(trace_id="t-1")).name == "trace t-1"


def test_copies_that_a_replay_stored_are_nobodys_past(actor, family):
    Event.objects.filter(event_id="e2").update(replay_id=Replay().pk, replay={"of": "e1"})
    assert ids(plan(actor)) == ["e1"]


def test_order_can_be_asked_for(actor):
    store(3.0, 0.0, late=10.0)
    assert ids(plan(actor)) == ["e2", "e1"]
    found = plan(actor, order=Replay.Order.ARRIVAL)
    assert (found.order, found.length) == ("arrival", 3.0)


@pytest.mark.parametrize(
    ("scope", "error", "pointer"),
    [
        (Scope(), ReplayInvalid, "/correlation_id"),
        (Scope("order-1", "t-1"), ReplayInvalid, "/trace_id"),
        (Scope("order-1", query={"type": "x"}), ReplayInvalid, "/query"),
        (Scope(trace_id="t-1", descendants=True), ReplayInvalid, "/descendants"),
        (Scope(query={"colour": "red"}), ReplayInvalid, "/query/colour"),
        (Scope(query={"type": "nothing"}), ReplayInvalid, "/query"),
    ],
)
def test_what_is_no_scope_is_refused_with_its_place(actor, family, scope, error, pointer):
    with pytest.raises(error) as refused:
        plan(actor, scope=scope)
    assert refused.value.facts["pointer"] == pointer


def test_unknown_names_and_unreadable_filters_are_told(actor, family):
    for scope in (Scope(trace_id="none"), Scope("none", descendants=True)):
        with pytest.raises(CorrelationNotFound, match="none"):
            plan(actor, scope=scope)
    with pytest.raises(InvalidQuery, match="since"):
        plan(actor, scope=Scope(query={"since": "yesterday"}))


def test_a_query_finds_what_one_may_read_and_plays_what_one_may_replay(make_person, family):
    part = make_person("part", role="operator", prefix="team.cart")
    assert ids(plan(part.actor, scope=Scope(query={"type": "team.*"}))) == ["e5"]
    with pytest.raises(CorrelationNotFound):
        plan(part.actor, scope=Scope(trace_id="t-1"))


def quarantine(number, **columns):
    QuarantinedEvent.objects.create(
        event_id=f"q{number}",
        event_type="team.order",
        reason="x",
        digest=b"%d" % number,
        raw=b"{}",
        producer="t",
        received_at=BEGAN,
        **columns,
    )


def test_what_waits_in_quarantine_is_told_for_every_scope(actor, family):
    quarantine(1, correlation_id="card-1")
    quarantine(2, correlation_id="elsewhere")

    def told(scope):
        return [(one["reason"], one["count"], one["sentence"]) for one in plan(actor, scope=scope).missing]

    assert told(Scope("order-1")) == []
    ((reason, count, sentence),) = told(Scope("order-1", descendants=True))
    assert (reason, count) == ("quarantined", 1)
    assert sentence.startswith("1 of its events are in quarantine")
    ((_, count, sentence),) = told(Scope(trace_id="t-1"))
    assert (count, "may belong" in sentence) == (1, True)
    ((_, count, sentence),) = told(Scope(query={"type": "team.o*"}))
    assert (count, "of its events" in sentence) == (2, True)
    ((_, count, sentence),) = told(Scope(query={"type": "team.o*", "valid": "true"}))
    assert (count, "may belong" in sentence) == (2, True)


def test_a_time_range_before_the_log_begins_is_told(actor):
    first, *_ = store(0.0, 1000.0, 300_000.0)
    Event.objects.filter(position=first.position).delete()
    (told,) = plan(actor, scope=Scope(query={"since": "2026-11-23T09:00:00Z"})).missing
    assert told["reason"] == "expired"
    assert "asked for before that is gone" in told["sentence"]
    assert plan(actor, scope=Scope(query={"since": "2026-11-26T00:00:00Z"})).missing == []


def test_the_preview_over_rest_says_what_how_long_and_what_not(owner, family):
    asked = {"correlation_id": "order-1", "descendants": True, "max_gap": 3, "speed": 2}
    answer = owner.api.post("/api/v1/replays/plan", asked).json()
    assert answer == {
        "total": 4,
        "event_types": ["team.order"],
        "order": "clock",
        "began": "2026-11-23T09:00:00+00:00",
        "ended": "2026-11-23T09:00:09+00:00",
        "length": 6.0,
        "skipped": 3.0,
        "seconds": 3.0,
        "missing": [],
    }
    answer = owner.api.post("/api/v1/replays/plan", {"query": {"node": "edge-"}, "speed": "max"}).json()
    assert (answer["total"], answer["seconds"]) == (1, 0.0)


def test_what_the_explorer_shows_is_replayed_with_one_click(owner, family):
    page = owner.browser.get("/events?correlation_id=order-1&since=2026-11-23T09:00:01Z").content.decode()
    address = "/replays/new?correlation_id=order-1&amp;since=2026-11-23T09%3A00%3A01Z"
    assert f'href="{address}"' in page
    preview = owner.browser.get(address.replace("&amp;", "&")).content.decode()
    assert "<dt>Events</dt><dd>1</dd>" in preview
    assert "/replays/new?trace_id=t-1" in owner.browser.get(reverse("trace", args=["t-1"])).content.decode()


def test_the_form_previews_and_starts_every_scope(owner, family):
    page = owner.browser.get("/replays/new?type=team.c*&node=edge-").content.decode()
    assert "What it will do" in page
    assert 'value="team.c*"' in page
    form = {"trace_id": "t-1", "to": "browser", "speed": "0", "descendants": ""}
    owner.browser.post("/replays/new", form)
    assert Replay.objects.get().scope == {"trace_id": "t-1"}
    wrong = owner.browser.post("/replays/new", form | {"correlation_id": "order-1"}).content.decode()
    assert "not correlation_id and trace_id together" in wrong
    wrong = owner.browser.post(
        "/replays/new", {"since": "soon", "to": "browser", "speed": "1"}
    ).content.decode()
    assert "is a time such as" in wrong
    assert Replay.objects.count() == 1
