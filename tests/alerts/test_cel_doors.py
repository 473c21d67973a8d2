"""CEL text at every door that takes a condition: REST, rules as code, tests of rules, candidates of replays, and the form."""

import json

import pytest

from alerts.models import Rule
from events.models import Replay
from tests.alerts.conftest import FAILURES
from tests.alerts.log import Sent, store
from tests.alerts.test_code_over_rest import RULES, TESTED, send
from tests.alerts.test_rule_pages import form, text_of

pytestmark = pytest.mark.django_db

TEXT = 'event_type == "NODE_FAILURE" && !(metadata.tenant in ["t1", "t2"])'
TREE = {"all": [FAILURES, {"field": "metadata.tenant", "op": "not_in", "value": ["t1", "t2"]}]}


def rule_of(**said):
    return {"name": "failures", "selector": TEXT, "threshold": 2, "window_seconds": 60, **said}


def test_a_rule_is_made_of_text_and_shown_as_tree_and_text(owner):
    made = owner.api.post(RULES, rule_of(), format="json")
    assert made.status_code == 201
    edition = made.json()["rule"]["edition"]
    assert edition["selector"] == TREE
    assert edition["cel"] == {"selector": TEXT, "hits": None, "then": None}
    assert edition["event_types"] == ["NODE_FAILURE"]
    again = owner.api.put(f"{RULES}/{made.json()['rule']['id']}", rule_of(selector=TREE), format="json")
    assert again.json()["rule"]["edition"]["number"] == 1


def test_hits_and_what_follows_are_said_in_text_too(owner):
    share = {"kind": "share", "selector": "true", "hits": "!valid", "percent": 5}
    edition = owner.api.post(RULES, rule_of(**share), format="json").json()["rule"]["edition"]
    assert edition["hits"] == {"field": "valid", "op": "eq", "value": False}
    assert edition["cel"] == {"selector": "true", "hits": "valid == false", "then": None}
    pair = {"kind": "sequence", "then": 'event_type == "A"', "within_seconds": 60, "pair_by": ["node_id"]}
    edition = owner.api.post(RULES, rule_of(name="pair", **pair), format="json").json()["rule"]["edition"]
    assert edition["then"] == {"field": "event_type", "op": "eq", "value": "A"}
    assert edition["event_types"] == ["A", "NODE_FAILURE"]


def test_a_tree_that_text_cannot_say_has_none(owner):
    tree = {"field": "metadata.errors.-1.code", "op": "eq", "value": "A"}
    made = owner.api.post(RULES, rule_of(selector=tree), format="json").json()["rule"]
    assert made["edition"]["cel"]["selector"] is None
    page = text_of(owner.browser.get(f"/alerts/rules/{made['id']}"))
    assert "CEL text cannot say it: The field metadata.errors.-1.code has no name in CEL." in page


@pytest.mark.parametrize(
    ("said", "pointer", "place"),
    [
        ({"selector": 'event_type == "A" &&\n size(a) > 1'}, "/selector", (2, 2)),
        ({"selector": "node_id > 1"}, "/selector", (1, 11)),
        ({"kind": "share", "selector": "true", "hits": "a == b", "percent": 5}, "/hits", (1, 3)),
        (
            {
                "kind": "missing",
                "then": "1 + 1",
                "within_seconds": 60,
                "pair_by": ["node_id"],
            },
            "/then",
            (1, 3),
        ),
    ],
)
def test_text_that_cannot_be_read_is_refused_with_pointer_line_and_column(owner, said, pointer, place):
    for path in (RULES, f"{RULES}/preview", "/api/v1/alerts/backtests"):
        answer = owner.api.post(path, rule_of(**said), format="json")
        assert answer.status_code == 422
        details = answer.json()["details"]
        assert (details["code"], details["pointer"]) == ("invalid_condition", pointer)
        assert (details["line"], details["column"]) == place
    assert not Rule.objects.exists()


def test_a_preview_and_a_backtest_take_text(owner):
    store([Sent(metadata={"tenant": "t3"}), Sent(metadata={"tenant": "t1"}), Sent()])
    assert owner.api.post(f"{RULES}/preview", rule_of(threshold=1), format="json").json()["matched"] == 1
    started = owner.api.post("/api/v1/alerts/backtests", rule_of(threshold=1), format="json")
    assert started.json()["edition"]["selector"] == TREE


def test_rules_as_code_take_text(owner, make_rule):
    make_rule(selector=TREE, threshold=3)
    same = {"rules": [{"name": "failures", "threshold": 3, "selector": TEXT}]}
    told = send(owner, "import", json.dumps(same))
    assert [one["what"] for one in told.json()["rules"]] == ["unchanged"]
    yaml = """\
rules:
  - name: failures
    threshold: 3
    selector: >
      event_type == "NODE_FAILURE"
      && has(metadata.tenant)
"""
    told = send(owner, "import", yaml).json()["rules"]
    assert [(one["what"], one["changes"][0]["after"]) for one in told] == [
        ("changed", 'event_type is "NODE_FAILURE" and metadata.tenant exists')
    ]
    refused = send(owner, "import", yaml.replace("has(", "size(")).json()["details"]
    assert (refused["pointer"], refused["line"], refused["column"]) == ("/rules/0/selector", 1, 33)


def test_tests_of_rules_take_text(owner):
    text = TESTED.replace(
        "{field: event_type, op: eq, value: NODE_FAILURE}", "'event_type == \"NODE_FAILURE\"'"
    )
    answer = send(owner, "tests", text).json()
    assert [one["passed"] for one in answer["tests"]] == [True, False]


def test_a_candidate_rule_of_a_replay_takes_text(owner):
    store([Sent(metadata={"tenant": "t3"}, correlation_id="order-1"), Sent(correlation_id="order-1")])
    asked = {"correlation_id": "order-1", "to": "rule", "rule": {"selector": TEXT}, "speed": "max"}
    assert owner.api.post("/api/v1/replays", asked, format="json").status_code == 201
    assert Replay.objects.get().options["rule"]["selector"] == TREE


# --- the form, without JavaScript -------------------------------------------------------------


def test_text_in_the_form_wins_over_rows(owner):
    answer = owner.browser.post("/alerts/rules/new", form(selector_cel=TEXT.replace(" && ", "\r\n&& ")))
    rule = Rule.objects.get()
    assert rule.current.selector == TREE
    page = text_of(owner.browser.get(answer["Location"]))
    assert "The same as CEL" in page
    assert TEXT in page


def test_what_is_wrong_with_text_stands_beside_it(owner):
    page = text_of(owner.browser.post("/alerts/rules/new", form(selector_cel="a == 1\r\n&& a == b")))
    assert "Two fields are not compared with each other" in page
    assert "line 2, column 6" in page
    assert "a == 1" in page
    tried = text_of(owner.browser.post("/alerts/rules/preview", form(selector_cel="a + 1 == 2")))
    assert "does not reckon" in tried
    share = form(kind="share", percent="5", hits_cel="a == b")
    assert "Two fields" in text_of(owner.browser.post("/alerts/rules/new", share))


def test_a_condition_that_rows_cannot_say_is_edited_as_text_and_stays_the_same(owner, make_rule):
    tree = {"any": [FAILURES, {"all": [{"field": "node_id", "op": "eq", "value": "n1"}, {"not": FAILURES}]}]}
    rule = make_rule(selector=tree, threshold=3, window_seconds=60, group_by=("node_id",), severity="error")
    address = f"/alerts/rules/{rule.pk}/edit"
    page = text_of(owner.browser.get(address))
    text = 'event_type == "NODE_FAILURE" || (node_id == "n1" && !(event_type == "NODE_FAILURE"))'
    assert text in page
    said = form(selector_cel=text, name="failures", description="")
    assert owner.browser.post(address, said).status_code == 302
    rule.refresh_from_db()
    assert (rule.current.number, rule.current.selector) == (1, tree)
