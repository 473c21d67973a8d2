"""`onex replay`: play stored events again."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from onex_sdk._cli.event_filters import filter_options, query_of
from onex_sdk._cli.exits import CLEAN, FINDINGS
from onex_sdk._cli.options import finished, json_option, server_of, url_option
from onex_sdk._cli.project import Project, read_text
from onex_sdk._cli.server import Server, path

_EVERY_SECONDS = 0.5
_ENDED = frozenset({"completed", "cancelled", "failed"})


@click.command(short_help="Play stored events again.")
@filter_options
@click.option("--descendants", is_flag=True, help="With a correlation: what it started, too.")
@click.option("--to", "webhook", metavar="URL", help="Send each event there.")
@click.option("--to-subject", metavar="SUBJECT", help="Judge each by the latest version of this subject.")
@click.option("--to-schema", metavar="FILE", help="Judge each by this schema, which is no version yet.")
@click.option(
    "--to-ingest", is_flag=True, help="Judge each by today's rules and store it again, as a marked copy."
)
@click.option("--speed", default="1", show_default=True, help="A multiplier, or `max`.")
@click.option("--max-gap", type=float, help="Cut idle stretches that are longer than so many seconds.")
@click.option("--as", "read_as", help="Play events as this version of their subject.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be played, and start nothing.")
@click.option("--detach", is_flag=True, help="Print the run's id and leave it to the server.")
@click.option("--cancel", metavar="ID", help="End a run that goes on.")
@url_option
@json_option
def replay(
    *, url: str | None, as_json: bool, only_plan: bool, detach: bool, cancel: str | None, **asked: Any
) -> None:
    """Play stored events again, in their order and at their distances.

    Which: --correlation, --trace, or any of the other filters. Without a target nothing leaves the server. Exit status 1
    when an event failed on the way, or would be refused.
    """
    with server_of(Project.here(), url) as server:
        if cancel:
            server.post(path("replays", cancel, "cancel"), {})
            click.echo(f"Cancelled {cancel}.")
            finished(CLEAN)
        body = _body(asked)
        if only_plan:
            _show_plan(server.post("/replays/plan", body), as_json=as_json)
            finished(CLEAN)
        run = server.post("/replays", body)
        if detach:
            click.echo(run["id"])
            finished(CLEAN)
        finished(_followed(server, run, as_json=as_json))


def _body(asked: dict[str, Any]) -> dict[str, Any]:
    filters = query_of(asked)
    correlation, trace = filters.pop("correlation_id", ""), filters.pop("trace_id", "")
    if not (correlation or trace or filters):
        raise click.UsageError("Which events? Say --correlation, --trace, or another filter.")
    body = {
        "correlation_id": correlation,
        "trace_id": trace,
        "query": filters,
        "speed": _speed(asked["speed"]),
    }
    more = {"descendants": asked["descendants"], "max_gap": asked["max_gap"], "as": asked["read_as"] or ""}
    return {**body, **more, **_target(asked)}


def _speed(said: str) -> float | str:
    if said == "max":
        return said
    try:
        return float(said)
    except ValueError:
        raise click.UsageError(f"--speed is a number or `max`, not {said!r}.") from None


def _target(asked: dict[str, Any]) -> dict[str, Any]:
    targets = {
        "webhook": {"target": asked["webhook"]},
        "to_subject": {"to": "schema", "subject": asked["to_subject"], "version": "latest"},
        "to_schema": {"to": "schema", "schema": _schema(asked["to_schema"])},
        "to_ingest": {"to": "ingest"},
    }
    chosen = [targets[name] for name in targets if asked[name]]
    if len(chosen) > 1:
        raise click.UsageError("One target at a time: --to, --to-subject, --to-schema or --to-ingest.")
    return chosen[0] if chosen else {}


def _schema(file: str | None) -> str:
    return read_text(Path(file)) if file else ""


def _show_plan(plan: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(plan, indent=2, ensure_ascii=False))
        return
    click.echo(
        f"{plan['total']} events, in the order of {plan['order']}, {plan['seconds']:.1f} s at this speed"
    )
    click.echo(f"from {plan['began']} to {plan['ended']}: {', '.join(plan['event_types'])}")
    if plan["skipped"]:
        click.echo(f"{plan['skipped']:.1f} s of idle time are cut")
    missing = {name: count for name, count in (plan["missing"] or {}).items() if count}
    if missing:
        click.echo(f"missing: {json.dumps(missing, ensure_ascii=False)}")


def _followed(server: Server, run: dict[str, Any], *, as_json: bool) -> int:
    """Waits for the end, with a bar, and says what became of the events."""
    identity = run["id"]
    if not as_json:
        click.echo(f"Replay {identity}: {run['total']} events. {server.url}/replays/{identity}", err=True)
    try:
        run = _waited(server, run)
    except KeyboardInterrupt:
        click.echo(f"\nIt goes on without you; `onex replay --cancel {identity}` ends it.", err=True)
        raise
    outcomes = server.get(path("replays", identity, "outcomes"))
    if as_json:
        click.echo(json.dumps({"replay": run, "outcomes": outcomes}, indent=2, ensure_ascii=False))
    else:
        counted = ", ".join(f"{count} {name}" for name, count in outcomes["counts"].items())
        click.echo(f"{run['state']}: {counted or 'no event was played'}")
        for cause in outcomes["causes"]:
            click.echo(f"    {cause['count']} × {cause['event_type']} {cause['place']}: {cause['message']}")
        if run["problem"]:
            click.echo(f"    {run['problem']}")
    return CLEAN if run["state"] == "completed" and not run["failed"] else FINDINGS


def _waited(server: Server, run: dict[str, Any]) -> dict[str, Any]:
    with click.progressbar(
        length=max(run["total"], 1), label="Playing", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        while run["state"] not in _ENDED:
            time.sleep(_EVERY_SECONDS)
            before, run = run, server.get(path("replays", run["id"]))["replay"]
            bar.update(run["done"] - before["done"])
    return run
