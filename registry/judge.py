"""What a new schema means for those who hold the older ones: verdicts by level and policy, and second opinions.

A *judgement* is made before anything is written and is kept with the version as its evidence. The layers above add
*findings* through settings.UPLOAD_JUDGES: dotted names of `(proposal) -> list[Finding]`, read-only and bounded in time.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.module_loading import import_string

from access import prepared
from access.actor import Actor
from compat import Change, Verdict
from compat.policies import Policy as NamedPolicy
from compat.policies import disagreement, needing_major, refused
from registry.comparison import Direction, Document, World, compare
from registry.configure import Rules
from registry.demands import Demands
from registry.models import Level, Policy, Version
from registry.references import store_of
from registry.versioning import Label

Status = Literal["first", "compatible", "incompatible", "undecided"]

#: A refusal names this many changes of each pair in words.
_MOST_SENTENCES = 10
_CONFLUENT: dict[str, NamedPolicy] = {
    Policy.STRICT: "confluent-strict",
    Policy.LENIENT: "confluent-lenient",
}
_DIRECTION: dict[str, Direction] = {"BACKWARD": "backward", "FORWARD": "forward", "FULL": "full"}


@dataclass(frozen=True, slots=True)
class Older:
    """A version that was there before."""

    number: int
    semver: str
    content_id: int
    document: Document

    @classmethod
    def of(cls, version: Version) -> "Older":
        document = Document(json.loads(version.content.text), store_of(version.content))
        return cls(version.number, version.semver, version.content_id, document)


@dataclass(frozen=True, slots=True)
class Pair:
    """The verdict against one older version. `status` is what the policy says, `proven` what compat proved."""

    version: int
    semver: str
    status: Status
    proven: str
    policy: Policy
    verdict: Verdict
    # The changes that whoever spoke refuses.
    broken: tuple[Change, ...] = ()
    # Who decided: the policy, or the rules of evolution on top of it.
    spoke: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The evidence without its changes, which `Judgement` lists."""
        evidence = self.verdict.as_dict()
        del evidence["changes"]
        return {
            **evidence,
            "version": self.version,
            "semver": self.semver,
            "status": self.status,
            "proven": self.proven,
            "spoke": self.spoke or self.policy,
            "disagreement": self.disagreement,
        }

    @property
    def disagreement(self) -> str | None:
        """Where one of Confluent's policies says otherwise than the proof."""
        if self.policy not in _CONFLUENT:
            return None
        compatible = self.status == "compatible" or self.spoke not in {"", self.policy}
        return disagreement(_CONFLUENT[self.policy], self.verdict, compatible=compatible)

    def _who_breaks(self) -> str:
        if self.verdict.direction == "forward":
            return f"Valid for the new schema and refused by version {self.version}"
        return f"Valid for version {self.version} and refused by the new schema"

    def why(self) -> str:
        """Why it is not compatible, in one line."""
        return (self.broken[0].sentence if self.broken else self.verdict.proof) or self.sentences()[0]

    def sentences(self) -> list[str]:
        """Why it is not compatible, one sentence each."""
        said = [change.sentence for change in self.broken[:_MOST_SENTENCES]]
        if self.spoke and self.spoke != self.policy:
            said.append(
                f"{self.policy} finds this {self.verdict.status}; the {self.spoke} rules of evolution leave it to a "
                "new major version."
            )
        if len(self.broken) > _MOST_SENTENCES:
            said.append(f"{len(self.broken) - _MOST_SENTENCES} more changes break; `changes` lists them.")
        if self.verdict.witness is not None:
            shown = json.dumps(self.verdict.witness.instance, ensure_ascii=False)
            errors = "; ".join(f"{e.pointer or '/'}: {e.message}" for e in self.verdict.witness.errors)
            said.append(f"{self._who_breaks()}: {shown} ({errors})")
        if self.status == "undecided":
            said.append(f"Neither proven nor refuted against version {self.version}: {self.verdict.proof}")
        return said


@dataclass(frozen=True, slots=True)
class Finding:
    """What one judge of the layers above has to say. `severity`: "info", "warning" or "error"."""

    judge: str
    severity: Literal["info", "warning", "error"]
    sentence: str
    facts: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "judge": self.judge,
            "severity": self.severity,
            "sentence": self.sentence,
            "facts": self.facts,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything known about an upload before it is decided."""

    level: Level
    policy: Policy
    pairs: tuple[Pair, ...]
    label: Label
    findings: tuple[Finding, ...] = ()
    # Rules of evolution on top of the policy; "" is none.
    evolution: str = ""

    @property
    def status(self) -> Status:
        """The worst answer among the pairs; `first` when there was nothing to compare with."""
        found = {pair.status for pair in self.pairs}
        order: tuple[Status, ...] = ("incompatible", "undecided", "compatible")
        return next((status for status in order if status in found), "first")

    @property
    def blamed(self) -> Pair | None:
        """The pair that decides `status`."""
        return next((pair for pair in self.pairs if pair.status == self.status), None)

    def summary(self) -> dict[str, object]:
        """What is told about it in one line."""
        required = self.label.required
        return {
            "bump": required.level if required else None,
            "status": self.status,
            "level": self.level,
            "policy": self.policy,
        }

    def as_dict(self) -> dict[str, Any]:
        """The evidence: what is stored with the version and what a refusal shows as `details`."""
        blamed = self.blamed.as_dict() if self.blamed else {}
        return {
            "status": self.status,
            "level": self.level,
            "policy": self.policy,
            "evolution_rules": self.evolution,
            "spoke": blamed.get("spoke", self.policy),
            "witness": blamed.get("witness"),
            "changes": self._changes(),
            "semver": self.label.as_dict(),
            "against": [pair.as_dict() for pair in self.pairs],
            "findings": [finding.as_dict() for finding in self.findings],
        }

    def _changes(self) -> list[dict[str, Any]]:
        """Each change once: what the policy refuses of the deciding pair, what else breaks, what is harmless.

        `against` are the versions it was found against.
        """
        pairs = sorted(self.pairs, key=lambda pair: pair is not self.blamed)
        listed: dict[str, dict[str, Any]] = {}
        for pair in pairs:
            for change in (*pair.broken, *pair.verdict.changes):
                plain = change.as_dict()
                known = listed.setdefault(json.dumps(plain, sort_keys=True), {**plain, "against": []})
                if pair.version not in known["against"]:
                    known["against"].append(pair.version)
        return sorted(listed.values(), key=lambda change: not change["breaks"])

    def messages(self) -> list[str]:
        """Sentences in the manner of the wire API: the reasons, then the configuration they follow from."""
        reasons = [s for pair in self.pairs if pair.status != "compatible" for s in pair.sentences()]
        versions = [p.version for p in self.pairs if p.status != "compatible"]
        if not versions:
            return []
        told = ", ".join(str(number) for number in versions)
        on_top = f", evolutionRules: '{self.evolution}'" if self.evolution else ""
        return [
            *reasons,
            f"{{oldSchemaVersion: {told}}}",
            f"{{validateFields: 'false', compatibility: '{self.level}', compatibilityPolicy: '{self.policy}'{on_top}}}",
        ]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a judge of the layers above is asked about."""

    subject: str
    # Live versions before this one, newest first: those the level compares with.
    older: tuple[Older, ...]
    new: Document
    verdict: Judgement
    actor: Actor
    # time.monotonic() after which a judge gives back what it has, with a finding that says so.
    deadline: float

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())


class Verdicts:
    """Asks compat, and remembers: a lost race compares only with what came in between."""

    def __init__(self, new: Document, rules: Rules, demands: Demands) -> None:
        self._new = new
        self._rules = rules
        self._demands = demands
        self._known: dict[int, _Ruling] = {}

    def hold_for(self, rules: Rules, demands: Demands) -> bool:
        return (self._rules, self._demands) == (rules, demands)

    def against(self, older: Sequence[Older]) -> tuple[Pair, ...]:
        return () if self._rules.level == Level.NONE else tuple(self._pair(old) for old in older)

    def _pair(self, old: Older) -> Pair:
        if old.content_id not in self._known:
            self._known[old.content_id] = self._ruling(old)
        status, verdict, broken, spoke = self._known[old.content_id]
        return Pair(
            old.number, old.semver, status, verdict.status, self._rules.policy, verdict, broken, spoke
        )

    def _ruling(self, old: Older) -> "_Ruling":
        evolution, formats = self._demands.evolution, self._demands.formats
        status, verdict, broken = _judged(old.document, self._new, self._rules, formats=formats)
        if evolution and status != "incompatible" and (majors := needing_major(verdict.changes)):
            return "incompatible", verdict, majors, evolution
        return status, verdict, broken, self._rules.policy


_Ruling = tuple[Status, Verdict, tuple[Change, ...], str]


def direction_of(level: Level) -> Direction:
    """Of NONE, the direction that is shown although nothing depends on it."""
    return _DIRECTION.get(level.removesuffix("_TRANSITIVE"), "backward")


def world_of(policy: Policy) -> World:
    return "declared" if policy == Policy.DECLARED else "open"


def _judged(
    old: Document, new: Document, rules: Rules, *, formats: bool
) -> tuple[Status, Verdict, tuple[Change, ...]]:
    mode = direction_of(rules.level)
    verdict = compare(old, new, mode=mode, world=world_of(rules.policy), formats=formats)
    if rules.policy in {Policy.DECLARED, Policy.OPEN}:
        broken = tuple(change for change in verdict.changes if _breaks(change.breaks, mode))
        return verdict.status, verdict, broken if verdict.status == "incompatible" else ()
    changes = list(verdict.changes) if mode != "forward" else []
    if mode != "backward":
        changes += compare(new, old, mode="backward", world="open", formats=formats).changes
    broken = refused(changes, _CONFLUENT[rules.policy])
    return "incompatible" if broken else "compatible", verdict, broken


def _breaks(directions: Sequence[str], mode: Direction) -> bool:
    return bool(directions) if mode == "full" else mode in directions


class Bounded(Protocol):
    """A question that has to be answered in time."""

    @property
    def seconds_left(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Opinions:
    """What the judges found, and which of them had no time to finish."""

    findings: tuple[Finding, ...] = ()
    unfinished: tuple[str, ...] = ()


def second_opinions(proposal: Proposal) -> Opinions:
    """What every judge of settings.UPLOAD_JUDGES finds."""
    asked = _answers(settings.UPLOAD_JUDGES, proposal)
    late = [name for name, found in asked.items() if any(f.facts.get("finished") is False for f in found)]
    return Opinions(tuple(finding for found in asked.values() for finding in found), tuple(late))


@contextmanager
def only_looking(milliseconds: int) -> Iterator[None]:
    """A transaction in which nothing can be written and no statement takes longer."""
    nested = connection.in_atomic_block
    with transaction.atomic(), prepared.cursor() as cursor:
        cursor.execute(_ONLY_LOOK, [str(milliseconds)])
        yield
        # Nothing was written. A rollback gives an outer transaction its own settings back; it also ends all that is prepared.
        if nested:
            transaction.set_rollback(True)


_ONLY_LOOK = (
    "SELECT set_config('transaction_read_only', 'on', true), set_config('statement_timeout', %s, true)"
)
# The limit on statements is set anew when no more than this share of it is left.
_TELLING = 0.9


def _limit_statements(milliseconds: int) -> None:
    with prepared.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])


def opinions_of(judges: Sequence[str], proposal: Bounded) -> tuple[Finding, ...]:
    """What the judges with these dotted names find; each may read, and has to end in time."""
    return tuple(finding for found in _answers(judges, proposal).values() for finding in found)


def _answers(judges: Sequence[str], proposal: Bounded) -> dict[str, list[Finding]]:
    """One transaction for all; a statement that takes too long ends it, and those after get another."""
    answers: dict[str, list[Finding]] = {}
    while waiting := [name for name in judges if name not in answers]:
        try:
            limit = _milliseconds(proposal)
            with only_looking(limit):
                for name in waiting:
                    if (left := _milliseconds(proposal)) <= _TELLING * limit:
                        limit = left
                        _limit_statements(limit)
                    answers[name] = import_string(name)(proposal)
        except OperationalError as late:
            if "statement timeout" not in str(late):
                raise
            sentence = f"This judge was not finished within {settings.UPLOAD_JUDGE_SECONDS:g} s."
            name = next(name for name in waiting if name not in answers)
            answers[name] = [Finding(name, "info", sentence, {"finished": False})]
    return answers


def _milliseconds(proposal: Bounded) -> int:
    return max(1, int(proposal.seconds_left * 1000))
