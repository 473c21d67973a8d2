"""Server-sent events: kind, id and data of each, as the standard has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def messages(lines: Iterable[str]) -> Iterator[tuple[str, str | None, str]]:
    """A message without data is told, too: its id moves where the reader goes on."""
    kind, identity = "message", None
    data: list[str] = []
    for line in lines:
        if not line:
            if identity is not None or data:
                yield kind, identity, "\n".join(data)
            kind, identity, data = "message", None, []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "id":
            identity = value
        elif name == "data":
            data.append(value)
