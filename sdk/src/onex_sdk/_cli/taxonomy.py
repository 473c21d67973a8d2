"""`onex taxonomy`: error codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from onex_sdk._cli.exits import CLEAN, FINDINGS
from onex_sdk._cli.options import finished, json_option, server_of, url_option, write
from onex_sdk._cli.project import Project, read_text
from onex_sdk._cli.server import path
from onex_sdk._errors import Refused

_ABOUT_THE_DOCUMENT = frozenset({409, 422})


@click.group(short_help="Error codes: meanings, editions, enumerations.")
def taxonomy() -> None:
    """Error codes: what they mean, their editions, and code in other languages."""


@taxonomy.command("list")
@url_option
def list_them(*, url: str | None) -> None:
    """List the taxonomies."""
    with server_of(Project.here(), url) as server:
        for name in server.get("/taxonomies"):
            click.echo(name)


@taxonomy.command()
@click.argument("name")
@click.argument("text", required=False, metavar="[CODE]")
@click.option("--version", default="latest", show_default=True, help="Of this edition.")
@url_option
@json_option
def show(*, name: str, text: str | None, version: str, url: str | None, as_json: bool) -> None:
    """Show what a CODE means, in any of its spellings; without one, all codes of the taxonomy NAME."""
    with server_of(Project.here(), url) as server:
        if text:
            codes = [server.get(path("taxonomies", name, "codes", text), {"version": version})]
        else:
            codes = server.get(path("taxonomies", name, "codes"), {"version": version})
    if as_json:
        click.echo(json.dumps(codes[0] if text else codes, indent=2, ensure_ascii=False))
        return
    for code in codes:
        click.echo(f"{click.style(code['long'], bold=True)}  {code['severity']}  {code['meaning']}")
        if text:
            _show_facts(code)


def _show_facts(code: dict[str, Any]) -> None:
    for name in (
        "description",
        "recoverable",
        "http_status",
        "exit_code",
        "since",
        "deprecated",
        "replaced_by",
    ):
        if code.get(name) not in (None, ""):
            click.echo(f"    {name.replace('_', ' ')}: {code[name]}")


@taxonomy.command()
@click.argument("name")
@click.argument("texts", nargs=-1, required=True, metavar="CODE...")
@url_option
@json_option
def normalize(*, name: str, texts: tuple[str, ...], url: str | None, as_json: bool) -> None:
    """Say which code each CODE means, or what it resembles. Exit status 1 when one means none."""
    with server_of(Project.here(), url) as server:
        answer = server.post(path("taxonomies", name, "normalize"), {"codes": list(texts)})
    found = answer["results"] if isinstance(answer, dict) else answer
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for text, one in zip(texts, found, strict=True):
            candidates = ", ".join(candidate["code"] for candidate in one.get("candidates") or ())
            unknown = f"unknown{'; perhaps ' + candidates if candidates else ''}"
            click.echo(f"{text}: {one['code']} ({one['how']})" if one["code"] else f"{text}: {unknown}")
    finished(CLEAN if all(one["code"] for one in found) else FINDINGS)


@taxonomy.command()
@click.argument("name")
@click.argument("old")
@click.argument("new", default="latest")
@url_option
def diff(*, name: str, old: str, new: str, url: str | None) -> None:
    """Say in words what changed between the editions OLD and NEW."""
    with server_of(Project.here(), url) as server:
        answer = server.get(path("taxonomies", name, "diff"), {"from": old, "to": new})
    click.echo(
        f"{answer['taxonomy']} {answer['from']} → {answer['to']}: {answer['bump'] or 'nothing changed'}"
    )
    for change in answer["changes"]:
        click.echo(f"    {change['sentence']}")


@taxonomy.command()
@click.argument("name")
@click.option("--version", default="latest", show_default=True, help="This edition.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write into a file instead.")
@url_option
def pull(*, name: str, version: str, output: Path | None, url: str | None) -> None:
    """Fetch the document of an edition: YAML, or JSON where the file is called so."""
    form = "json" if output and output.suffix == ".json" else "yaml"
    with server_of(Project.here(), url) as server:
        text = server.ask("GET", path("taxonomies", name, "versions", version), {"format": form}).text
    _put(text, output)


@taxonomy.command()
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen, and publish nothing.")
@click.option("--note", default="", help="Why it changed; kept with the edition.")
@url_option
def push(*, name: str, file: Path, dry_run: bool, note: str, url: str | None) -> None:
    """Publish FILE, YAML or JSON, as the next edition of the taxonomy NAME."""
    kind = "application/json" if file.suffix == ".json" else "application/yaml"
    with server_of(Project.here(), url) as server:
        try:
            answer = server.send(
                path("taxonomies", name, "versions"),
                read_text(file).encode(),
                kind,
                {"dryRun": dry_run, "note": note},
            )
        except Refused as refusal:
            if refusal.status not in _ABOUT_THE_DOCUMENT:
                raise
            click.echo(f"{file}: {refusal}")
            finished(FINDINGS)
    done = "would become" if dry_run else "published as"
    click.echo(
        f"{file}: {done} {answer['version']}"
        if answer["created"]
        else f"{file}: is {answer['version']} already"
    )
    for told in [*answer["changes"], *answer["findings"]]:
        click.echo(f"    {told['sentence']}")


@taxonomy.command()
@click.argument("name")
@click.option("--language", type=click.Choice(["py", "ts", "go", "java"]), default="py", show_default=True)
@click.option("--version", default="latest", show_default=True, help="Of this edition.")
@click.option("--package", help="Go and Java: the package that the file is to be in.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write into a file instead.")
@url_option
def codegen(
    *, name: str, language: str, version: str, package: str | None, output: Path | None, url: str | None
) -> None:
    """Write the codes of an edition as an enumeration in another language."""
    address = path("taxonomies", name, "versions", version) + f"/codes.{language}"
    with server_of(Project.here(), url) as server:
        text = server.ask("GET", address, {"package": package}, accept="*/*").text
    _put(text, output)


def _put(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        write(output, text)
        click.echo(f"{output}: written")
