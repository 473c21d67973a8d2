"""`onex tail`: events as they come in."""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator
from itertools import islice
from typing import Any

import click

from onex_sdk._cli.event_filters import filter_options, query_of, told
from onex_sdk._cli.options import server_of, url_option
from onex_sdk._cli.project import Project
from onex_sdk._cli.server import Server
from onex_sdk._cli.server_sent import messages
from onex_sdk._errors import Unavailable

_EVENT_STREAM = "text/event-stream"
_EVERY_SECONDS = 2.0


@click.command(short_help="Events as they come in.")
@filter_options
@click.option("--from", "position", type=int, help="Go on behind this position of the log, instead of now.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many events.")
@click.option("--json", "as_json", is_flag=True, help="What the registry knows of each, one a line.")
@url_option
def tail(*, position: int | None, limit: int | None, as_json: bool, url: str | None, **filters: Any) -> None:
    """Show events as they come in, until Ctrl-C."""
    with server_of(Project.here(), url) as server:
        if not as_json:
            click.echo(f"Following {server.url}. Ctrl-C ends it.", err=True)
        news = _followed(server, query_of(filters), position)
        for item in islice(news, limit):
            click.echo(json.dumps(item, ensure_ascii=False) if as_json else told(item))


def _followed(server: Server, wanted: dict[str, str], position: int | None) -> Iterator[dict[str, Any]]:
    """Events for ever. A stream ends after some minutes, and where there is no room for one, the server is asked again."""
    place: Any = position
    while True:
        place = yield from _portion(server, wanted, place)


def _portion(server: Server, wanted: dict[str, str], place: Any) -> Generator[dict[str, Any], None, Any]:
    """What one stream tells, or one question; gives back the place from which to go on."""
    try:
        for kind, number, data in _streamed(server, {**wanted, "from": place}):
            place = number if number is not None else place
            if kind == "event":
                yield json.loads(data)
            elif kind == "skipped":
                click.echo(f"… {json.loads(data)['count']} more came at once", err=True)
    except Unavailable as full:
        asked = server.get("/events/tail", {**wanted, "from": place})
        yield from asked["items"]
        time.sleep(full.retry_after or _EVERY_SECONDS)
        return asked["position"]
    return place


def _streamed(server: Server, wanted: dict[str, Any]) -> Iterator[tuple[str, str | None, str]]:
    with server.lines("/events/tail", wanted, accept=_EVENT_STREAM) as lines:
        yield from messages(lines)
