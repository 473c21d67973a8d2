"""The filters that `query`, `tail` and `replay` share, and an event on one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--type", "event_type", help="Of this event type; `*` stands for any text."),
    click.option("--node", help="Of nodes whose name begins so."),
    click.option("--correlation", help="Of this chain of work."),
    click.option("--trace", help="Of this W3C trace."),
    click.option("--error-code", help="With this code of a taxonomy, in any spelling, or one below it."),
    click.option("--where", help="Whose fields fit: `metadata.amount >= 3 and metadata.note exists`."),
    click.option("--valid/--invalid", default=None, help="Without, or with violations."),
    click.option("--since", help="From then on, by the producers' clocks (ISO 8601)."),
    click.option("--until", help="Until then."),
)


def filter_options(command: Command) -> Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def query_of(filters: dict[str, Any]) -> dict[str, str]:
    """As the API names them; without those that were not said."""
    valid = filters["valid"]
    said = {
        "type": filters["event_type"],
        "node": filters["node"],
        "correlation_id": filters["correlation"],
        "trace_id": filters["trace"],
        "error_code": filters["error_code"],
        "where": filters["where"],
        "valid": None if valid is None else "true" if valid else "false",
        "since": filters["since"],
        "until": filters["until"],
    }
    return {name: value for name, value in said.items() if value}


def told(item: dict[str, Any]) -> str:
    """One event on one line, as it is listed."""
    problems = len(item.get("violations") or ())
    mark = click.style("✗", fg="red") if problems else click.style("✓", fg="green")
    parts = [
        str(item["occurred_at"]),
        mark,
        click.style(str(item["event_type"]), bold=True),
        str(item["node_id"]),
    ]
    parts += [f"correlation {item['correlation_id']}"] if item.get("correlation_id") else []
    parts += [f"{item['error_code']}"] if item.get("error_code") else []
    parts += [f"{problems} violation{'s' if problems > 1 else ''}"] if problems else []
    return "  ".join([*parts, str(item["event_id"])])
