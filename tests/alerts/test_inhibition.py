"""While a rule fires that explains another one, nobody is told of the other; when that is over, whoever still fires is told of."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from access.models import Delivery
from alerts.attend import resolve_episode
from alerts.channels import ChannelSpec, create_channel
from alerts.models import ActionRun, Episode, Rule
from alerts.rule_spec import RuleSpec
from alerts.rules import edit_rule
from alerts.rules_as_code import export_rules, import_rules
from alerts.unattended import tell_again
from tests.alerts.log import Sent, store

pytestmark = pytest.mark.django_db
ROOT = {"field": "error_code", "op": "eq", "value": "ROOT"}
REST = {"field": "error_code", "op": "eq", "value": "REST"}


@pytest.fixture
def channel(actor, settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9999"]
    return create_channel(actor=actor, spec=ChannelSpec("team", "http://127.0.0.1:9999/hook"))


@pytest.fixture
def rules(make_rule, channel):
    """`root` explains `rest`, of the same node."""
    common = {"window_seconds": 3600, "keep_firing_seconds": 86_000, "channels": [channel.pk]}
    root = make_rule("root", selector=ROOT, group_by=("node_id",), **common)
    rest = make_rule(
        "rest",
        selector=REST,
        group_by=("node_id",),
        inhibited_by=[root.pk],
        inhibit_equal=("node_id",),
        **common,
    )
    return root, rest


@pytest.fixture
def fail(evaluate):
    def run(code, node="n1"):
        store([Sent(node_id=node, error_code=code, occurred_at=timezone.now())])
        evaluate(at=timezone.now())

    return run


def episode_of(name):
    return Episode.objects.get(rule__name=name)


def told(name):
    return Delivery.objects.filter(about="alerts.episode", about_id=str(episode_of(name).pk)).count()


def test_nobody_is_told_of_what_another_rule_explains(rules, fail, owner):
    fail("ROOT")
    fail("REST")
    assert (told("root"), told("rest")) == (1, 0)
    held = episode_of("rest")
    assert (held.state, held.inhibited_at is not None) == ("firing", True)
    page = owner.browser.get(f"/alerts/episodes/{held.pk}").content.decode()
    assert f"Nobody is told while episode {episode_of('root').pk} of root fires" in page
    assert not ActionRun.objects.exists()


def test_of_another_node_it_explains_nothing(rules, fail):
    fail("ROOT", "n2")
    fail("REST", "n1")
    assert told("rest") == 1


def test_when_it_is_over_and_the_other_still_fires_it_is_told_once(rules, fail, actor):
    fail("ROOT")
    fail("REST")
    now = timezone.now()
    assert tell_again(now) == 0
    resolve_episode(actor=actor, episode_id=episode_of("root").pk)
    assert (tell_again(now + timedelta(seconds=10)), tell_again(now + timedelta(seconds=20))) == (1, 0)
    assert told("rest") == 1
    assert episode_of("rest").inhibited_at is None


def test_what_is_over_before_is_told_to_nobody(rules, fail, actor):
    fail("ROOT")
    fail("REST")
    resolve_episode(actor=actor, episode_id=episode_of("rest").pk)
    resolve_episode(actor=actor, episode_id=episode_of("root").pk)
    tell_again(timezone.now() + timedelta(minutes=1))
    assert told("rest") == 0


def test_what_was_told_before_is_told_to_be_over(rules, fail, actor):
    fail("REST")
    fail("ROOT")
    resolve_episode(actor=actor, episode_id=episode_of("rest").pk)
    assert told("rest") == 2


def test_what_one_of_them_lacks_is_not_equal(make_rule, fail, channel, evaluate, rules):
    store([Sent(node_id="", error_code="ROOT", occurred_at=timezone.now())])
    fail("REST", "")
    assert Episode.objects.filter(group={"node_id": None}).count() == 2
    assert told("rest") == 1


def test_without_fields_every_episode_explains_it(rules, fail, actor):
    _, rest = rules
    edit_rule(actor=actor, rule_id=rest.pk, spec=replace(RuleSpec.of(rest), inhibit_equal=()))
    fail("ROOT", "n2")
    fail("REST", "n1")
    assert told("rest") == 0


@pytest.mark.parametrize(
    ("said", "pointer"),
    [({"inhibited_by": [987]}, "/inhibited_by"), ({"inhibit_equal": ["node_id"]}, "/inhibit_equal/0")],
)
def test_what_cannot_be_is_refused_with_its_place(owner, said, pointer):
    answer = owner.api.post("/api/v1/alerts/rules", {"name": "x", "selector": ROOT, **said}, format="json")
    assert answer.status_code == 422
    assert answer.json()["details"]["pointer"] == pointer


def test_a_rule_does_not_hold_back_itself(rules, owner):
    root, _ = rules
    asked = {"name": "root", "selector": ROOT, "inhibited_by": [root.pk]}
    assert owner.api.put(f"/api/v1/alerts/rules/{root.pk}", asked, format="json").status_code == 422


def test_as_code_rules_are_named_whatever_their_order(rules, actor, owner):
    document = export_rules(actor=actor)
    rest, root = document["rules"]
    assert (rest["inhibited_by"], rest["inhibit_equal"]) == (["root"], ["node_id"])
    assert [one.what for one in import_rules(actor=actor, document=document)] == ["unchanged"] * 2
    without = {"rules": [{**rest, "inhibited_by": []}, root]}
    changed, _ = import_rules(actor=actor, document=without)
    assert [(one.field, one.before, one.after) for one in changed.changes] == [
        ("inhibited_by", "root", "nothing")
    ]
    new = {"rules": [{**rest, "name": "a", "inhibited_by": ["b"]}, {**root, "name": "b"}]}
    assert [one.what for one in import_rules(actor=actor, document=new)] == ["created"] * 2
    assert [one.name for one in Rule.objects.get(name="a").inhibited_by.all()] == ["b"]
    page = owner.browser.get(f"/alerts/rules/{Rule.objects.get(name='a').pk}").content.decode()
    assert "b fires, with the same node_id" in page
    edit = owner.browser.get(f"/alerts/rules/{Rule.objects.get(name='a').pk}/edit").content.decode()
    assert "Tell nobody while these fire" in edit
