"""A version published again with other tags in its text, other metadata or other rules."""

from dataclasses import dataclass
from typing import Any

from access.actor import Actor
from registry.contexts import context_of, seen_from
from registry.lookup import find_version
from registry.metadata import Extras, check_rule_set, merge_rule_sets, without_rules
from registry.publish import Published, publish_version
from registry.references import ReferenceTo
from registry.schema_tags import with_tags


@dataclass(frozen=True, slots=True)
class TagChange:
    """None keeps what the version has. `number` has to be the next one; LATEST or None takes it."""

    add: list[Any]
    remove: list[Any]
    metadata: dict[str, Any] | None
    rule_set: dict[str, Any] | None
    rules_to_merge: dict[str, Any] | None
    rules_to_remove: list[str]
    number: int | None


def tag_version(*, actor: Actor, subject: str, version: str, change: TagChange) -> Published:
    """Raises as `find_version` and `publish_version` do."""
    actor.require("write", subject)
    actor.require("read", subject)
    old = find_version(subject, version)
    kept = Extras(old.metadata, old.rule_set).without_semver()
    rule_set = kept.rule_set if change.rule_set is None else change.rule_set
    if change.rules_to_merge is not None or change.rules_to_remove:
        check_rule_set("ruleSet", rule_set)
        check_rule_set("rulesToMerge", change.rules_to_merge)
        rule_set = without_rules(merge_rule_sets(rule_set, change.rules_to_merge), change.rules_to_remove)
    return publish_version(
        actor=actor,
        subject=subject,
        schema=with_tags(old.content.text, add=change.add, remove=change.remove),
        references=[
            ReferenceTo(use.name, seen_from(context_of(subject), use.target.subject.name), use.target.number)
            for use in old.uses.select_related("target__subject")
        ],
        metadata=(kept.metadata if change.metadata is None else change.metadata) or {},
        rule_set=rule_set or {},
        number=change.number,
    )
