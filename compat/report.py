"""Verdicts as the command prints them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from compat.history import HistoryVerdict
from compat.policies import Ruling
from compat.verdict import Verdict

_COLOURS = {"compatible": "32", "incompatible": "31", "undecided": "33", "error": "31"}


@dataclass(frozen=True)
class Report:
    """One answer of the command."""

    #: Not a schema, or not what was asked for.
    USAGE: ClassVar[int] = 2
    #: Exit statuses from best to worst.
    BADNESS: ClassVar[tuple[int, ...]] = (0, 3, 1, 2)

    status: str
    answer: dict[str, Any]
    label: str | None = None

    @property
    def exit_status(self) -> int:
        return {"compatible": 0, "incompatible": 1, "undecided": 3}.get(self.status, Report.USAGE)

    @classmethod
    def of_verdict(cls, verdict: Verdict, label: str | None = None) -> Report:
        answer = verdict.as_dict()
        return cls(verdict.status, answer if label is None else {"id": label, **answer}, label)

    @classmethod
    def of_history(cls, verdict: HistoryVerdict) -> Report:
        return cls(verdict.status, verdict.as_dict())

    @classmethod
    def of_ruling(cls, ruling: Ruling) -> Report:
        return cls("compatible" if ruling.compatible else "incompatible", ruling.as_dict())

    @classmethod
    def of_problem(cls, message: str, label: str) -> Report:
        return cls("error", {"id": label, "status": "error", "message": message}, label)


def as_text(report: Report, *, colour: bool, brief: bool) -> str:
    """For people; `brief` is one line for one of many pairs."""
    status = f"\033[1;{_COLOURS[report.status]}m{report.status}\033[0m" if colour else report.status
    if brief:
        return f"{report.label}: {status}{_evidence(report.answer)}"
    answer = report.answer
    if "pairs" in answer:
        lines = [f"{status} ({answer['mode']}, {answer['world']} world)"]
        for pair in answer["pairs"]:
            lines += [f"against {pair['older']}: {pair['status']}", *_details(pair)]
        return "\n".join(lines)
    if "policy" in answer:
        lines = [f"{status} under {answer['policy']}"]
        lines += [f"  refused: {change['sentence']} [{change['kind']}]" for change in answer["refused"]]
        lines += [f"  {answer['disagreement']}"] if answer["disagreement"] else []
        return "\n".join(
            [*lines, f"by instances: {answer['verdict']['status']}", *_details(answer["verdict"])]
        )
    return "\n".join([f"{status} ({answer['mode']}, {answer['world']} world)", *_details(answer)])


def _evidence(answer: dict[str, Any]) -> str:
    if answer.get("witness"):
        return f" {json.dumps(answer['witness']['instance'], ensure_ascii=False)}"
    return f" ({answer['message']})" if "message" in answer else ""


def _details(answer: dict[str, Any]) -> list[str]:
    lines = [f"  {answer['proof']}"] if answer["proof"] else []
    if answer["witness"] is not None:
        instance = json.dumps(answer["witness"]["instance"], ensure_ascii=False)
        lines.append(f"  witness ({answer['direction']}): {instance}")
        errors = answer["witness"]["errors"]
        lines += [f"    {error['pointer'] or '(root)'}: {error['message']}" for error in errors]
    risk = answer["open_world_risk"]
    if risk is not None:
        lines.append(f"  at risk: writers that already send an undeclared {risk['property']!r}, such as")
        lines.append(f"    {json.dumps(risk['witness']['instance'], ensure_ascii=False)}")
    if answer["changes"]:
        lines.append("  changes:")
    lines += [
        f"    {'!' if change['breaks'] else '·'} {change['sentence']} [{change['kind']}]"
        for change in answer["changes"]
    ]
    return lines
