"""A judge of uploads: what the new version means for the schemas that refer to its subject.

References are pinned, so nothing breaks by itself. But who asked for a range gets the new version with their next
upload: for each of them the schema as it is, and as it would be then, are compared by its own subject's rules.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from access import prepared
from registry.comparison import Document, compare
from registry.configure import rules_of
from registry.judge import Finding, Older, Proposal, direction_of, world_of
from registry.models import Reference, Version
from registry.ranges import parse_range

JUDGE = "registry.dependents"
_IS_REFERRED_TO = """
SELECT EXISTS (SELECT FROM registry_reference reference
    JOIN registry_version target ON target.id = reference.target_id
    JOIN registry_subject subject ON subject.id = target.subject_id
    WHERE subject.name = %s)
"""


@dataclass(frozen=True, slots=True)
class Dependent:
    """A version that refers to the subject, with the names and ranges of its references to it."""

    version: Version
    names: tuple[str, ...]
    ranges: tuple[str, ...]


def broken_dependents(proposal: Proposal) -> list[Finding]:
    """A warning with its counterexample for every dependent whose range lets the new version in and that would break."""
    # Nobody refers to most subjects, which is asked more cheaply than who does.
    if not _is_referred_to(proposal.subject):
        return []
    found = list(_dependents(proposal.subject))
    if not found:
        return []
    label = proposal.verdict.label.semver
    taking = [dependent for dependent in found if _takes(dependent, label)]
    findings: list[Finding] = []
    for dependent in taking:
        if not proposal.seconds_left:
            told = "Not all dependents were compared: the time for it was up."
            return [*findings, Finding(JUDGE, "info", told, {"finished": False})]
        if finding := _finding(proposal, dependent):
            findings.append(finding)
    return [*findings, _summary(found, taking, findings)]


def _is_referred_to(subject: str) -> bool:
    with prepared.cursor() as cursor:
        cursor.execute(_IS_REFERRED_TO, [subject])
        return bool(cursor.fetchone()[0])


def _dependents(subject: str) -> Iterator[Dependent]:
    """The latest live version of each subject that refers to this one."""
    live = Version.objects.live()
    uses = Reference.objects.filter(target__subject__name=subject, version__in=live)
    users = live.filter(pk__in=uses.values("version")).select_related("subject", "content")
    for version in users.order_by("subject__name", "-number"):
        later = live.filter(subject=version.subject, number__gt=version.number)
        if not later.exists():
            own = list(uses.filter(version=version).order_by("name"))
            yield Dependent(version, tuple(use.name for use in own), tuple(use.range for use in own))


def _takes(dependent: Dependent, label: Any) -> bool:
    ranges = [parse_range(text) for text in dependent.ranges if text]
    return any(wanted is not None and wanted.holds(label) for wanted in ranges)


def _finding(proposal: Proposal, dependent: Dependent) -> Finding | None:
    version = dependent.version
    readable = proposal.actor.may("read", version.subject.name)
    called = f"'{version.subject.name}' {version.semver}" if readable else "A schema that you may not see"
    facts: dict[str, Any] = {"range": list(dependent.ranges)}
    if readable:
        facts |= {"subject": version.subject.name, "version": version.number, "semver": version.semver}
    before = Older.of(version).document
    store = _with_new(before.store, dependent, proposal)
    if store is None:
        told = f"{called} could not be compared: one name would mean two schemas."
        return Finding(JUDGE, "warning", told, {**facts, "status": "undecided"})
    rules = rules_of(version.subject.name)
    after = Document(before.value, store)
    verdict = compare(
        before,
        after,
        mode=direction_of(rules.level),
        world=world_of(rules.policy),
        formats=version.subject.assert_formats,
    )
    if verdict.status == "compatible":
        return None
    facts["status"] = verdict.status
    if readable and verdict.witness:
        facts["witness"] = verdict.witness.as_dict()
    how = "would break" if verdict.status == "incompatible" else "may break, which is undecided,"
    told = f"{called} asks for {' and '.join(filter(None, dependent.ranges))} and {how} with its next upload."
    return Finding(JUDGE, "warning", told, facts)


def _with_new(store: Mapping[str, Any], dependent: Dependent, proposal: Proposal) -> dict[str, Any] | None:
    """The dependent's documents with the new one in place of the old; None when names clash."""
    renewed = {**store, **dict.fromkeys(dependent.names, proposal.new.value)}
    for name, document in proposal.new.store.items():
        if name in dependent.names or (name in renewed and renewed[name] != document):
            return None
        renewed[name] = document
    return renewed


def _summary(found: list[Dependent], taking: list[Dependent], broken: list[Finding]) -> Finding:
    told = (
        f"{len(found)} schema{'s refer' if len(found) > 1 else ' refers'} to this subject: {len(taking)} would take the "
        f"new version with the next upload, {len(broken)} of which would not stay compatible."
    )
    facts = {"dependents": len(found), "taking": len(taking), "broken": len(broken)}
    return Finding(JUDGE, "info", told, facts)
