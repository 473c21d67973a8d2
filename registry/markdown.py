"""A version's documentation as Markdown, for wikis and repositories."""

import json
import re
from collections.abc import Iterator

from registry.constraints import shown
from registry.describe import Described
from registry.fields import Field

_MEANS_SOMETHING = re.compile(r"([\\`*_\[\]|])")


def as_markdown(described: Described, *, address: str) -> str:
    """GitHub's Markdown. Nothing that an author wrote becomes markup: it is escaped."""
    return "\n".join(_lines(described, address)) + "\n"


def _lines(described: Described, address: str) -> Iterator[str]:
    version, fields = described.version, described.fields
    yield f"# {_plain(version.subject.name)} {version.semver}"
    for text in (fields.title, fields.description or version.subject.description):
        if text:
            yield from ("", _plain(text))
    facts = [f"version {version.number}", f"schema id {version.identity.number}", version.state]
    facts += [f"owner {_plain(version.subject.owner)}"] if version.subject.owner else []
    facts += [f"tags {_plain(', '.join(described.tags))}"] if described.tags else []
    yield from ("", f"{', '.join(facts)}. [In the registry]({address})")
    if fields.constraints:
        yield from ("", f"The whole: {_plain('; '.join(fields.constraints))}.")
    yield from ("", "## Fields", "")
    yield from _table(described)
    yield from ("", "## Example", "")
    yield from _example(described)


def _table(described: Described) -> Iterator[str]:
    if not described.fields.fields:
        yield "The schema declares no fields."
        return
    yield "| Field | Type | Required | Constraints | Since | Default | Description |"
    yield "|---|---|---|---|---|---|---|"
    for field in described.fields.fields:
        yield f"| {' | '.join(_cells(field, described.since.get(field.path, '')))} |"
    if described.hidden:
        yield from (
            "",
            f"Fields of {_plain(', '.join(described.hidden))} are not listed: you may not read those schemas.",
        )
    if described.fields.cut:
        yield from ("", "There are more fields than are listed.")


def _cells(field: Field, since: str) -> list[str]:
    about = [field.title, field.description]
    about += ["Deprecated."] if field.deprecated else []
    about += [f"Only in: {', '.join(field.when)}."] if field.when else []
    about += [f"For example {', '.join(shown(value) for value in field.examples)}."] if field.examples else []
    about += [f"Has the fields of {field.same_as or 'the whole'}."] if field.same_as is not None else []
    return [
        _code(field.path),
        " or ".join(field.types),
        "yes" if field.required else "no",
        _plain("; ".join(field.constraints)),
        since,
        _code(shown(field.default[0])) if field.default else "",
        _plain(" ".join(text for text in about if text)),
    ]


def _example(described: Described) -> Iterator[str]:
    if described.hidden:
        yield "It would show what is in schemas that you may not read."
        return
    if described.example is None:
        yield "No example that validates could be made."
        return
    yield "```json"
    yield json.dumps(described.example.value, indent=2, ensure_ascii=False)
    yield "```"


def _plain(text: str) -> str:
    """Text on one line that means nothing but itself."""
    escaped = _MEANS_SOMETHING.sub(r"\\\1", " ".join(text.split()))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    """Code in a cell of a table: a bar ends the cell even there, and a backtick ends the code."""
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{' '.join(text.split())}{space}{fence}".replace("|", "\\|")
