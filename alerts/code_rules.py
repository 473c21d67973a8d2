"""Which alert rules name an error code that a new edition of a taxonomy changes: asked by the catalogue."""

from collections.abc import Iterator

from alerts.condition import Test, parse, tests
from alerts.models import Rule
from registry.judge import Finding
from registry.taxonomy_judge import TaxonomyProposal
from registry.taxonomy_tree import Tree

JUDGE = "alerts.code_rules.rules_naming"
_FIELDS = frozenset({"error_code", "metadata.error_code", "/metadata/error_code"})


def rules_naming(proposal: TaxonomyProposal) -> list[Finding]:
    """A finding for every living rule that names, or begins like, a code that is taken back, changed or deprecated."""
    touched = {change.about for change in proposal.changes if change.rule or change.kind == "CODE_DEPRECATED"}
    if not touched or proposal.old is None:
        return []
    findings: list[Finding] = []
    for rule in Rule.objects.living().select_related("current").order_by("name"):
        if not proposal.seconds_left:
            return [*findings, _unfinished()]
        named = sorted(touched & set(_codes_in(rule, proposal.old)))
        if named:
            findings.append(_finding(rule, proposal, named))
    return findings


def _codes_in(rule: Rule, tree: Tree) -> Iterator[str]:
    assert rule.current is not None
    for condition in map(parse, rule.current.conditions):
        for test in tests(condition):
            if test.field in _FIELDS:
                yield from _codes_of(test, tree)


def _codes_of(test: Test, tree: Tree) -> Iterator[str]:
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    for value in values:
        if test.op == "prefix":
            yield from (code.short for code in tree.codes if code.long.startswith(str(value)))
        elif code := tree.find(str(value)):
            yield code.short


def _finding(rule: Rule, proposal: TaxonomyProposal, named: list[str]) -> Finding:
    # Somebody who may not see the rule learns that there is one, not what it is called.
    visible = Rule.objects.visible_to(proposal.actor).filter(pk=rule.pk).exists()
    called = f"Alert rule '{rule.name}'" if visible else "An alert rule that you may not see"
    facts: dict[str, object] = {"codes": named}
    if visible:
        facts |= {"rule": rule.pk, "name": rule.name, "enabled": rule.enabled}
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return Finding(JUDGE, "warning", f"{called} asks for {', '.join(named[:5])}{more}.", facts)


def _unfinished() -> Finding:
    return Finding(JUDGE, "info", "Not all alert rules were compared: the time for it was up.", {})
