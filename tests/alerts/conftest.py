"""What alert tests share: rules made through the operation, and a clock that stands where they put it."""

from datetime import datetime, timedelta

import pytest

from alerts.evaluate import evaluate_rules
from alerts.models import Rule
from alerts.rule_spec import RuleSpec
from alerts.rules import create_rule
from tests.alerts.log import NOON

FAILURES = {"field": "event_type", "op": "eq", "value": "NODE_FAILURE"}


@pytest.fixture
def make_rule(actor):
    """`make_rule(threshold=3, window_seconds=60, group_by=("node_id",))`: over NODE_FAILURE unless told otherwise."""

    def make(name: str = "failures", *, channels=(), **spec) -> Rule:
        return create_rule(
            actor=actor,
            spec=RuleSpec(name=name, selector=spec.pop("selector", FAILURES), channels=channels, **spec),
        ).rule

    return make


@pytest.fixture
def evaluate():
    """`evaluate(at=12)`: evaluates as if it were so many seconds past noon."""

    def run(at: float | datetime = 0):
        now = at if isinstance(at, datetime) else NOON + timedelta(seconds=at)
        return evaluate_rules(clock=lambda: now)

    return run
