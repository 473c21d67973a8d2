"""`onex emit`: send events by hand, and see what the registry says about each."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from onex_sdk._cli.exits import CLEAN, FINDINGS, WrongUsage
from onex_sdk._cli.options import finished, json_option, server_of, url_option, with_progress
from onex_sdk._cli.project import Project, read_text
from onex_sdk._events import EventResult, result_of

_BATCH = 500
_FINE = frozenset({"stored", "duplicate"})


@click.command(short_help="Send events by hand.")
@click.argument("event_type", required=False)
@click.argument("metadata", required=False)
@click.option(
    "--events",
    metavar="FILE",
    help="Send whole events instead, one a line (NDJSON); `-` is standard input.",
)
@click.option("--schema-version", help="The version that the metadata is written for.")
@click.option("--node", help="Who speaks. [onex-cli-HOST]")
@click.option("--correlation", help="The chain of work that the event belongs to.")
@url_option
@json_option
def emit(
    *,
    event_type: str | None,
    metadata: str | None,
    events: str | None,
    url: str | None,
    as_json: bool,
    **envelope: str | None,
) -> None:
    """Send an event of EVENT_TYPE with METADATA: JSON, `@file`, or `-` for standard input.

    Exit status 1 when the registry has something to say against an event.
    """
    if bool(event_type) == bool(events):
        raise click.UsageError("Say an EVENT_TYPE, or --events FILE.")
    lines = _lines(events) if events else [_line(str(event_type), metadata, envelope)]
    results: list[EventResult] = []
    with server_of(Project.here(), url) as server:
        batches = [lines[begin : begin + _BATCH] for begin in range(0, len(lines), _BATCH)]
        for number, batch in enumerate(with_progress(batches, "Sending")):
            answer = server.send("/events", b"\n".join(batch), "application/x-ndjson")
            results += [_numbered(result, number * _BATCH) for result in result_of(answer).results]
    for line in _told(results, as_json=as_json, every=not events):
        click.echo(line)
    finished(CLEAN if all(result.status in _FINE for result in results) else FINDINGS)


def _line(event_type: str, metadata: str | None, envelope: dict[str, str | None]) -> bytes:
    event: dict[str, Any] = {
        "event_id": str(uuid4()),
        "timestamp": datetime.now(timezone.utc).isoformat(),
        "node_id": envelope["node"] or f"onex-cli-{socket.gethostname()}",
        "event_type": event_type,
        "correlation_id": envelope["correlation"],
        "schema_version": envelope["schema_version"],
    }
    written = {name: value for name, value in event.items() if value is not None}
    # The metadata's own text goes along, so that its numbers stay as written.
    head = json.dumps(written, ensure_ascii=False)
    return f'{head[:-1]}, "metadata": {_metadata(metadata)}}}'.encode()


def _metadata(given: str | None) -> str:
    if given is None:
        return "null"
    text = (
        sys.stdin.read() if given == "-" else read_text(Path(given[1:])) if given.startswith("@") else given
    )
    try:
        json.loads(text)
    except ValueError as bad:
        raise WrongUsage(f"METADATA is not JSON: {bad}") from bad
    return " ".join(text.splitlines())


def _lines(name: str) -> list[bytes]:
    text = sys.stdin.read() if name == "-" else read_text(Path(name))
    lines = [line.encode() for line in text.split("\n") if line.strip()]
    if not lines:
        raise WrongUsage(f"There are no events in {name}.")
    return lines


def _numbered(result: EventResult, before: int) -> EventResult:
    return EventResult(
        result.index + before, result.event_id, result.status, result.schema_version, result.errors
    )


def _told(results: list[EventResult], *, as_json: bool, every: bool) -> Iterator[str]:
    """Each result where there is one; of many those that are not fine, and the counts."""
    for result in results:
        if as_json:
            yield json.dumps(
                {**vars(result), "errors": [vars(error) for error in result.errors]}, ensure_ascii=False
            )
        elif every or result.status not in _FINE:
            colour = "green" if result.status in _FINE else "red"
            where = "" if every else f"line {result.index + 1}: "
            version = f" (version {result.schema_version})" if result.schema_version else ""
            yield f"{where}{click.style(result.status, fg=colour)} {result.event_id or ''}{version}"
            yield from (
                f"    {error.pointer or '(root)'}: {error.message} [{error.code}]" for error in result.errors
            )
    if not as_json and not every:
        statuses = [result.status for result in results]
        counted = ", ".join(f"{statuses.count(status)} {status}" for status in sorted(set(statuses)))
        yield f"{len(results)} events: {counted}"
