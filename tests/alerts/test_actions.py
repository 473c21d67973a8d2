"""What rules do by themselves: off by default, with the rights of who added it, once per episode, and taken back."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from access.models import AuditEntry, Role
from alerts.act import run_actions
from alerts.channels import ChannelSpec, create_channel
from alerts.models import ActionRun, Episode
from alerts.silences import create_silence
from events.models import Replay, ReplayItem
from events.playback import play_next
from events.sampling import RuleSpec as SamplingSpec
from events.sampling import create_sampling_rule, current_sampling, edit_sampling_rule, rules_of
from registry.edit_subject import SubjectSettings, edit_subject
from registry.models import Subject
from registry.publish import publish_version
from tests.alerts.log import NOON, Sent, store
from tests.kill import killed_when_it_writes
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db
KIND = "NODE_FAILURE"
STRICT = {"kind": "strict", "subject": KIND, "minutes": 30}
SAMPLING = {"kind": "sampling", "subject": KIND, "minutes": 30, "rate": 0.5}
RUNS = "/api/v1/alerts/action-runs"


@pytest.fixture(autouse=True)
def opened(settings):
    settings.ALERT_ACTIONS = ["replay", "sampling", "strict"]


@pytest.fixture
def subject(actor):
    publish_version(actor=actor, subject=KIND, schema="{}")
    return lambda: Subject.objects.get(name=KIND)


@pytest.fixture
def rule(make_rule):
    return make_rule(threshold=1, window_seconds=1, group_by=["node_id"], keep_firing_seconds=3600)


@pytest.fixture
def add(owner, rule):
    def run(body, person=owner):
        return person.api.post(f"/api/v1/alerts/rules/{rule.pk}/actions", body, format="json")

    return run


@pytest.fixture
def fire(rule, evaluate):
    def run(node="n1", seconds=0):
        store([Sent(node_id=node, occurred_at=NOON + timedelta(seconds=seconds))])
        evaluate(at=seconds)
        return Episode.objects.get(group_key__contains=node)

    return run


def after(minutes):
    return lambda: timezone.now() + timedelta(minutes=minutes)


def rates():
    return {rule.event_type: rule.rate for rule in rules_of(current_sampling())}


def runs():
    return [(run.state, run.said) for run in ActionRun.objects.order_by("id")]


def actions_told():
    entries = AuditEntry.objects.filter(action__startswith="action.").order_by("id")
    return [(entry.actor, entry.action) for entry in entries]


def test_no_rule_acts_unless_an_operator_opened_it(add, fire, subject, settings):
    assert add(STRICT).status_code == 201
    settings.ALERT_ACTIONS = ["replay"]
    refused = add(STRICT)
    assert (refused.status_code, refused.json()["details"]["pointer"]) == (409, "/kind")
    assert "ALERT_ACTIONS" in refused.json()["message"]
    fire()
    assert not ActionRun.objects.exists()
    assert not subject().strict


def test_what_was_closed_after_the_firing_is_not_done(add, fire, subject, settings):
    add(STRICT)
    fire()
    settings.ALERT_ACTIONS = []
    run_actions()
    assert ActionRun.objects.get().state == "failed"
    assert not subject().strict


def test_a_subject_is_strict_while_it_lasts_and_then_as_it_was(add, fire, subject):
    add(STRICT)
    fire()
    assert not subject().strict
    assert run_actions() == 1
    assert subject().strict
    assert run_actions(clock=after(29)) == 0
    assert run_actions(clock=after(31)) == 1
    assert not subject().strict
    assert runs() == [("reverted", f"{KIND} is not strict any more.")]
    assert actions_told() == [
        ("owner/owner's token", "action.add"),
        ("owner", "action.run"),
        ("system", "action.revert"),
    ]


def test_what_was_strict_before_stays_strict(add, fire, subject, actor):
    strict = SubjectSettings("", "", True, "latest", None, None)
    edit_subject(actor=actor, subject=subject().name, settings=strict)
    add(STRICT)
    fire()
    run_actions()
    run_actions(clock=after(31))
    assert subject().strict
    assert runs() == [("done", f"{KIND} was strict already.")]


def test_a_second_firing_makes_it_last_longer_and_puts_nothing_wrong_back(add, fire, subject):
    add(STRICT)
    fire("n1")
    run_actions()
    fire("n2", seconds=60)
    run_actions(clock=after(20))
    assert [state for state, _ in runs()] == ["active", "done"]
    assert run_actions(clock=after(31)) == 0
    assert subject().strict
    run_actions(clock=after(51))
    assert not subject().strict


def test_an_episode_is_acted_upon_once_however_often_it_grows(add, fire, subject):
    add(STRICT)
    fire()
    run_actions()
    fire(seconds=1)
    run_actions()
    assert ActionRun.objects.count() == 1


def test_it_can_be_undone_and_then_there_is_nothing_to_undo(add, fire, subject, owner):
    add(STRICT)
    fire()
    run_actions()
    [run] = owner.api.get(f"{RUNS}?state=active").json()["items"]
    undone = owner.api.post(f"{RUNS}/{run['id']}/undo").json()
    assert (undone["state"], subject().strict) == ("reverted", False)
    assert "Undone by owner" in undone["said"]
    again = owner.api.post(f"{RUNS}/{run['id']}/undo")
    assert (again.status_code, again.json()["details"]["run"]) == (409, run["id"])
    assert owner.api.post(f"{RUNS}/999999/undo").status_code == 404


def test_who_may_not_do_it_by_hand_cannot_have_it_done(add, fire, subject, make_person):
    operator = make_person("operator", role="operator")
    for body in (STRICT, SAMPLING):
        assert add(body, operator).status_code == 403
    assert add({"kind": "replay"}, operator).status_code == 201


def test_who_lost_the_right_has_it_done_no_more(add, fire, subject, make_person):
    person = make_person("ann", role="admin")
    add(STRICT, person)
    Role.objects.filter(user=person.user).update(name="viewer")
    fire()
    run_actions()
    [(state, said)] = runs()
    assert (state, "write" in said) == ("failed", True)
    assert not subject().strict


def test_undoing_takes_the_right_to_do_it(add, fire, subject, make_person):
    operator = make_person("operator", role="operator")
    add(STRICT)
    fire()
    run_actions()
    assert operator.api.post(f"{RUNS}/{ActionRun.objects.get().pk}/undo").status_code == 403
    assert subject().strict


def test_a_subject_that_cannot_be_changed_back_is_tried_again_and_says_so(add, fire, subject, owner):
    add(STRICT)
    fire()
    run_actions()
    owner.api.put(f"/api/v1/mode/{KIND}", {"mode": "READONLY"}, format="json")
    run_actions(clock=after(31))
    [(state, said)] = runs()
    assert (state, subject().strict) == ("active", True)
    assert "could not be taken back" in said
    owner.api.put(f"/api/v1/mode/{KIND}", {"mode": "READWRITE"}, format="json")
    run_actions(clock=after(33))
    assert (runs()[0][0], subject().strict) == ("reverted", False)


def test_more_is_kept_of_an_event_type_and_then_as_much_as_before(add, fire, actor):
    for spec in (
        SamplingSpec(KIND, rate=0.01),
        SamplingSpec(KIND, node="quiet", rate=0.9),
        SamplingSpec("OTHER", rate=0.1),
    ):
        create_sampling_rule(actor=actor, spec=spec)
    add(SAMPLING)
    fire()
    run_actions()
    kept = {(rule.event_type, rule.node): rule.rate for rule in rules_of(current_sampling())}
    assert kept == {(KIND, "*"): 0.5, (KIND, "quiet"): 0.9, ("OTHER", "*"): 0.1}
    run_actions(clock=after(31))
    kept = {(rule.event_type, rule.node): rule.rate for rule in rules_of(current_sampling())}
    assert kept == {(KIND, "*"): 0.01, (KIND, "quiet"): 0.9, ("OTHER", "*"): 0.1}


def test_where_only_a_pattern_says_less_a_rule_is_made_and_deleted_again(add, fire, actor):
    create_sampling_rule(actor=actor, spec=SamplingSpec("NODE_*", rate=0.01))
    add(SAMPLING)
    fire()
    run_actions()
    assert rates() == {"NODE_*": 0.01, KIND: 0.5}
    run_actions(clock=after(31))
    assert rates() == {"NODE_*": 0.01}


def test_a_rate_that_somebody_changed_meanwhile_is_theirs(add, fire, actor):
    made = create_sampling_rule(actor=actor, spec=SamplingSpec(KIND, rate=0.01))
    add(SAMPLING)
    fire()
    run_actions()
    edit_sampling_rule(actor=actor, rule_id=made.id, spec=SamplingSpec(KIND, rate=0.2))
    run_actions(clock=after(31))
    assert rates() == {KIND: 0.2}
    assert "changed meanwhile" in runs()[0][1]


def test_where_all_is_kept_there_is_nothing_to_raise(add, fire):
    add(SAMPLING)
    fire()
    run_actions()
    assert [state for state, _ in runs()] == ["done"]
    assert rates() == {}


@pytest.mark.django_db(transaction=True)
def test_the_evidence_is_replayed_to_a_webhook_signed(add, fire, actor, settings):
    with Receiver() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        channel = create_channel(actor=actor, spec=ChannelSpec("lab", receiver.url))
        assert add({"kind": "replay", "channel": channel.pk}).status_code == 201
        store([Sent(event_type="NODE_SUCCESS")])
        fire()
        run_actions()
        assert Replay.objects.get().name == "1 events"
        play_next()
        [got] = receiver.wait_for(1)
    assert b"NODE_FAILURE" in got.body
    assert got.headers["webhook-signature"].startswith("v1,")
    assert ReplayItem.objects.get().outcome == "delivered"


def test_a_replay_to_watch_can_be_cancelled(add, fire, owner):
    add({"kind": "replay"})
    episode = fire()
    run_actions()
    run = ActionRun.objects.get()
    page = owner.browser.get(f"/alerts/episodes/{episode.pk}").content.decode()
    assert f"/replays/{Replay.objects.get().pk}" in page
    assert owner.browser.get(f"/replays/{Replay.objects.get().pk}").status_code == 200
    owner.browser.post(f"/alerts/action-runs/{run.pk}/undo")
    assert Replay.objects.get().state == "cancelled"


def test_a_channel_that_was_deleted_is_not_replayed_to(add, fire, actor, owner, settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9999"]
    channel = create_channel(actor=actor, spec=ChannelSpec("lab", "http://127.0.0.1:9999/x"))
    add({"kind": "replay", "channel": channel.pk})
    owner.api.delete(f"/api/v1/alerts/channels/{channel.pk}")
    fire()
    run_actions()
    assert runs() == [("failed", "The channel that the events were to go to was deleted.")]


def test_a_removed_action_is_not_done(add, fire, subject, owner, rule):
    made = add(STRICT).json()
    fire("n1")
    owner.api.delete(f"/api/v1/alerts/rules/{rule.pk}/actions/{made['id']}")
    run_actions()
    fire("n2", seconds=60)
    assert [state for state, _ in runs()] == ["failed"]
    assert owner.api.get(f"/api/v1/alerts/rules/{rule.pk}/actions").json() == []
    assert owner.api.delete(f"/api/v1/alerts/rules/{rule.pk}/actions/{made['id']}").status_code == 404


def test_an_episode_that_was_over_when_it_was_found_is_not_acted_upon(add, subject, rule, evaluate):
    add(STRICT)
    store([Sent(node_id="late", received_at=NOON + timedelta(hours=2))])
    evaluate(at=7200)
    assert not ActionRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_while_an_episode_is_silenced_nothing_is_done_by_itself(add, evaluate, subject, actor):
    add(STRICT)
    create_silence(
        actor=actor,
        matchers=[{"label": "node_id", "op": "eq", "value": "n1"}],
        reason="maintenance",
        ends_at=timezone.now() + timedelta(hours=1),
    )
    now = timezone.now()
    store([Sent(node_id=node, occurred_at=now) for node in ("n1", "n2")])
    evaluate(at=now)
    assert Episode.objects.count() == 2
    assert ActionRun.objects.get().episode.group == {"node_id": "n2"}


def test_a_worker_that_is_killed_has_done_nothing_and_the_next_does_it_once(add, fire, subject):
    add(STRICT)
    fire()
    with pytest.raises(OperationalError):
        killed_when_it_writes("alerts_actionrun", run_actions)
    assert not subject().strict
    assert run_actions() == 1
    assert subject().strict
    assert AuditEntry.objects.filter(action="action.run").count() == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "strict", "minutes": 5}, "/subject"),
        ({"kind": "strict", "subject": KIND}, "/minutes"),
        ({"kind": "strict", "subject": KIND, "minutes": 0}, "/minutes"),
        ({"kind": "strict", "subject": KIND, "minutes": 1441}, "/minutes"),
        ({"kind": "strict", "subject": KIND, "minutes": 5, "rate": 1}, "/rate"),
        ({"kind": "strict", "subject": KIND, "minutes": 5, "channel": 1}, "/channel"),
        ({"kind": "strict", "subject": "nowhere", "minutes": 5}, "/subject"),
        ({**SAMPLING, "rate": 0}, "/rate"),
        ({**SAMPLING, "rate": 1.5}, "/rate"),
        ({**SAMPLING, "subject": "NODE_*"}, "/subject"),
        ({"kind": "replay", "minutes": 5}, "/minutes"),
    ],
)
def test_an_action_that_cannot_be_is_refused_with_its_place(add, subject, body, pointer):
    answer = add(body)
    assert (answer.status_code, answer.json()["details"]["pointer"]) == (422, pointer), answer.json()


def test_the_page_adds_shows_and_removes(add, fire, subject, owner, rule):
    address = f"/alerts/rules/{rule.pk}/actions"
    assert "It only tells" in owner.browser.get(address).content.decode()
    form = {"kind": "strict", "subject": KIND, "minutes": "30", "rate": "0.5"}
    added = owner.browser.post(address, form, follow=True).content.decode()
    assert f"make {KIND} strict for 30 min" in added
    refused = owner.browser.post(address, {**form, "subject": ""}).content.decode()
    assert "needs subject" in refused
    episode = fire()
    run_actions()
    assert f"{KIND} is strict." in owner.browser.get(address).content.decode()
    assert "Undo" in owner.browser.get(f"/alerts/episodes/{episode.pk}").content.decode()
    action = ActionRun.objects.get().action_id
    removed = owner.browser.post(f"{address}/{action}/remove", follow=True).content.decode()
    assert "It only tells" in removed


def test_the_page_says_that_actions_are_switched_off(owner, rule, settings):
    settings.ALERT_ACTIONS = []
    assert "ALERT_ACTIONS" in owner.browser.get(f"/alerts/rules/{rule.pk}/actions").content.decode()
