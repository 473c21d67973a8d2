"""The output formats: one function each, from a report to a text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import click

from onex_sdk._cli.exits import IMPOSSIBLE
from onex_sdk._cli.findings import RULES, Finding, Outcome, Place, Report
from onex_sdk._report import sdk_version

_COLOURS = {"error": "red", "open": "yellow", "warning": "yellow", "note": "cyan"}
_WORDS = {"error": "error", "open": "not known", "warning": "warning", "note": "note"}
_SARIF_LEVELS = {"error": "error", "open": "warning", "warning": "warning", "note": "note"}
_GITHUB_COMMANDS = {"error": "error", "open": "error", "warning": "warning", "note": "notice"}
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_text(report: Report) -> str:
    """For people. Colours go where the output is no terminal."""
    lines = [line for finding in report.findings for line in _lines(finding)]
    return "\n".join([*lines, _summary(report)])


def _lines(finding: Finding) -> Iterator[str]:
    word = click.style(_WORDS[finding.severity], fg=_COLOURS[finding.severity], bold=True)
    place = f"{finding.file}:{finding.place.line}:{finding.place.column}"
    yield f"{click.style(place, bold=True)}: {word}: {finding.subject}: {finding.place.sentence}"
    if finding.witness is not None:
        yield f"    {finding.shown}: {click.style(finding.witness, bold=True)}"
    yield from (f"        {reason}" for reason in finding.because)
    yield from (f"    also line {place.line}: {place.sentence}" for place in finding.also)


def _summary(report: Report) -> str:
    total = len(report.outcomes)
    counted = ", ".join(f"{count} {status}" for status, count in report.counts.most_common())
    word = "to" if report.command == "push" else "against"
    against = f" {word} {report.against}" if report.against else ""
    return f"{total} schema{'' if total == 1 else 's'}{against}: {counted or 'nothing to do'}"


def as_json(report: Report) -> str:
    return json.dumps(
        {
            "command": report.command,
            "against": report.against or None,
            "exit_status": report.exit_status,
            "counts": dict(report.counts),
            "schemas": [
                {"file": one.file, "subject": one.subject, "status": one.status} for one in report.outcomes
            ],
            "findings": [finding.as_dict() for finding in report.findings],
        },
        indent=2,
        ensure_ascii=False,
    )


def as_junit(report: Report) -> str:
    """One test case for each schema; what is not known is an error, what is wrong a failure."""
    suite = ET.Element(
        "testsuite",
        name=f"onex {report.command}",
        tests=str(len(report.outcomes)),
        failures=str(sum(_has(outcome, "error") for outcome in report.outcomes)),
        errors=str(sum(_has(o, "open") and not _has(o, "error") for o in report.outcomes)),
    )
    for outcome in report.outcomes:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_xml(outcome.file),
            name=_xml(outcome.subject),
            file=_xml(outcome.file),
        )
        _fill_case(case, outcome)
    ET.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suite, encoding="unicode")


def _fill_case(case: ET.Element, outcome: Outcome) -> None:
    told = []
    for finding in outcome.findings:
        text = f"{finding.file}:{finding.place.line}: {finding.message}"
        kind = {"error": "failure", "open": "error"}.get(finding.severity)
        if kind:
            element = ET.SubElement(case, kind, message=_xml(finding.place.sentence), type=finding.rule)
            element.text = _xml(text)
        else:
            told.append(text)
    if told:
        ET.SubElement(case, "system-out").text = _xml("\n".join(told))


def _has(outcome: Outcome, severity: str) -> bool:
    return any(finding.severity == severity for finding in outcome.findings)


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)


def as_sarif(report: Report) -> str:
    """SARIF 2.1.0, as code scanning services take it."""
    used = sorted({finding.rule for finding in report.findings})
    driver = {
        "name": "onex",
        "version": sdk_version(),
        "rules": [{"id": rule, "shortDescription": {"text": RULES[rule]}} for rule in used],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {"executionSuccessful": report.exit_status != IMPOSSIBLE, "exitCode": report.exit_status}
        ],
        "results": [_result(finding, used.index(finding.rule), report.folder) for finding in report.findings],
    }
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _result(finding: Finding, rule: int, folder: str) -> dict[str, Any]:
    file = folder + finding.file
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": _SARIF_LEVELS[finding.severity],
        "message": {"text": f"{finding.subject}: {finding.message}"},
        "locations": [_location(file, finding.place)],
        "properties": {"subject": finding.subject},
    }
    if finding.also:
        result["relatedLocations"] = [
            {**_location(file, place), "id": number, "message": {"text": place.sentence}}
            for number, place in enumerate(finding.also, 1)
        ]
    return result


def _location(file: str, place: Place) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(file), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    }


def as_github(report: Report) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    lines = []
    for finding in report.findings:
        command = _GITHUB_COMMANDS[finding.severity]
        title, file = f"{finding.subject}: {RULES[finding.rule]}", report.folder + finding.file
        lines.append(_command(command, file, finding.place, title, finding.message))
        lines += [_command(command, file, place, title, place.sentence) for place in finding.also]
    return "\n".join([*lines, _summary(report)])


def _command(command: str, file: str, place: Place, title: str, message: str) -> str:
    facts = {"file": file, "line": place.line, "col": place.column, "title": title}
    told = ",".join(f"{name}={_property(str(value))}" for name, value in facts.items())
    return f"::{command} {told}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: dict[str, Callable[[Report], str]] = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
    "sarif": as_sarif,
    "github": as_github,
}
