"""Which alert rules a schema upload would hurt: asked by the catalogue before it publishes."""

from collections.abc import Iterator

from access import prepared
from alerts.condition import fields, parse
from alerts.fields import path_of
from alerts.models import Rule
from alerts.schema_fields import ENVELOPE, Declared
from registry.judge import Finding, Proposal

JUDGE = "alerts"
_HAS_RULES = "SELECT EXISTS (SELECT FROM alerts_rule WHERE deleted_at IS NULL)"


def rules_reading(proposal: Proposal) -> list[Finding]:
    """A finding for every field that a living rule reads and that the new schema removes or retypes."""
    if not proposal.older or not _has_rules():
        return []
    old, new = Declared(proposal.older[0].document), Declared(proposal.new)
    findings: list[Finding] = []
    for rule in Rule.objects.living().select_related("current").order_by("name"):
        if not proposal.seconds_left:
            return [*findings, _unfinished()]
        if _is_about(rule, proposal.subject):
            findings.extend(_losses(rule, proposal, old, new))
    return findings


def _has_rules() -> bool:
    with prepared.cursor() as cursor:
        cursor.execute(_HAS_RULES)
        return bool(cursor.fetchone()[0])


def _is_about(rule: Rule, subject: str) -> bool:
    """A rule that pins no event type reads every subject's events."""
    assert rule.current is not None
    types = rule.current.event_types
    return types is None or subject in types or subject == ENVELOPE


def _losses(rule: Rule, proposal: Proposal, old: Declared, new: Declared) -> Iterator[Finding]:
    assert rule.current is not None
    asked = [name for tree in rule.current.conditions for name in fields(parse(tree))]
    names = dict.fromkeys([*asked, *rule.current.further_fields])
    for name in names:
        path = _path_in(name, proposal.subject)
        before = old.types(path) if path else None
        if path is None or before is None:
            continue
        after = new.types(path)
        if after is None:
            yield _finding(rule, proposal, name, "removes", "it does not declare it any more")
        elif before and not before & after:
            yield _finding(rule, proposal, name, "retypes", f"it was {_or(before)} and becomes {_or(after)}")


def _path_in(name: str, subject: str) -> tuple[str, ...] | None:
    """Where a field of an event stands in a subject's schema; None when it is not described there."""
    path = path_of(name)
    if subject == ENVELOPE:
        return path
    return path[1:] if path[0] == "metadata" and len(path) > 1 else None


def _finding(rule: Rule, proposal: Proposal, name: str, what: str, how: str) -> Finding:
    # Somebody who may not see the rule learns that there is one, not what it is called.
    visible = Rule.objects.visible_to(proposal.actor).filter(pk=rule.pk).exists()
    called = f"Alert rule '{rule.name}'" if visible else "An alert rule that you may not see"
    state = "" if rule.enabled else " (paused)"
    facts: dict[str, object] = {"field": name, "change": what}
    if visible:
        facts |= {"rule": rule.pk, "name": rule.name, "enabled": rule.enabled}
    sentence = f"{called}{state} reads {name}, which this version {what}: {how}."
    return Finding(JUDGE, "warning", sentence, facts)


def _or(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))


def _unfinished() -> Finding:
    return Finding(
        JUDGE, "info", "Not all alert rules were compared: the time for it was up.", {"finished": False}
    )
