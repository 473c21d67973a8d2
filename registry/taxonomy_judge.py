"""What a new edition of a taxonomy means for others: the schemas bound to it, and what the layers above find.

settings.TAXONOMY_JUDGES holds dotted names of `(proposal) -> list[Finding]`, read-only and bounded in time, as those of
schema uploads are.
"""

import time
from dataclasses import dataclass

from django.conf import settings

from access.actor import Actor
from registry.judge import Finding, opinions_of
from registry.taxonomy_bindings import Dependent, dependents_of
from registry.taxonomy_rules import Change
from registry.taxonomy_tree import Tree

JUDGE = "registry.taxonomy_bindings"


@dataclass(frozen=True, slots=True)
class TaxonomyProposal:
    """What a judge of the layers above is asked about."""

    taxonomy: str
    # None for the first edition.
    old: Tree | None
    new: Tree
    changes: tuple[Change, ...]
    actor: Actor
    # time.monotonic() after which a judge gives back what it has.
    deadline: float

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())


def findings_about(
    *, actor: Actor, old: Tree | None, new: Tree, changes: tuple[Change, ...]
) -> tuple[Finding, ...]:
    """What everybody has to say about the changes; nothing when there are none."""
    if not changes:
        return ()
    deadline = time.monotonic() + settings.UPLOAD_JUDGE_SECONDS
    proposal = TaxonomyProposal(new.taxonomy, old, new, changes, actor, deadline)
    return (*_bound_schemas(actor, new), *opinions_of(settings.TAXONOMY_JUDGES, proposal))


def _bound_schemas(actor: Actor, new: Tree) -> list[Finding]:
    """Which schemas follow to this edition, and which stay with the one they have."""
    found, hidden = dependents_of(actor=actor, taxonomy=new.taxonomy, version=new.version)
    groups = (
        (True, "judge by this edition as soon as it is published"),
        (False, "stay with an older edition, because their range does not reach this one"),
    )
    findings = []
    for follows, what in groups:
        chosen = [dependent for dependent in found if dependent.follows == follows]
        if chosen:
            facts = {"follows": follows, "schemas": [dependent.as_dict() for dependent in chosen]}
            findings.append(Finding(JUDGE, "info", f"{_named(chosen)} {what}.", facts))
    if hidden:
        findings.append(Finding(JUDGE, "info", f"{hidden} bound schemas that you may not read.", {}))
    return findings


def _named(dependents: list[Dependent]) -> str:
    names = [f"{dependent.subject} {dependent.semver}" for dependent in dependents]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more}"
