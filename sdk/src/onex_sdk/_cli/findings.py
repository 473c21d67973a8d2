"""What there is to say about schemas, in a form that every output format can show."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from onex_sdk._cli.collection import SchemaFile
from onex_sdk._cli.exits import CLEAN, FINDINGS, IMPOSSIBLE

#: `error`: something is wrong; `open`: it could not be found out; `warning` and `note` change no exit status.
Severity = Literal["error", "open", "warning", "note"]

#: What each rule means, for the formats that want to know.
RULES = {
    "incompatible": "A reader would refuse what a writer may send",
    "undecided": "Neither proven nor refuted",
    "not-compared": "There was nothing to compare with that could be read",
    "invalid-json": "The file is no JSON",
    "invalid-schema": "The file is no JSON Schema",
    "open-world": "Only safe for writers that send what their schema declares",
    "removed": "A schema that was there is gone",
    "advice": "Something the author of the schema should know",
    "refused": "The registry refused the schema",
    "out-of-date": "The lock file says something else",
}


@dataclass(frozen=True)
class Place:
    """A sentence about one line."""

    sentence: str
    line: int = 1
    column: int = 1

    @classmethod
    def at(cls, file: SchemaFile, pointer: str, sentence: str) -> Place:
        return cls(sentence, *file.schema.place(pointer))


@dataclass(frozen=True)
class Finding:
    rule: str
    severity: Severity
    file: str
    subject: str
    #: What is wrong and where.
    place: Place
    #: Who accepts and who refuses the witness, and the witness as JSON.
    shown: str = ""
    witness: str | None = None
    #: What the refusing side says about the witness.
    because: tuple[str, ...] = ()
    #: Further places of the same.
    also: tuple[Place, ...] = ()

    @property
    def message(self) -> str:
        """Everything in one text of several lines."""
        lines = [self.place.sentence]
        if self.witness is not None:
            lines.append(f"{self.shown}: {self.witness}")
        return "\n".join([*lines, *(f"  {reason}" for reason in self.because)])

    def as_dict(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "severity": self.severity,
            "file": self.file,
            "line": self.place.line,
            "column": self.place.column,
            "subject": self.subject,
            "sentence": self.place.sentence,
            "shown": self.shown or None,
            "witness": None if self.witness is None else json.loads(self.witness),
            "because": list(self.because),
            "also": [vars(place) for place in self.also],
        }


@dataclass(frozen=True)
class Outcome:
    """What was found out about one schema. `status` is one word: `compatible`, `new`, `unchanged`, `incompatible` …"""

    file: str
    subject: str
    status: str
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, file: SchemaFile, status: str, findings: Iterable[Finding] = ()) -> Outcome:
        return cls(file.path, file.subject, status, tuple(findings))


@dataclass(frozen=True)
class Report:
    """All that one run found out. `command` is what ran: `check`; `against` what was compared with."""

    command: str
    outcomes: tuple[Outcome, ...]
    against: str = ""
    #: Where the project is in its repository, as `service/`: services that show findings want paths from there.
    folder: str = ""

    @property
    def findings(self) -> list[Finding]:
        return [finding for outcome in self.outcomes for finding in outcome.findings]

    @property
    def counts(self) -> Counter[str]:
        return Counter(outcome.status for outcome in self.outcomes)

    @property
    def exit_status(self) -> int:
        """What is known to be wrong weighs more than what is not known."""
        severities = {finding.severity for finding in self.findings}
        return FINDINGS if "error" in severities else IMPOSSIBLE if "open" in severities else CLEAN

    def strict(self) -> Report:
        """The same with warnings as errors."""
        raised = [
            replace(
                outcome,
                findings=tuple(
                    replace(finding, severity="error") if finding.severity == "warning" else finding
                    for finding in outcome.findings
                ),
            )
            for outcome in self.outcomes
        ]
        return replace(self, outcomes=tuple(raised))


def written(instance: Any) -> str:
    """A witness on one line."""
    return json.dumps(instance, ensure_ascii=False)
