"""`python -m compat old.json new.json`: ask for a verdict from the command line.

Exit status: 0 compatible, 1 incompatible, 2 wrong usage or not a schema, 3 undecided.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from compat import SchemaError, Verdict, check

_EXIT = {"compatible": 0, "incompatible": 1, "undecided": 3}
_USAGE = 2
_COLOURS = {"compatible": "32", "incompatible": "31", "undecided": "33"}


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        old, new = _read(options.old), _read(options.new)
        verdict = check(
            old, new, mode=options.mode, world=options.world, dialect=options.dialect, budget=options.budget
        )
    except (OSError, ValueError, SchemaError) as problem:
        print(f"compat: {problem}", file=sys.stderr)
        return _USAGE
    print(
        json.dumps(verdict.as_dict(), indent=2)
        if options.format == "json"
        else _text(verdict, sys.stdout.isatty())
    )
    return _EXIT[verdict.status]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m compat", description="Is every instance of old one of new?"
    )
    parser.add_argument("old", type=Path, help="the older schema, a JSON file")
    parser.add_argument("new", type=Path, help="the newer schema, a JSON file")
    parser.add_argument("--mode", choices=["backward", "forward", "full"], default="backward")
    parser.add_argument("--world", choices=["open", "declared"], default="open")
    parser.add_argument("--dialect", help="dialect of schemas without $schema (draft-07 otherwise)")
    parser.add_argument("--budget", type=int, help="steps before the answer is 'undecided'")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    return parser


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"{path} is not JSON: {problem}") from problem


def _text(verdict: Verdict, colour: bool) -> str:  # noqa: FBT001 -- isatty's answer
    status = f"\033[1;{_COLOURS[verdict.status]}m{verdict.status}\033[0m" if colour else verdict.status
    lines = [f"{status} ({verdict.mode}, {verdict.world} world)"]
    if verdict.proof:
        lines.append(f"  {verdict.proof}")
    if verdict.witness is not None:
        lines.append(
            f"  witness ({verdict.direction}): {json.dumps(verdict.witness.instance, ensure_ascii=False)}"
        )
        lines += [f"    {error.pointer or '(root)'}: {error.message}" for error in verdict.witness.errors]
    if verdict.open_world_risk is not None:
        risk = verdict.open_world_risk
        lines.append(f"  at risk: writers that already send an undeclared {risk.property!r}, such as")
        lines.append(f"    {json.dumps(risk.witness.instance, ensure_ascii=False)}")
    if verdict.changes:
        lines.append("  changes:")
    lines += [
        f"    {'·' if change.harmless else '!'} {change.sentence} [{change.kind}]"
        for change in verdict.changes
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
