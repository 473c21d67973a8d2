"""`onex query`: find stored events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import click

from onex_sdk._cli.event_filters import filter_options, query_of, told
from onex_sdk._cli.options import server_of, url_option
from onex_sdk._cli.project import Project
from onex_sdk._cli.server import Server

_PAGE = 200


@click.command(short_help="Find stored events.")
@filter_options
@click.option("--as", "read_as", help="Read events as this version of their subject.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=20, show_default=True, help="So many; 0 for all."
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "events"]),
    default="text",
    show_default=True,
    help="`json`: what the registry knows of each; `events`: what the producer sent. Both one a line.",
)
@url_option
def query(*, read_as: str | None, limit: int, output_format: str, url: str | None, **filters: Any) -> None:
    """Find stored events, the newest first."""
    wanted = {**query_of(filters), "as": read_as}
    with server_of(Project.here(), url) as server:
        found = 0
        for item in islice(_items(server, wanted, limit or _PAGE), limit or None):
            click.echo(_shown(item, output_format))
            found += 1
    if not found and output_format == "text":
        click.echo("No stored event fits.", err=True)


def _items(server: Server, wanted: dict[str, Any], most: int) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = server.get("/events", {**wanted, "limit": min(most, _PAGE), "after": after})
        yield from page["items"]
        after = page.get("next")
        if not after:
            return


def _shown(item: dict[str, Any], output_format: str) -> str:
    if output_format == "text":
        return told(item)
    return json.dumps(item["event"] if output_format == "events" else item, ensure_ascii=False)
