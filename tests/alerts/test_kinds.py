"""Rules about a share and about something new, live on the real log: what fires, when, and what an edit or a pause means."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from alerts.evaluate import evaluate_rules
from alerts.models import Episode, KnownGroup, Pane, Rule
from alerts.novelty import forget_groups
from alerts.preview import preview
from alerts.rule_spec import RuleSpec
from alerts.rules import edit_rule, pause_rule, resume_rule
from registry.change_state import change_state
from tests.alerts.conftest import FAILURES
from tests.alerts.log import NOON, Sent, store
from tests.events.conftest import event, publish, send
from tests.kill import killed_when_it_writes

pytestmark = pytest.mark.django_db
__all__ = ["publish", "send"]

CALLS = {"field": "event_type", "op": "in", "value": ["NODE_SUCCESS", "NODE_FAILURE"]}
SHARE = {
    "selector": CALLS,
    "kind": "share",
    "hits": FAILURES,
    "percent": 50,
    "threshold": 4,
    "window_seconds": 60,
}
NEW = {
    "selector": {"field": "error_code", "op": "exists"},
    "kind": "new",
    "group_by": ("error_code",),
    "remember_days": 30,
    "window_seconds": 600,
}


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def calls(*, good=(), bad=(), arrive=None, **event):
    sent = [("NODE_SUCCESS", second) for second in good] + [("NODE_FAILURE", second) for second in bad]
    store(
        Sent(
            event_type=name,
            occurred_at=at(second),
            received_at=at(second if arrive is None else arrive),
            **event,
        )
        for name, second in sent
    )


def codes(*found, at_second=0):
    store(Sent(error_code=code, occurred_at=at(at_second)) for code in found)


# --- shares -----------------------------------------------------------------------------------


def test_a_share_fires_behind_the_watermark_and_resolves_when_it_falls(make_rule, evaluate):
    make_rule(**SHARE)
    calls(good=[0, 1], bad=[2, 3, 4])
    evaluate(at=34)
    assert not Episode.objects.exists()
    evaluate(at=35)
    episode = Episode.objects.get()
    assert (episode.state, episode.fired_at, episode.peak, episode.share) == ("firing", at(5), 3, 60.0)
    assert list(episode.evidence.values_list("position", flat=True)) == [3, 4, 5]
    calls(good=range(10, 20))
    evaluate(at=60)
    episode.refresh_from_db()
    assert (episode.state, episode.resolved_at) == ("resolved", at(15))


def test_so_few_events_are_no_share(make_rule, evaluate):
    make_rule(**SHARE)
    calls(bad=[0, 1, 2])
    evaluate(at=200)
    assert not Episode.objects.exists()


def test_an_event_that_comes_within_the_delay_keeps_a_share_from_firing(make_rule, evaluate):
    """A count would have fired on arrival, and could not have been taken back."""
    make_rule(**SHARE)
    calls(bad=[0, 1, 2, 3])
    evaluate(at=20)
    calls(good=[0, 1, 2, 3], arrive=25)
    evaluate(at=100)
    assert not Episode.objects.exists()


def test_an_event_too_late_for_every_look_is_counted_as_ignored(make_rule, evaluate):
    rule = make_rule(**SHARE)
    calls(good=[0])
    evaluate(at=300)
    calls(bad=[1, 2, 3, 4], arrive=301)
    evaluate(at=302)
    rule.refresh_from_db()
    assert (rule.late_ignored, Episode.objects.count()) == (4, 0)


def test_each_group_has_its_share(make_rule, evaluate):
    make_rule(**SHARE, group_by=("node_id",))
    calls(bad=[0, 1, 2, 3], node_id="broken")
    calls(good=[0, 1, 2, 3], node_id="well")
    evaluate(at=40)
    assert [episode.group for episode in Episode.objects.all()] == [{"node_id": "broken"}]


def test_panes_are_dropped_when_no_window_holds_them_and_nobody_looks_any_more(make_rule, evaluate):
    rule = make_rule(**SHARE)
    calls(bad=[0, 1, 2, 3])
    evaluate(at=40)
    assert Pane.objects.exists()
    evaluate(at=500)
    assert (Pane.objects.count(), Episode.objects.get().state) == (0, "resolved")
    evaluate(at=600)
    rule.refresh_from_db()
    assert rule.look_at is None
    assert evaluate(at=601).passes == 0


@pytest.mark.django_db(transaction=True)
def test_a_kill_while_deciding_counts_nothing_twice(make_rule, evaluate):
    make_rule(**SHARE)
    calls(good=[0, 1], bad=[2, 3, 4])
    # The panes were written before.
    with pytest.raises(OperationalError):
        killed_when_it_writes("alerts_episode", lambda: evaluate(at=35))
    assert not Pane.objects.exists()
    evaluate(at=35)
    assert Episode.objects.get().peak == 3


def test_an_edited_or_resumed_share_begins_with_empty_windows(make_rule, evaluate, actor):
    rule = make_rule(**SHARE)
    calls(bad=[0, 1, 2])
    evaluate(at=3)
    edit_rule(actor=actor, rule_id=rule.pk, spec=RuleSpec(name="failures", **SHARE | {"percent": 40}))
    assert not Pane.objects.exists()
    calls(bad=[4, 5, 6])
    evaluate(at=7)
    pause_rule(actor=actor, rule_id=rule.pk)
    resume_rule(actor=actor, rule_id=rule.pk)
    calls(bad=[8])
    evaluate(at=100)
    assert not Episode.objects.exists()


# --- something new ----------------------------------------------------------------------------


def test_a_code_that_nobody_had_fires_once(make_rule, evaluate):
    make_rule(**NEW)
    codes("ONEX_CORE_001", "ONEX_CORE_001")
    evaluate(at=1)
    codes("ONEX_CORE_001", "ONEX_CORE_002", at_second=2)
    evaluate(at=3)
    assert [(e.group, e.matches) for e in Episode.objects.order_by("id")] == [
        ({"error_code": "ONEX_CORE_001"}, 1),
        ({"error_code": "ONEX_CORE_002"}, 1),
    ]


def test_what_is_stored_already_is_known(make_rule, evaluate):
    codes("ONEX_CORE_001", at_second=-3600)
    rule = make_rule(**NEW | {"remember_days": 365})
    assert KnownGroup.objects.filter(edition=rule.current).count() == 1
    codes("ONEX_CORE_001")
    evaluate(at=1)
    assert not Episode.objects.exists()


def test_after_so_many_days_it_is_new_again(make_rule, evaluate):
    make_rule(**NEW | {"remember_days": 1})
    codes("ONEX_CORE_001")
    evaluate(at=1)
    day = 24 * 3600
    codes("ONEX_CORE_001", at_second=day)
    codes("ONEX_CORE_001", at_second=2 * day + 1)
    evaluate(at=2 * day + 2)
    assert Episode.objects.count() == 2


def test_what_is_new_again_by_then_is_removed(make_rule, evaluate):
    make_rule(**NEW)
    codes("ONEX_CORE_001")
    evaluate(at=1)
    assert forget_groups(NOON + timedelta(days=30)) == 0
    assert forget_groups(NOON + timedelta(days=30, hours=1)) == 1
    assert not KnownGroup.objects.exists()


def test_an_event_without_the_field_is_nothing_new(make_rule, evaluate):
    make_rule(**NEW | {"selector": FAILURES})
    codes(None)
    evaluate(at=1)
    assert not Episode.objects.exists()


def test_a_rule_that_would_remember_too_much_says_so(make_rule, evaluate, settings):
    settings.ALERT_MAX_KNOWN = 2
    rule = make_rule(**NEW)
    codes("A", "B", "C")
    evaluate(at=1)
    assert "ALERT_MAX_KNOWN" in Rule.objects.get(pk=rule.pk).problem


# --- saving, and trying beforehand ------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"kind": "shares"}, "/kind"),
        ({"hits": FAILURES}, "/hits"),
        ({"kind": "share", "percent": 5}, "/hits"),
        ({"kind": "share", "hits": FAILURES}, "/percent"),
        ({"kind": "share", "hits": FAILURES, "percent": 100}, "/percent"),
        ({"kind": "share", "hits": FAILURES, "percent": -1}, "/percent"),
        ({"kind": "share", "hits": {"all": 1}, "percent": 5}, "/hits"),
        ({"kind": "share", "hits": FAILURES, "percent": 5, "window_seconds": 200}, "/window_seconds"),
        ({"kind": "share", "hits": FAILURES, "percent": 5, "window_seconds": 90_000}, "/window_seconds"),
        ({"kind": "new", "group_by": ["error_code"]}, "/remember_days"),
        ({"kind": "new", "group_by": ["error_code"], "remember_days": 0}, "/remember_days"),
        ({"kind": "new", "remember_days": 3}, "/group_by"),
    ],
)
def test_a_rule_that_lacks_what_its_kind_needs_is_refused_with_the_place(owner, said, pointer):
    answer = owner.api.post(
        "/api/v1/alerts/rules", {"name": "x", "selector": FAILURES, **said}, format="json"
    )
    assert answer.status_code == 422, answer.json()
    assert pointer in answer.content.decode()


def test_over_rest_a_rule_says_its_kind(owner):
    said = {"name": "rate", **SHARE, "percent": 0.1}
    made = owner.api.post("/api/v1/alerts/rules", said, format="json")
    assert made.status_code == 201, made.json()
    edition = made.json()["rule"]["edition"]
    assert (edition["kind"], edition["hits"], edition["percent"]) == ("share", FAILURES, 0.1)
    again = owner.api.put(f"/api/v1/alerts/rules/{made.json()['rule']['id']}", said, format="json").json()
    assert again["rule"]["edition"]["number"] == 1


def test_a_preview_tells_what_live_evaluation_would_have_fired(owner, actor):
    calls(good=[0, 1], bad=[2, 3, 4])
    calls(good=range(100, 110))
    share = preview(actor=actor, spec=RuleSpec(name="rate", **SHARE))
    [shown] = share.shown
    assert (shown.episode.fired_at, shown.episode.share, share.matched) == (at(5), 60.0, 15)
    codes("ONEX_CORE_001", "ONEX_CORE_002", "ONEX_CORE_001")
    new = preview(actor=actor, spec=RuleSpec(name="codes", **NEW))
    assert sorted(one.group["error_code"] for one in new.shown) == ["ONEX_CORE_001", "ONEX_CORE_002"]


def test_through_the_form_and_on_its_page(owner):
    form = {
        "name": "error rate",
        "combine": "all",
        "rows-TOTAL_FORMS": 1,
        "rows-INITIAL_FORMS": 0,
        "rows-0-field": "event_type",
        "rows-0-op": "in",
        "rows-0-value": "NODE_SUCCESS, NODE_FAILURE",
        "kind": "share",
        "hits_combine": "all",
        "hits-TOTAL_FORMS": 1,
        "hits-INITIAL_FORMS": 0,
        "hits-0-field": "event_type",
        "hits-0-op": "eq",
        "hits-0-value": "NODE_FAILURE",
        "percent": "5",
        "threshold": 20,
        "window_seconds": 300,
        "keep_firing_seconds": 0,
        "severity": "error",
        "action": "save",
    }
    without = owner.browser.post("/alerts/rules/new", form | {"hits-0-field": "", "percent": ""})
    assert "Say at least in one row which of the events are hits." in without.content.decode()
    assert owner.browser.post("/alerts/rules/new", form).status_code == 302
    rule = Rule.objects.get()
    page = owner.browser.get(f"/alerts/rules/{rule.pk}").content.decode()
    assert "more than 5 % within 5 min (of 20 at least): event_type is" in page
    edit = owner.browser.get(f"/alerts/rules/{rule.pk}/edit").content.decode()
    assert 'value="NODE_FAILURE"' in edit
    another = owner.browser.post("/alerts/rules/new", form | {"action": "hits-row"}).content.decode()
    assert 'name="hits-1-field"' in another


def test_a_failure_that_nobody_had_fires_whatever_its_numbers(make_rule, evaluate, send, publish):
    publish("NODE_FAILURE", {"type": "object"}, "1.0.0")

    def fail(message):
        send(event("NODE_FAILURE", timestamp=timezone.now().isoformat(), metadata={"error": message}))

    fail("Timeout after 30 s")
    selector = {"field": "error_pattern", "op": "exists"}
    make_rule(**{**NEW, "selector": selector, "group_by": ("event_type", "error_pattern")})
    fail("Timeout after 31 s")
    evaluate_rules()
    assert not Episode.objects.exists()
    fail("Disk 7 is full")
    fail("Disk 8 is full")
    evaluate_rules()
    assert Episode.objects.get().group == {
        "event_type": "NODE_FAILURE",
        "error_pattern": "Disk <number> is full",
    }


def test_whoever_still_sends_a_deprecated_version_is_told_of(make_rule, evaluate, send, publish, actor):
    publish("NODE_FAILURE", {"type": "object"}, "1.0.0")
    make_rule(
        selector={"field": "deprecated_version", "op": "eq", "value": True},
        group_by=("event_type", "producer"),
    )

    def fail():
        send(event("NODE_FAILURE", timestamp=timezone.now().isoformat(), schema_version="1.0.0"))

    fail()
    evaluate_rules()
    assert not Episode.objects.exists()
    change_state(actor=actor, subject="NODE_FAILURE", version="1.0.0", state="deprecated")
    fail()
    evaluate_rules()
    assert Episode.objects.get().group["event_type"] == "NODE_FAILURE"
