"""Makes, changes and deletes sampling rules, and goes back to what they were."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from events.errors import (
    InvalidSamplingRule,
    SamplingRevisionNotFound,
    SamplingRuleNotFound,
    SamplingRuleTaken,
)
from events.models import SamplingRevision
from events.sampling_rules import LOWEST_RATE, Rule

_LONGEST = 255


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """What somebody wants a rule to be."""

    event_type: str
    node: str = "*"
    rate: float = 1.0
    keep_failures: bool = True
    enabled: bool = True
    note: str = ""


def create_sampling_rule(*, actor: Actor, spec: RuleSpec) -> Rule:
    """Takes the scope admin on the beginning of the event types that the rule fits.

    Raises Forbidden, InvalidSamplingRule (with the pointer), SamplingRuleTaken.
    """
    _check(actor, spec)
    with transaction.atomic():
        head = _locked_head()
        rules = rules_of(head)
        if len(rules) >= settings.SAMPLING_MAX_RULES:
            raise InvalidSamplingRule(
                f"There are {len(rules):,} rules, which is as many as may be (SAMPLING_MAX_RULES). Delete one first."
            )
        made = _signed(actor, Rule(id=head.next_rule, **asdict(spec)))
        _require_unique(rules, made)
        _write(actor, head, [*rules, made], f"Made rule {made.id}: {_in_words(made)}", next_rule=made.id + 1)
        _record(actor, "sampling.create", made)
    return made


def edit_sampling_rule(*, actor: Actor, rule_id: int, spec: RuleSpec) -> Rule:
    """Raises what `create_sampling_rule` does, and SamplingRuleNotFound."""
    _check(actor, spec)
    with transaction.atomic():
        head = _locked_head()
        rules = rules_of(head)
        before = _found(actor, rules, rule_id)
        actor.require("admin", before.prefix)
        changed = replace(before, **asdict(spec))
        if changed == before:
            return before
        changed = _signed(actor, changed)
        others = [rule for rule in rules if rule.id != rule_id]
        _require_unique(others, changed)
        _write(actor, head, [*others, changed], f"Changed rule {rule_id}: {_in_words(changed)}")
        _record(actor, "sampling.edit", changed, before=_facts(before))
    return changed


def delete_sampling_rule(*, actor: Actor, rule_id: int) -> None:
    """Raises Forbidden, SamplingRuleNotFound."""
    with transaction.atomic():
        head = _locked_head()
        rules = rules_of(head)
        gone = _found(actor, rules, rule_id)
        actor.require("admin", gone.prefix)
        _write(
            actor,
            head,
            [rule for rule in rules if rule.id != rule_id],
            f"Deleted rule {rule_id}: {_in_words(gone)}",
        )
        _record(actor, "sampling.delete", gone)


def restore_sampling(*, actor: Actor, number: int) -> SamplingRevision:
    """Makes the rules what they were at a revision, as a new one. Takes admin on every rule that this touches.

    Raises Forbidden, SamplingRevisionNotFound.
    """
    with transaction.atomic():
        head = _locked_head()
        wanted = SamplingRevision.objects.filter(pk=number).first()
        if wanted is None:
            raise SamplingRevisionNotFound(f"There is no revision {number}.", revision=number)
        now, then = set(rules_of(head)), set(rules_of(wanted))
        actor.require("admin")
        for rule in now ^ then:
            actor.require("admin", rule.prefix)
        if now == then:
            return head
        made = _write(actor, head, rules_of(wanted), f"Went back to revision {number}.")
        audit.record(
            actor=actor,
            action="sampling.restore",
            target=f"sampling/{made.number}",
            details={"from": head.number, "to": number, "rules": len(then)},
        )
    return made


def current_sampling() -> SamplingRevision:
    """The configuration that holds."""
    return SamplingRevision.objects.order_by("-number")[0]


def rules_of(revision: SamplingRevision) -> list[Rule]:
    return [Rule.of(stored) for stored in revision.rules]


def rules_seen_by(actor: Actor, rules: Sequence[Rule]) -> list[Rule]:
    """Those that can fit an event type that the actor may read or send."""
    prefixes = {*actor.readable_prefixes("read"), *actor.readable_prefixes("ingest")}
    return [
        rule
        for rule in rules
        if any(rule.prefix.startswith(prefix) or prefix.startswith(rule.prefix) for prefix in prefixes)
    ]


def find_sampling_rule(actor: Actor, rule_id: int) -> Rule:
    """Raises SamplingRuleNotFound also when the actor may not see it."""
    return _found(actor, rules_of(current_sampling()), rule_id)


def require_sight(actor: Actor) -> None:
    """Raises Forbidden without the scope read or ingest on anything: producers ask what to send."""
    if not actor.may("ingest"):
        actor.require("read")


def _found(actor: Actor, rules: Sequence[Rule], rule_id: int) -> Rule:
    for rule in rules_seen_by(actor, rules):
        if rule.id == rule_id:
            return rule
    raise SamplingRuleNotFound(f"There is no sampling rule {rule_id}, or you may not see it.", rule=rule_id)


def _check(actor: Actor, spec: RuleSpec) -> None:
    actor.require("admin", spec.event_type.partition("*")[0])
    for name in ("event_type", "node"):
        value = getattr(spec, name)
        if not value or len(value) > _LONGEST or "\0" in value:
            raise InvalidSamplingRule(
                f"A pattern has 1 to {_LONGEST} characters; `*` stands for any text.", pointer=f"/{name}"
            )
    if not math.isfinite(spec.rate) or not LOWEST_RATE <= spec.rate <= 1:
        raise InvalidSamplingRule(
            f"A rate is a share from {LOWEST_RATE:g} to 1: 0.05 keeps one event in twenty.", pointer="/rate"
        )
    if len(spec.note) > 1000 or "\0" in spec.note:
        raise InvalidSamplingRule("A note has at most 1000 characters.", pointer="/note")


def _locked_head() -> SamplingRevision:
    # Not the head itself: whoever waited for that would go on with a head of the past.
    SamplingRevision.objects.select_for_update().get(number=0)
    return current_sampling()


def _require_unique(others: Sequence[Rule], rule: Rule) -> None:
    for other in others:
        if (other.event_type, other.node) == (rule.event_type, rule.node):
            raise SamplingRuleTaken(
                f"Rule {other.id} is for the same events and nodes: change that one.",
                rule=other.id,
                pointer="/event_type",
            )


def _signed(actor: Actor, rule: Rule) -> Rule:
    # Not the name of a token, which is its owner's affair.
    return replace(rule, changed_by=actor.label.partition("/")[0], changed_at=timezone.now().isoformat())


def _write(
    actor: Actor, head: SamplingRevision, rules: Sequence[Rule], change: str, *, next_rule: int | None = None
) -> SamplingRevision:
    return SamplingRevision.objects.create(
        number=head.number + 1,
        rules=[rule.as_json() for rule in sorted(rules, key=attrgetter("id"))],
        next_rule=next_rule or head.next_rule,
        change=change[:600],
        created_by=actor.label,
    )


def _in_words(rule: Rule) -> str:
    nodes = "" if rule.node == "*" else f" of {rule.node}"
    return f"{rule.event_type}{nodes} at {rule.rate:g}{'' if rule.enabled else ', disabled'}"


def _facts(rule: Rule) -> dict[str, object]:
    names = ("event_type", "node", "rate", "keep_failures", "enabled", "note")
    return {name: getattr(rule, name) for name in names}


def _record(actor: Actor, action: str, rule: Rule, **details: object) -> None:
    audit.record(
        actor=actor, action=action, target=f"sampling/{rule.id}", details={**_facts(rule), **details}
    )
