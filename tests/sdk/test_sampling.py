"""Sampling in the process that emits: the registry's draw, whole trees, unbiased counts, rules that outlive it."""

import json
import random
from math import sqrt
from pathlib import Path

import pytest

from onex_sdk import SamplingRule, SamplingRules, Unreachable
from onex_sdk._sampling import rules_of, threshold
from onex_sdk._sampling_source import SamplingSource

VECTORS = json.loads(
    (Path(__file__).parents[2] / "docs/reference/sampling-vectors.json").read_text(encoding="utf-8")
)


def in_force(rules):
    """As the registry resolves them: the enabled ones, the most specific first."""

    def weight(pattern):
        return "*" not in pattern, len(pattern.replace("*", "")), -pattern.count("*")

    made = [
        SamplingRule(r["id"], r["event_type"], r.get("node", "*"), r["rate"], r.get("keep_failures", True))
        for r in rules
        if r.get("enabled", True)
    ]
    made.sort(key=lambda r: (*weight(r.event_type), *weight(r.node), -r.id), reverse=True)
    return SamplingRules(made)


def resolved(*rules, revision=1):
    told = [{"id": 1, "node": "*", "keep_failures": True, **rule} for rule in rules]
    return {"revision": revision, "algorithm": "onex-consistent-56/1", "default_rate": 1.0, "rules": told}


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_published_vector(case):
    decided = in_force(VECTORS["rule_sets"][case["rules"]]).decide(case["event"], root=case.get("root"))
    found = {
        "keep": decided.keep,
        "sample_rate": decided.sample_rate,
        "rule": decided.rule and decided.rule.id,
        "reason": decided.reason,
    }
    assert found == case["expected"]


@pytest.mark.parametrize("case", VECTORS["thresholds"], ids=lambda case: str(case["rate"]))
def test_published_threshold(case):
    assert f"{threshold(case['rate']):014x}" == case["threshold"]


def test_counts_weighted_by_the_rate_are_unbiased():
    """1,000 seeds at 5 %: the interval at 95 % holds the true count in about 95 % of them, and the mean is right."""
    rules, true, within, total = SamplingRules([SamplingRule(1, "*", rate=0.05)]), 500, 0, 0.0
    half = 1.96 * sqrt(true * 0.95 / 0.05)
    for seed in range(1_000):
        chance = random.Random(seed)
        traces = (f"{chance.getrandbits(128):032x}" for _ in range(true))
        decided = [rules.decide({"event_type": "A", "trace_id": trace}) for trace in traces]
        estimate = sum(1 / one.sample_rate for one in decided if one.keep)
        within += abs(estimate - true) <= half
        total += estimate
    assert abs(total / 1_000 - true) < 4 * half / 1.96 / sqrt(1_000)
    assert 930 <= within <= 970


def test_a_trace_decides_before_the_correlation_as_opentelemetry_does():
    kept, dropped = "a" * 18 + "f" * 14, "a" * 18 + "0" * 14
    rules = SamplingRules([SamplingRule(1, "*", rate=0.5)])
    for chain in "abcdefgh":
        assert rules.decide({"event_type": "A", "trace_id": kept, "correlation_id": chain}).keep
        assert not rules.decide({"event_type": "A", "trace_id": dropped, "correlation_id": chain}).keep


def test_without_a_trace_the_root_decides_for_all_below_it():
    rules = SamplingRules([SamplingRule(1, "*", rate=0.3)])
    for number in range(200):
        events = [{"event_type": "A", "correlation_id": f"{number}/{child}"} for child in range(5)]
        assert len({rules.decide(event, root=str(number)).keep for event in events}) == 1


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event_type": None},
        {"event_type": 7, "node_id": [], "metadata": 3},
        {"event_type": "A", "correlation_id": "\ud800"},
        {"event_type": "A", "metadata": {"node_type": 5, "error_code": 9}},
    ],
)
def test_whatever_the_host_emits_is_decided_about(event):
    assert SamplingRules([SamplingRule(1, "*", rate=0.5)]).decide(event).sample_rate == 0.5


def test_rules_of_an_algorithm_of_the_future_keep_everything():
    rules = rules_of({**resolved({"event_type": "*", "rate": 0.1}), "algorithm": "onex-consistent-56/2"})
    assert rules.decide({"event_type": "A", "event_id": "x"}).reason == "no_rule"


def test_a_flood_of_event_types_does_not_fill_the_memory():
    rules = SamplingRules([SamplingRule(1, "*", rate=0.5)])
    for number in range(10_000):
        rules.decide({"event_type": f"invented.{number}"})
    assert len(rules._known) <= 4_096


# --- where rules come from ---------------------------------------------------------------------


def test_rules_are_asked_again_with_their_etag(registry, client, clock):
    registry.sampling = resolved({"event_type": "A", "rate": 0.5})
    source = SamplingSource(client.sampling, interval=30, clock=clock)
    assert source.due
    assert source.refresh()
    first = source.current
    assert first.rules == (SamplingRule(1, "A", "*", 0.5),)
    assert not source.due
    clock.now += 30
    assert source.due
    assert source.refresh()
    assert source.current is first
    assert registry.asked[-1].headers["if-none-match"]
    registry.sampling = resolved({"event_type": "A", "rate": 0.25}, revision=2)
    assert source.refresh()
    assert (source.current.revision, source.current.rules[0].rate) == (2, 0.25)


def test_the_last_known_rules_hold_while_the_registry_is_away(registry, client, server):
    registry.sampling = resolved({"event_type": "A", "rate": 0.5})
    source = SamplingSource(client.sampling)
    source.refresh()
    server.stop()
    assert not source.refresh()
    assert source.current.rules[0].rate == 0.5
    assert "does not answer" in source.problem


def test_the_last_known_rules_outlive_the_process(registry, client, tmp_path):
    registry.sampling = resolved({"event_type": "A", "rate": 0.5}, revision=7)
    kept = tmp_path / "onex" / "sampling.json"
    SamplingSource(client.sampling, path=kept).refresh()

    def away(_etag):
        raise Unreachable("away")

    later = SamplingSource(away, path=kept)
    assert not later.refresh()
    assert (later.current.revision, later.current.rules[0].rate) == (7, 0.5)
    # Asked with the tag of what was kept.
    again = SamplingSource(client.sampling, path=kept)
    assert again.refresh()
    assert registry.asked[-1].headers["if-none-match"]
    assert again.current.revision == 7


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"etag": null, "document": {"revision": "x"}}'])
def test_a_damaged_file_of_rules_keeps_everything_and_is_told(tmp_path, client, content):
    kept = tmp_path / "sampling.json"
    kept.write_text(content, encoding="utf-8")
    source = SamplingSource(client.sampling, path=kept)
    assert source.current.rules == ()
    assert "holds no sampling rules" in source.problem
    assert source.refresh()
    assert source.problem is None


def test_rules_that_cannot_be_kept_hold_all_the_same(registry, client, tmp_path):
    registry.sampling = resolved({"event_type": "A", "rate": 0.5})
    (tmp_path / "file").write_text("", encoding="utf-8")
    source = SamplingSource(client.sampling, path=tmp_path / "file" / "sampling.json")
    assert source.refresh()
    assert source.current.rules[0].rate == 0.5
    assert "cannot be kept" in source.problem


@pytest.mark.parametrize(
    "answer", [{}, [], {"revision": 1, "algorithm": "onex-consistent-56/1", "rules": [{}]}]
)
def test_an_answer_that_holds_no_rules_changes_nothing(registry, client, canned, answer):
    registry.sampling = resolved({"event_type": "A", "rate": 0.5})
    source = SamplingSource(client.sampling)
    source.refresh()
    registry.next_answers.append(canned(body=answer))
    assert not source.refresh()
    assert source.current.rules[0].rate == 0.5


# --- in a client -------------------------------------------------------------------------------


@pytest.fixture
def sampled(emitting, registry):
    """A client that has been told to keep a tenth."""
    registry.sampling = resolved({"event_type": "*", "rate": 0.1})
    client = emitting(sampling=True)
    assert client.prepare()
    return client


def trees_of(events):
    trees = {}
    for event in events:
        trees.setdefault(event["trace_id"], []).append(event)
    return trees


def test_trees_are_kept_or_dropped_whole(sampled, registry):
    for _ in range(300):
        with sampled.operation("outer"):
            sampled.emit("step.done")
            with sampled.operation("inner"):
                sampled.emit("step.done")
    assert sampled.flush()
    trees = trees_of(registry.events)
    assert {event["sample_rate"] for event in registry.events} == {0.1}
    assert all(len(events) == 6 for events in trees.values())
    assert abs(len(trees) - 30) < 4 * sqrt(300 * 0.1 * 0.9)
    assert sampled.stats()["sampled_out"] == (300 - len(trees)) * 6


def test_failures_are_kept_always_and_say_so(sampled, registry):
    for _ in range(50):
        with pytest.raises(ZeroDivisionError), sampled.operation("divide"):
            1 / 0  # noqa: B018
    assert sampled.flush()
    errors = [event for event in registry.events if event["event_type"] == "TELEMETRY_OPERATION_ERROR"]
    assert len(errors) == 50
    assert {event["sample_rate"] for event in errors} == {1.0}


def test_a_rule_may_sample_failures_too(emitting, registry):
    registry.sampling = resolved({"event_type": "*_ERROR", "rate": 0.0001, "keep_failures": False})
    client = emitting(sampling=True)
    assert client.prepare()
    kept = [client.emit("JOB_ERROR", {"success": False}) for _ in range(200)]
    assert kept.count(None) >= 198


def test_a_tree_ends_under_the_rules_under_which_it_began(sampled, registry):
    for _ in range(60):
        with sampled.operation("long"):
            sampled.emit("before")
            registry.sampling = resolved({"event_type": "*", "rate": 1.0}, revision=2)
            assert sampled.prepare()
            sampled.emit("after")
        registry.sampling = resolved({"event_type": "*", "rate": 0.1}, revision=3)
        assert sampled.prepare()
    assert sampled.flush()
    rates = [[event["sample_rate"] for event in events] for events in trees_of(registry.events).values()]
    assert rates
    assert all(one == [0.1] * 4 for one in rates)


def test_what_the_host_has_sampled_itself_is_kept_as_it_says(sampled, registry):
    for _ in range(30):
        sampled.emit("tick", sample_rate=0.5)
    assert sampled.flush()
    assert [event["sample_rate"] for event in registry.events] == [0.5] * 30


def test_sampling_can_be_switched_off(emitting, registry):
    registry.sampling = resolved({"event_type": "*", "rate": 0.0001})
    client = emitting(sampling=False)
    client.prepare()
    assert all(client.emit("tick") for _ in range(50))


def test_rules_are_asked_for_without_being_told_to(emitting, registry):
    registry.sampling = resolved({"event_type": "*", "rate": 0.0001})
    client = emitting(sampling=True)
    client.emit("tick", sample_rate=1.0)
    assert client.flush()
    # Rules are asked for before the first batch leaves.
    assert client.sampling_rules().revision == 1


def test_the_child_of_a_fork_begins_with_what_its_parent_was_told(sampled):
    sampled.begin_anew()
    assert sampled.sampling_rules().rules[0].rate == 0.1
