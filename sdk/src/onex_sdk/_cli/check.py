"""`onex check`: would the change break anybody?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from onex_sdk._cli.collection import Collection, SchemaFile
from onex_sdk._cli.findings import Finding, Outcome, Place, Report
from onex_sdk._cli.judging import Rules, broken, compared, unreadable_now
from onex_sdk._cli.older import SERVER, older
from onex_sdk._cli.options import report_options, server_of, shown, url_option, with_progress
from onex_sdk._cli.project import Project
from onex_sdk._cli.publishing import whole_body_of
from onex_sdk._cli.server import Server, path
from onex_sdk._cli.verdicts import verdicts
from onex_sdk._errors import Refused

_INVALID = {42201: "invalid-schema"}


@click.command(short_help="Would the change break anybody?")
@click.argument("paths", nargs=-1)
@click.option(
    "--against",
    metavar="WHAT",
    help="A git revision, a file, a folder, or `server`. [onex.toml, or HEAD]",
)
@click.option(
    "--level",
    type=click.Choice(["backward", "forward", "full"]),
    help="Who has to be able to read whom. [onex.toml, or backward]",
)
@click.option(
    "--world",
    type=click.Choice(["declared", "open"]),
    help="Whether writers send only what their schema declares. [onex.toml, or declared]",
)
@click.option(
    "--formats/--no-formats", default=None, help="Whether `format` is asserted. [onex.toml, or not]"
)
@click.option(
    "--accept-undecided", is_flag=True, help="Warn where nothing can be proven, instead of exit status 3."
)
@url_option
@report_options
def check(
    *,
    paths: tuple[str, ...],
    against: str | None,
    url: str | None,
    output_format: str,
    output: Path | None,
    strict: bool,
    **rules: Any,
) -> None:
    """Compare schemas with what they were, and show a counterexample for each that breaks.

    PATHS are schema files or folders; without any, all schemas of the project. Exit status: 0 nothing found, 1 findings,
    2 wrong usage, 3 could not be compared.
    """
    project = Project.here()
    everything, chosen = project.chosen(paths)
    against = against or project.settings.against
    if against == SERVER:
        outcomes, label = _by_server(project, url, everything, chosen)
    else:
        outcomes, label = _offline(project, against, everything, chosen, rules), against
    shown(
        Report("check", tuple(outcomes), label, folder=project.folder), output_format, output, strict=strict
    )


def _offline(
    project: Project, against: str, everything: Collection, chosen: list[SchemaFile], asked: dict[str, Any]
) -> list[Outcome]:
    judge = verdicts()
    said = project.settings
    rules = Rules(
        level=asked["level"] or said.level,
        world=asked["world"] or said.world,
        formats=said.formats if asked["formats"] is None else asked["formats"],
        accept_undecided=asked["accept_undecided"],
    )
    old = older(project, against, chosen)
    outcomes = [compared(file, everything, old, judge, rules) for file in with_progress(chosen, "Comparing")]
    whole = old.complete and len(chosen) == len(everything.files)
    return [*outcomes, *(_removed(everything, old) if whole else ())]


def _removed(everything: Collection, old: Collection) -> Iterable[Outcome]:
    """What is in the older collection only: consumers may still want it, so it is worth a word."""
    for file in old.files:
        if file.subject not in everything.by_subject:
            place = Place(f"it was in {old.label} and is gone; what is registered stays registered")
            yield Outcome.of(file, "removed", [Finding("removed", "warning", file.path, file.subject, place)])


def _by_server(
    project: Project, url: str | None, everything: Collection, chosen: list[SchemaFile]
) -> tuple[list[Outcome], str]:
    """The registry's own verdicts: its level, its policy, every version that these name."""
    with server_of(project, url) as server:
        outcomes = [
            unreadable_now(file, everything) or judged_by(server, file, everything)
            for file in with_progress(chosen, "Asking")
        ]
        return outcomes, server.url


def judged_by(server: Server, file: SchemaFile, everything: Collection) -> Outcome:
    """What uploading the schema would come to, as the compatibility address says it."""
    try:
        answer = server.post(
            path("compatibility", "subjects", file.subject, "versions"),
            whole_body_of(file, everything),
            {"verbose": True},
        )
    except Refused as refusal:
        return refused(file, refusal)
    if "details" not in answer:
        sentence = " ".join(answer.get("messages") or ["the registry refuses it"])
        place = Place(sentence)
        return Outcome.of(
            file, "invalid", [Finding("invalid-schema", "error", file.path, file.subject, place)]
        )
    return of_judgement(file, answer["details"])


def of_judgement(file: SchemaFile, judgement: dict[str, Any]) -> Outcome:
    """The registry's judgement as findings: one for each older version that says no."""
    findings = []
    for pair in judgement["against"]:
        label = f"version {pair['version']} ({pair['semver']})"
        if pair["status"] == "incompatible":
            own = [change for change in judgement["changes"] if pair["version"] in change["against"]]
            findings.append(broken(file, label, pair, own))
        elif pair["status"] == "undecided":
            sentence = f"neither proven nor refuted against {label}: {pair['proof']}"
            findings.append(Finding("undecided", "open", file.path, file.subject, Place(sentence)))
    findings += [
        Finding(
            "advice", "warning", file.path, file.subject, Place(f"{found['sentence']} [{found['judge']}]")
        )
        for found in judgement["findings"]
        if found["severity"] != "info"
    ]
    status = "new" if judgement["status"] == "first" else judgement["status"]
    return Outcome.of(file, status, findings)


def refused(file: SchemaFile, refusal: Refused) -> Outcome:
    """A refusal of the registry: with its judgement where that is the reason. Raises it where it is not about the schema."""
    if "against" in refusal.details and "changes" in refusal.details:
        return of_judgement(file, dict(refusal.details))
    if refusal.status not in {409, 422}:
        raise refusal
    pointer = refusal.details.get("pointer")
    sentence = str(refusal)
    at = Place.at(file, pointer, sentence) if isinstance(pointer, str) else Place(sentence)
    rule = _INVALID.get(refusal.error_code, "refused")
    return Outcome.of(file, "refused", [Finding(rule, "error", file.path, file.subject, at)])
