"""A backtest tells what a rule would have done with stored events, and leaves no trace but itself."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from access.models import AuditEntry, Delivery
from alerts import backtest as work
from alerts.backtest import cancel_backtest, find_backtest, start_backtest, work_on_next
from alerts.evaluate import evaluate_rules
from alerts.models import Backtest, Episode
from alerts.rule_spec import RuleSpec
from events.cold import compress_next
from tests.alerts.conftest import FAILURES
from tests.alerts.log import NOON, Sent, store

pytestmark = pytest.mark.django_db
BACKTESTS = "/api/v1/alerts/backtests"
SHARE = {
    "kind": "share",
    "selector": {"field": "event_type", "op": "in", "value": ["NODE_FAILURE", "NODE_SUCCESS"]},
    "hits": FAILURES,
    "percent": 5,
    "threshold": 10,
    "window_seconds": 300,
}


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def failures(*seconds, node="n1", **said):
    store(Sent(node_id=node, occurred_at=at(second), **said) for second in seconds)


def spec(**said: Any) -> RuleSpec:
    return RuleSpec(
        **{
            "name": "draft",
            "selector": FAILURES,
            "threshold": 3,
            "window_seconds": 60,
            "group_by": ("node_id",),
            **said,
        }
    )


def test_it_tells_the_episodes_the_matches_by_group_and_the_messages(actor):
    failures(0, 10, 20, 1000, 1010, 1020)
    failures(5, node="n2")
    store([Sent(event_type="NODE_SUCCESS", occurred_at=at(7))])
    found = start_backtest(actor=actor, spec=spec())
    result = found.result
    assert (found.state, result["verdict"]) == ("completed", "fired")
    assert (result["looked_at"], result["matched"], result["groups"]) == (8, 7, 2)
    assert (result["episodes"], result["notifications"]) == (2, 4)
    assert [(one["group"], one["matched"], one["episodes"]) for one in result["by_group"]] == [
        ({"node_id": "n1"}, 6, 2),
        ({"node_id": "n2"}, 1, 0),
    ]
    assert [one["fired_at"] for one in result["shown"]] == [at(1020).isoformat(), at(20).isoformat()]
    bars = result["bars"]
    assert (sum(bar["inside"] for bar in bars), sum(bar["outside"] for bar in bars)) == (6, 1)
    assert not Episode.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("seconds", "event_type", "verdict"),
    [
        ((), "NODE_FAILURE", "no_events"),
        ((0, 1, 2), "NODE_START", "no_match"),
        ((0, 1), "NODE_FAILURE", "quiet"),
    ],
)
def test_no_data_no_match_and_would_not_have_fired_are_told_apart(actor, owner, seconds, event_type, verdict):
    failures(*seconds, event_type=event_type)
    found = start_backtest(actor=actor, spec=spec())
    assert (found.result["verdict"], found.result["episodes"]) == (verdict, 0)
    told = {"no_events": "No data", "no_match": "No matching data", "quiet": "It would not have fired"}
    Backtest.objects.update(user=owner.user)
    assert told[verdict] in owner.browser.get(f"/alerts/backtests/{found.pk}").content.decode()


def test_only_events_of_the_range_count(actor):
    failures(0, 1, 2)
    failures(500, 501, 502)
    early = start_backtest(actor=actor, spec=spec(), until=at(100))
    late = start_backtest(actor=actor, spec=spec(), since=at(100))
    assert [one.result["looked_at"] for one in (early, late)] == [3, 3]
    assert early.result["shown"][0]["fired_at"] == at(2).isoformat()
    assert late.result["shown"][0]["fired_at"] == at(502).isoformat()


def test_a_draft_is_compared_with_the_rule_as_it_is(make_rule, owner):
    rule = make_rule(threshold=3, window_seconds=60, group_by=("node_id",))
    failures(0, 1, 2)
    failures(500, 501)
    body = {"rule": rule.pk, "name": "failures", "selector": FAILURES, "threshold": 2, "window_seconds": 60}
    found = owner.api.post(BACKTESTS, {**body, "group_by": ["node_id"]}).json()
    difference = found["result"]["difference"]
    assert (difference["same"], difference["only_new"], difference["only_old"]) == (1, 1, 0)
    assert difference["shown_new"][0]["fired_at"] == at(501).isoformat()
    assert found["baseline"]["threshold"] == 3
    as_it_is = owner.api.post(BACKTESTS, {"rule": rule.pk}).json()
    assert (as_it_is["baseline"], as_it_is["result"]["difference"], as_it_is["result"]["episodes"]) == (
        None,
        None,
        1,
    )


def test_the_page_of_a_share_says_what_was_tried(owner):
    made = owner.api.post(BACKTESTS, SHARE).json()
    page = owner.browser.get(f"/alerts/backtests/{made['id']}")
    assert page.status_code == 200
    assert "5 %" in page.content.decode()


def test_shares_and_what_is_new_are_tried_too(actor):
    store(
        Sent(occurred_at=at(n), event_type="NODE_FAILURE" if n % 10 == 0 else "NODE_SUCCESS")
        for n in range(100)
    )
    assert start_backtest(actor=actor, spec=spec(**SHARE)).result["episodes"] == 1
    new = spec(kind="new", remember_days=3, threshold=1, group_by=("error_code",))
    store(
        [
            Sent(occurred_at=at(200), error_code="ONEX_SYS_901"),
            Sent(occurred_at=at(201), error_code="ONEX_SYS_901"),
        ]
    )
    assert start_backtest(actor=actor, spec=new).result["episodes"] == 1


STREAM = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 60), st.sampled_from(["n1", "n2"]), st.booleans()),
    max_size=60,
)


@hypothesis_settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stream=STREAM)
def test_its_episodes_are_those_that_the_live_evaluation_makes(make_rule, actor, django_db_blocker, stream):
    """Late, out of order and several at a time: a backtest sees the whole, the live evaluation what has arrived."""
    from django.db import transaction

    with transaction.atomic():
        rule = make_rule(threshold=3, window_seconds=60, group_by=("node_id",))
        arrived = sorted((second + late, second, node) for second, late, node, fails in stream if fails)
        store(
            Sent(node_id=node, occurred_at=at(second), received_at=at(arrives))
            for arrives, second, node in arrived
        )
        evaluate_rules(clock=lambda: at(100_000))
        live = {
            (one.group["node_id"], one.fired_at.isoformat(), one.closes_at.isoformat(), one.peak, one.matches)
            for one in Episode.objects.filter(rule=rule)
        }
        tried = start_backtest(actor=actor, spec=spec())
        told = {
            (one["group"]["node_id"], one["fired_at"], one["closes_at"], one["peak"], one["matches"])
            for one in tried.result["shown"]
        }
        transaction.set_rollback(True)
    assert told == live


def test_what_is_read_in_pieces_gives_the_same(actor, monkeypatch):
    failures(*range(0, 200, 7))
    whole = start_backtest(actor=actor, spec=spec()).result
    monkeypatch.setattr(work, "PIECE", 3)
    assert start_backtest(actor=actor, spec=spec()).result == whole


def test_events_of_compressed_days_are_read_too(actor):
    said = {"field": "metadata.disk", "op": "eq", "value": "full"}
    old = timezone.now() - timedelta(days=40)
    store(
        Sent(occurred_at=old + timedelta(seconds=n), metadata={"disk": "full" if n % 2 else "fine"})
        for n in range(10)
    )
    whole = start_backtest(actor=actor, spec=spec(selector=said)).result
    assert whole["matched"] == 5
    compress_next()
    assert start_backtest(actor=actor, spec=spec(selector=said)).result == whole


@pytest.fixture
def for_a_worker(settings):
    settings.BACKTEST_AT_ONCE = 0


@pytest.mark.usefixtures("for_a_worker")
def test_a_long_one_is_for_a_worker_which_tells_how_far_it_is(actor, monkeypatch):
    failures(*range(10))
    started = start_backtest(actor=actor, spec=spec())
    assert (started.state, started.done, started.total) == ("running", 0, 10)
    monkeypatch.setattr(work, "PIECE", 4)
    seen = []
    monkeypatch.setattr(
        work, "read", lambda **asked: seen.append(find_backtest(actor, started.pk).done) or read(**asked)
    )
    assert work_on_next() is True
    assert seen == [0, 4, 8]
    started.refresh_from_db()
    assert (started.state, started.done, started.result["episodes"]) == ("completed", 10, 1)
    assert work_on_next() is False


read = work.read


@pytest.mark.usefixtures("for_a_worker")
def test_one_that_is_cancelled_while_it_is_read_stays_cancelled(actor, monkeypatch):
    failures(*range(10))
    started = start_backtest(actor=actor, spec=spec())

    def cancelled(**asked):
        cancel_backtest(actor=actor, backtest_id=started.pk)
        return read(**asked)

    monkeypatch.setattr(work, "read", cancelled)
    work_on_next()
    started.refresh_from_db()
    assert (started.state, started.result) == ("cancelled", None)


@pytest.mark.usefixtures("for_a_worker")
def test_a_worker_that_is_to_stop_gives_it_back_and_a_killed_one_loses_its_lease(actor):
    failures(*range(10))
    started = start_backtest(actor=actor, spec=spec())
    assert work_on_next(stopping=lambda: True) is True
    started.refresh_from_db()
    assert (started.state, started.leased_until) == ("running", None)
    Backtest.objects.update(leased_until=timezone.now() - timedelta(seconds=1), epoch=7)
    assert work_on_next() is True
    started.refresh_from_db()
    assert started.state == "completed"


def test_one_that_matches_too_much_ends_early_and_says_so(actor, owner, settings, monkeypatch):
    settings.BACKTEST_MAX_MATCHES = 5
    monkeypatch.setattr(work, "PIECE", 3)
    failures(*range(20))
    found = start_backtest(actor=actor, spec=spec())
    assert (found.result["full"], found.result["matched"]) == (True, 6)
    Backtest.objects.update(user=owner.user)
    assert "It ends early" in owner.browser.get(f"/alerts/backtests/{found.pk}").content.decode()


@pytest.mark.parametrize(
    ("said", "status", "told"),
    [
        ({}, 422, "Name a rule"),
        ({"rule": 999}, 404, "rule_not_found"),
        ({"selector": {"field": "nope.nope", "op": "eq", "value": 1}}, 422, "nope.nope"),
        ({"selector": FAILURES, "window_seconds": -1}, 422, "/window_seconds"),
        (
            {"selector": FAILURES, "since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"},
            422,
            "/since",
        ),
    ],
)
def test_what_cannot_be_tried_is_refused(owner, said, status, told):
    answer = owner.api.post(BACKTESTS, said)
    assert answer.status_code == status, answer.content
    assert told in answer.content.decode()
    assert not Backtest.objects.exists()


def test_who_may_not_read_what_it_counts_cannot_try_it_nor_see_that_of_others(owner, make_person):
    failures(0, 1, 2)
    made = owner.api.post(BACKTESTS, {"selector": FAILURES}).json()["id"]
    other = make_person("other", role="operator", prefix="team.")
    assert other.api.post(BACKTESTS, {"selector": FAILURES}).status_code == 403
    assert other.api.get(f"{BACKTESTS}/{made}").json()["details"]["code"] == "backtest_not_found"
    assert other.api.get(BACKTESTS).json()["items"] == []
    assert [one["id"] for one in owner.api.get(BACKTESTS).json()["items"]] == [made]
    assert AuditEntry.objects.filter(action="backtest.started").count() == 1


def test_in_the_pages_a_rule_and_a_draft_of_one_are_tried(make_rule, owner):
    now = timezone.now()
    store(Sent(occurred_at=now - timedelta(seconds=n)) for n in (3, 2, 1))
    rule = make_rule(threshold=3, window_seconds=60)
    shown = owner.browser.post(
        f"/alerts/rules/{rule.pk}/backtest", {"range": "day"}, follow=True
    ).content.decode()
    assert "Backtest of failures" in shown
    assert "inside of an episode" in shown
    form = {
        "rows-TOTAL_FORMS": "1",
        "rows-INITIAL_FORMS": "0",
        "rows-0-field": "event_type",
        "rows-0-op": "eq",
        "rows-0-value": "NODE_FAILURE",
        "hits-TOTAL_FORMS": "0",
        "hits-INITIAL_FORMS": "0",
        "name": "failures",
        "combine": "all",
        "hits_combine": "all",
        "kind": "count",
        "threshold": "4",
        "window_seconds": "60",
        "keep_firing_seconds": "0",
        "severity": "warning",
        "edition": "1",
        "range": "all",
        "action": "backtest",
    }
    drafted = owner.browser.post(f"/alerts/rules/{rule.pk}/edit", form, follow=True).content.decode()
    assert "It would not have fired" in drafted
    assert "0 episodes in both, 0 only with the change, 1 only without it." in drafted
    rule.refresh_from_db()
    assert rule.current.number == 1
