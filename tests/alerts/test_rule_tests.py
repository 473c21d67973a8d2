"""Tests of rules as files: read and run without a database, and told so that the difference can be seen."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from alerts.errors import InvalidRuleTest
from alerts.models import Episode
from alerts.rule_tests import run_tests
from tests.alerts.conftest import FAILURES
from tests.alerts.log import NOON, Sent, store

RULE = {
    "name": "node failures",
    "selector": FAILURES,
    "threshold": 3,
    "window_seconds": 60,
    "group_by": ["node_id"],
}
FILE = """
rule:
  name: node failures
  selector: {field: event_type, op: eq, value: NODE_FAILURE}
  threshold: 2
  window_seconds: 60
  group_by: [node_id]
tests:
  - name: two of one node within a minute
    events:
      - {event_id: a, event_type: NODE_FAILURE, node_id: n1, timestamp: 2026-03-02T12:00:00Z, metadata: {}}
      - {event_id: b, event_type: NODE_FAILURE, node_id: n1, timestamp: 2026-03-02T12:00:20Z, metadata: {}}
      - {event_id: c, event_type: NODE_FAILURE, node_id: n2, timestamp: 2026-03-02T12:00:20Z, metadata: {}}
    expect:
      - {group: {node_id: n1}, fired_at: 2026-03-02T12:00:20Z, peak: PEAK}
"""


def event(at, node="n1", **more):
    return {
        "event_id": f"{node}-{at}",
        "event_type": "NODE_FAILURE",
        "node_id": node,
        "timestamp": (NOON + timedelta(seconds=at)).isoformat(),
        "metadata": {},
        **more,
    }


def differences(expect, events, rule=RULE, **test):
    [outcome] = run_tests({"rule": rule, "tests": [{"events": events, "expect": expect, **test}]})
    return list(outcome.differences)


def test_the_episodes_are_those_that_are_expected():
    expect = [{"group": {"node_id": "n1"}, "fired_at": "2026-03-02T12:00:20Z", "peak": 3, "firing": False}]
    assert differences(expect, [event(0), event(10), event(20), event(20, "n2")]) == []


def test_what_differs_is_said():
    events = [event(0), event(10), event(20)]
    assert differences([{"peak": 4}], events) == ["Episode 1: peak is 3, expected 4."]
    [unexpected] = differences([], events)
    assert unexpected.startswith('Episode 1 fired and was not expected: group {"node_id": "n1"}')
    [missing] = differences([{"peak": 3}], events[:2])
    assert missing == "Episode 1 was expected and did not fire: peak 3."


def test_an_event_that_arrives_too_late_counts_for_nothing(settings):
    late = {"event": event(20), "received_at": "2026-03-02T12:30:00Z"}
    assert len(differences([], [event(0), event(10), event(20, "n1", event_id="x")])) == 1
    assert differences([], [event(0), event(10), late]) == []


def test_shares_and_validity_are_judged_too():
    rule = {
        "selector": FAILURES,
        "kind": "share",
        "hits": {"field": "valid", "op": "eq", "value": False},
        "percent": 40,
        "threshold": 2,
        "window_seconds": 60,
    }
    events = [event(0), {"event": event(1), "valid": False}]
    assert differences([{"share": 50.0, "matches": 1}], events, rule) == []


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], ""),
        ({"rule": RULE, "tests": []}, "/tests"),
        ({"rule": {**RULE, "treshold": 3}, "tests": [{}]}, "/rule/treshold"),
        ({"rule": {**RULE, "name": 3}, "tests": [{}]}, "/rule/name"),
        ({"rule": RULE, "tests": [{"events": [3]}]}, "/tests/0/events/0"),
        ({"rule": RULE, "tests": [{"events": [], "expect": [{"colour": 1}]}]}, "/tests/0/expect/0/colour"),
        ({"rule": RULE, "tests": [{"events": [], "until": "noon"}]}, "/tests/0/until"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(document, pointer):
    with pytest.raises(InvalidRuleTest) as refused:
        run_tests(document)
    assert refused.value.facts["pointer"] == pointer


def test_the_command_runs_files_and_fails_with_the_difference(tmp_path, capsys):
    good, bad, broken = tmp_path / "good.yaml", tmp_path / "bad.yaml", tmp_path / "broken.json"
    good.write_text(FILE.replace("PEAK", "2"))
    bad.write_text(FILE.replace("PEAK", "7"))
    broken.write_text(json.dumps({"rule": {}, "tests": []}))
    call_command("test_rules", str(good))
    assert "1 passed." in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"3 failed, 1 passed\."):
        call_command("test_rules", str(good), str(bad), str(broken), str(tmp_path / "none.yaml"))
    told = capsys.readouterr().out
    assert "Episode 1: peak is 2, expected 7." in told
    assert "(at /rule)" in told


@pytest.mark.django_db
def test_live_evaluation_makes_the_same_episodes(make_rule, evaluate):
    seconds = [0, 10, 20, 70, 75, 200, 210, 230, 231]
    make_rule(threshold=3, window_seconds=60, group_by=("node_id",))
    store([Sent(occurred_at=NOON + timedelta(seconds=at)) for at in seconds])
    evaluate(at=3600)
    live = [
        {
            "group": one.group,
            "fired_at": one.fired_at.isoformat(),
            "closes_at": one.closes_at.isoformat(),
            "peak": one.peak,
            "matches": one.matches,
        }
        for one in Episode.objects.order_by("fired_at")
    ]
    assert len(live) == 4
    assert differences(live, [event(at) for at in seconds]) == []
