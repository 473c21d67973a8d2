"""Which events are kept: the rule that counts, and the draw, which every client makes alike."""

import json
import random
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from math import sqrt
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.models import SamplingRevision
from events.sampling_api import resolved_document
from events.sampling_rules import ALGORITHM, Rule, decide, draw, effective, fits, threshold, type_of_node
from onex_sdk._sampling import rules_of as client_rules_of

VECTORS = json.loads(
    (Path(__file__).parents[2] / "docs/reference/sampling-vectors.json").read_text(encoding="utf-8")
)
PATTERNS = st.text("AB_*", min_size=1, max_size=6)
RULES = st.lists(
    st.builds(Rule, id=st.integers(1, 9), event_type=PATTERNS, node=PATTERNS, enabled=st.booleans()),
    max_size=6,
    unique_by=lambda rule: rule.id,
)


def test_the_published_vectors_are_of_this_algorithm():
    assert VECTORS["algorithm"] == ALGORITHM


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_published_vector(case):
    rules = [Rule(**rule) for rule in VECTORS["rule_sets"][case["rules"]]]
    decided = decide(rules, case["event"], root=case.get("root"))
    found = {
        "keep": decided.keep,
        "sample_rate": decided.sample_rate,
        "rule": decided.rule and decided.rule.id,
        "reason": decided.reason,
    }
    assert found == case["expected"]


# The first draw builds the strategies, which takes its time on a busy machine.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(RULES, st.text("AB_", max_size=6), st.text("AB_", max_size=6), st.randoms(use_true_random=False))
def test_the_rule_that_counts_fits_and_does_not_depend_on_their_order(rules, event_type, node, chance):
    found = effective(rules, event_type, node)
    mixed = list(rules)
    chance.shuffle(mixed)
    assert effective(mixed, event_type, node) == found
    assert all(rule.enabled and rule.fits(event_type, node) for rule in found)
    assert {rule.id for rule in found} == {
        rule.id for rule in rules if rule.enabled and rule.fits(event_type, node)
    }
    # A name counts before every pattern, and among patterns more letters before fewer.
    for winner, loser in pairwise(found):
        assert ("*" not in winner.event_type) >= ("*" not in loser.event_type)
        if ("*" in winner.event_type) == ("*" in loser.event_type):
            letters = [len(rule.event_type.replace("*", "")) for rule in (winner, loser)]
            assert letters[0] >= letters[1]


def slow_fits(pattern, text):
    """The same by definition, trying everything."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(slow_fits(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and text[0] == pattern[0] and slow_fits(pattern[1:], text[1:])


@given(st.text("AB*", max_size=7), st.text("AB", max_size=8))
def test_a_star_is_any_text(pattern, text):
    assert fits(pattern, text) == slow_fits(pattern, text)


@given(st.floats(0.0001, 1), st.floats(0.0001, 1), st.uuids())
def test_what_is_kept_at_a_rate_is_kept_at_every_higher_one(one, other, root):
    low, high = sorted((one, other))
    drawn = draw(root=str(root))
    assert (drawn >= threshold(low)) <= (drawn >= threshold(high))


def test_at_a_rate_of_one_everything_is_kept():
    assert threshold(1.0) == 0


@pytest.mark.parametrize(
    ("node_id", "kind"),
    [
        ("stamper_node-001", "stamper_node"),
        ("stamper_node-a8f2g", "stamper_node"),
        ("onex-registry", "onex-registry"),
        ("-1", "-1"),
        ("", ""),
    ],
)
def test_the_type_of_a_node_is_its_id_without_the_instance(node_id, kind):
    assert type_of_node(node_id) == kind


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    RULES,
    st.fixed_dictionaries(
        {
            "event_type": st.sampled_from(["A", "A_ERROR", "BA", "A_B", ""]),
            "node_id": st.sampled_from(["A", "AB-1", "", "B_B"]),
            "event_id": st.uuids().map(str),
        },
        optional={
            "metadata": st.sampled_from(
                [None, {}, {"success": False}, {"error_code": "X"}, {"node_type": "AB"}, {"error_code": ""}]
            ),
            "trace_id": st.sampled_from([None, "0" * 32, "a" * 32, "A" * 32]),
            "correlation_id": st.sampled_from(["c", "", None]),
        },
    ),
    st.sampled_from([None, "root"]),
    st.sampled_from([0.0001, 0.3, 0.5, 1.0]),
)
def test_the_sdk_decides_alike_by_the_document_that_it_is_told(rules, event, root, rate):
    rules = [replace(rule, rate=rate) for rule in rules]
    document = resolved_document(SamplingRevision(number=3), rules)
    told = client_rules_of(json.loads(json.dumps(document))).decide(event, root=root)
    ours = decide(rules, event, root=root)
    assert (told.keep, told.sample_rate, told.reason) == (ours.keep, ours.sample_rate, ours.reason)
    assert (told.rule and told.rule.id) == (ours.rule and ours.rule.id)


def tree(number, chance):
    """The events of a tree of correlations below one root, some of them in a trace."""
    trace = f"{chance.getrandbits(128):032x}" if number % 2 else None
    for child in range(5):
        yield {"event_type": "NODE_START", "node_id": f"n-{child}", "correlation_id": f"{number}/{child}"} | (
            {"trace_id": trace} if trace else {}
        )


def test_trees_are_kept_or_dropped_whole():
    chance, rules = random.Random(7), [Rule(id=1, event_type="NODE_*", rate=0.3)]
    kept = defaultdict(set)
    for number in range(2_000):
        for event in tree(number, chance):
            kept[number].add(decide(rules, event, root=f"root-{number}").keep)
    assert all(len(decisions) == 1 for decisions in kept.values())
    whole = sum(decisions == {True} for decisions in kept.values())
    assert abs(whole - 600) < 4 * sqrt(2_000 * 0.3 * 0.7)


def test_counts_weighted_by_the_rate_are_unbiased():
    """1,000 seeds at 5 %: the interval at 95 % holds the true count in about 95 % of them, and the mean is right."""
    rules, true, within, total = [Rule(id=1, event_type="*", rate=0.05)], 500, 0, 0.0
    half = 1.96 * sqrt(true * 0.95 / 0.05)
    for seed in range(1_000):
        events = ({"event_type": "A", "event_id": f"{seed}-{index}"} for index in range(true))
        decided = [decide(rules, event) for event in events]
        estimate = sum(1 / one.sample_rate for one in decided if one.keep)
        within += abs(estimate - true) <= half
        total += estimate
    assert abs(total / 1_000 - true) < 4 * half / 1.96 / sqrt(1_000)
    assert 930 <= within <= 970


def test_failures_are_kept_unless_the_rule_says_otherwise():
    rule = Rule(id=1, event_type="*", rate=0.0001)
    failed = {"event_type": "job.done", "event_id": "a", "metadata": {"success": False}}
    assert decide([rule], failed).reason == "failure"
    assert not decide([replace(rule, keep_failures=False)], failed).keep
