"""`python -m compat old.json new.json`: ask for a verdict from the command line.

`python -m compat v1.json v2.json v3.json new.json --mode backward_transitive` compares with all older versions,
`python -m compat --pairs pairs.jsonl` judges one pair per line: {"old": …, "new": …}, and "dialect" and "id" if wanted.
Exit status: 0 compatible, 1 incompatible, 2 wrong usage or not a schema, 3 undecided; of many the worst.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from compat import SchemaError, check, check_history, rule
from compat.policies import POLICIES
from compat.report import Report, as_text

_MODES = ["backward", "forward", "full"]
_BAR = 30


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if bool(options.schemas) == bool(options.pairs) or len(options.schemas) == 1:
        parser.error("give an older schema and a newer one, or --pairs FILE")
    if options.policy and (options.pairs or len(options.schemas) > 2 or options.mode not in _MODES):
        parser.error("--policy judges one pair, in one of the modes that are not transitive")
    if options.pairs and options.mode not in _MODES:
        parser.error("a line of --pairs is one pair: its mode is backward, forward or full")
    try:
        reports = _judged_lines(options) if options.pairs else [_judged_files(options)]
        return _written(reports, options)
    except (OSError, ValueError, SchemaError) as problem:
        print(f"compat: {problem}", file=sys.stderr)
        return Report.USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m compat", description="Is every instance of the older schema one of the newer?"
    )
    parser.add_argument(
        "schemas", nargs="*", type=Path, help="JSON files: older versions, oldest first, then the new"
    )
    parser.add_argument("--pairs", help="JSON lines with old and new, '-' for standard input")
    parser.add_argument(
        "--mode", choices=[*_MODES, *(f"{mode}_transitive" for mode in _MODES)], default="backward"
    )
    parser.add_argument("--world", choices=["open", "declared"], default="open")
    parser.add_argument("--policy", choices=list(POLICIES), help="judge as a Confluent registry does")
    parser.add_argument("--dialect", help="dialect of schemas without $schema (draft-07 otherwise)")
    parser.add_argument(
        "--formats", action="store_true", help="assert `format`, which is an annotation otherwise"
    )
    parser.add_argument("--budget", type=int, help="steps before the answer is 'undecided'")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    return parser


def _judged_files(options: argparse.Namespace) -> Report:
    *older, new = [_read(path) for path in options.schemas]
    if options.policy:
        ruling = rule(older[0], new, policy=options.policy, mode=options.mode, dialect=options.dialect)
        return Report.of_ruling(ruling)
    names = [str(path) for path in options.schemas[:-1]]
    asked = {name: getattr(options, name) for name in ("world", "dialect", "budget", "formats")}
    if len(older) == 1 and options.mode in _MODES:
        return Report.of_verdict(check(older[0], new, mode=options.mode, **asked))
    history = check_history(dict(zip(names, older, strict=True)), new, mode=options.mode, **asked)
    return Report.of_history(history)


def _judged_lines(options: argparse.Namespace) -> Iterator[Report]:
    text = sys.stdin.read() if options.pairs == "-" else Path(options.pairs).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        _show_progress(number, len(lines))
        yield _judged_line(line, number, options)


def _judged_line(line: str, number: int, options: argparse.Namespace) -> Report:
    label = str(number)
    try:
        row = json.loads(line)
        label = str(row.get("id", number))
        dialect = row.get("dialect", options.dialect)
        verdict = check(
            row["old"], row["new"],
            mode=options.mode, world=options.world, dialect=dialect, budget=options.budget, formats=options.formats,
        )  # fmt: skip
    except KeyError as missing:
        return Report.of_problem(f"there is no {missing}", label)
    except (AttributeError, TypeError, ValueError, RecursionError, SchemaError) as problem:
        return Report.of_problem(str(problem), label)
    return Report.of_verdict(verdict, label)


def _show_progress(number: int, total: int) -> None:
    """On a terminal only; the answers themselves go to standard output."""
    if sys.stderr.isatty():
        done = _BAR * number // total
        end = "\n" if number == total else ""
        print(f"\r[{'█' * done}{' ' * (_BAR - done)}] {number}/{total}", end=end, file=sys.stderr, flush=True)


def _written(reports: Iterator[Report] | list[Report], options: argparse.Namespace) -> int:
    worst = 0
    for report in reports:
        worst = max(worst, report.exit_status, key=Report.BADNESS.index)
        if options.format == "text":
            print(as_text(report, colour=sys.stdout.isatty(), brief=bool(options.pairs)))
        else:
            print(json.dumps(report.answer, indent=None if options.pairs else 2))
    return worst


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"{path} is not JSON: {problem}") from problem


if __name__ == "__main__":
    sys.exit(main())
