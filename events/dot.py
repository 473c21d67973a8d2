"""A tree of work as a graph in the language of Graphviz."""

from collections.abc import Iterator

from events.waterfall import Row, Waterfall

_COLOURS = {
    "succeeded": "#0f6a38",
    "failed": "#b0241d",
    "running": "#1b5a9e",
    "incomplete": "#815000",
    "event": "#525a66",
}


def as_dot(waterfall: Waterfall) -> str:
    """One box for each operation, with arrows to what it started; the critical path is bold."""
    lines = ["digraph correlation {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    lines += [f"  {line}" for row in waterfall.rows for line in _lines(row)]
    return "\n".join([*lines, "}", ""])


def _lines(row: Row) -> Iterator[str]:
    label = _quoted(f"{row.name}\n{row.node_id}\n{row.span.status}, {row.duration_ms:g} ms")
    weight = ", penwidth=2.5" if row.critical else ""
    yield f'n{row.number} [label={label}, color="{_COLOURS[row.span.status]}"{weight}];'
    if row.parent is not None:
        yield f"n{row.parent} -> n{row.number}{' [penwidth=2.5]' if row.critical else ''};"


def _quoted(text: str) -> str:
    r"""A quoted string, in which only quotes, backslashes and line breaks mean something."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", "\\n")
    return f'"{escaped}"'
