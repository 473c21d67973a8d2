"""Has producers keep more of an event type for a while, so that what goes wrong can be seen whole."""

from dataclasses import asdict, replace
from typing import Any

from access.actor import Actor
from alerts.action_kinds.kind import ActionKind, Begun, check_minutes
from alerts.errors import InvalidAction
from alerts.models import Action, ActionRun
from events.errors import SamplingRuleNotFound
from events.sampling import (
    RuleSpec,
    create_sampling_rule,
    current_sampling,
    delete_sampling_rule,
    edit_sampling_rule,
    find_sampling_rule,
    rules_of,
)
from events.sampling_rules import LOWEST_RATE, Rule, effective

_OWN = set(RuleSpec.__dataclass_fields__)


def _require(actor: Actor, action: Action) -> None:
    actor.require("admin", action.subject)
    check_minutes(action)
    if "*" in action.subject:
        raise InvalidAction("Name one event type, without `*`.", pointer="/subject")
    if action.rate is None or not LOWEST_RATE <= action.rate <= 1:
        raise InvalidAction(f"A rate is a share from {LOWEST_RATE:g} to 1.", pointer="/rate")


def _begin(actor: Actor, run: ActionRun) -> Begun:
    action = run.action
    assert action.rate is not None
    rules = rules_of(current_sampling())
    raised = [_raise(actor, rule, action.rate) for rule in rules if _keeps_less(rule, action)]
    general = any(rule.event_type == action.subject and rule.node == "*" for rule in rules)
    # A pattern counts where nothing names the type: one rule that does is in front of all patterns.
    if not general and any(rule.rate < action.rate for rule in effective(rules, action.subject)):
        note = f"Until {run.until:%Y-%m-%d %H:%M} UTC, for an alert."
        spec = RuleSpec(event_type=action.subject, rate=action.rate, note=note)
        raised.append({"id": create_sampling_rule(actor=actor, spec=spec).id, "was": None})
    if not raised:
        return Begun(f"No rule keeps less than {action.rate:g} of {action.subject}.", lasts=False)
    return Begun(
        f"Producers keep {action.rate:g} of {action.subject}.", {"rules": raised, "rate": action.rate}
    )


def _keeps_less(rule: Rule, action: Action) -> bool:
    assert action.rate is not None
    return rule.enabled and rule.event_type == action.subject and rule.rate < action.rate


def _raise(actor: Actor, rule: Rule, rate: float) -> dict[str, Any]:
    edit_sampling_rule(actor=actor, rule_id=rule.id, spec=replace(_spec(rule), rate=rate))
    return {"id": rule.id, "was": rule.rate}


def _spec(rule: Rule) -> RuleSpec:
    return RuleSpec(**{name: value for name, value in asdict(rule).items() if name in _OWN})


def _take_back(actor: Actor, run: ActionRun) -> str:
    left = [kept for kept in run.before["rules"] if not _lower(actor, kept, run.before["rate"])]
    if left:
        names = ", ".join(str(kept["id"]) for kept in left)
        return f"Sampling is as it was, but for rules that were changed meanwhile: {names}."
    return f"Producers keep of {run.action.subject} what they kept before."


def _lower(actor: Actor, kept: dict[str, Any], rate: float) -> bool:
    """Whether the rule was still as the action had left it, and is as before now."""
    try:
        rule = find_sampling_rule(actor, kept["id"])
    except SamplingRuleNotFound:
        return False
    if rule.rate != rate:
        return False
    if kept["was"] is None:
        delete_sampling_rule(actor=actor, rule_id=rule.id)
    else:
        edit_sampling_rule(actor=actor, rule_id=rule.id, spec=replace(_spec(rule), rate=kept["was"]))
    return True


KIND = ActionKind("sampling", frozenset({"subject", "minutes", "rate"}), _require, _begin, _take_back)
