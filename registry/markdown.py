"""A version's documentation as Markdown, for wikis and repositories."""

import json
import re
from collections.abc import Iterator

from django.urls import reverse

from registry.constraints import shown
from registry.describe import Described
from registry.fields import Field
from registry.taxonomy_bindings import Binding

_MEANS_SOMETHING = re.compile(r"([\\`*_\[\]|])")


def as_markdown(described: Described, *, site: str) -> str:
    """GitHub's Markdown, with links to the pages of `site`. Nothing that an author wrote becomes markup: it is escaped."""
    return "\n".join(_lines(described, site)) + "\n"


def _lines(described: Described, site: str) -> Iterator[str]:
    version, fields = described.version, described.fields
    yield f"# {_plain(version.subject.name)} {version.semver}"
    for text in (fields.title, fields.description or version.subject.description):
        if text:
            yield from ("", _plain(text))
    facts = [f"version {version.number}", f"schema id {version.identity.number}", version.state]
    facts += [f"owner {_plain(version.subject.owner)}"] if version.subject.owner else []
    facts += [f"tags {_plain(', '.join(described.tags))}"] if described.tags else []
    page = reverse("version", args=[version.subject.name, version.number])
    yield from ("", f"{', '.join(facts)}. [In the registry]({site}{page})")
    if fields.constraints:
        yield from ("", f"The whole: {_plain('; '.join(fields.constraints))}.")
    yield from ("", "## Fields", "")
    yield from _table(described, site)
    yield from ("", "## Example", "")
    yield from _example(described)


def _table(described: Described, site: str) -> Iterator[str]:
    if not described.fields.fields:
        yield "The schema declares no fields."
        return
    yield "| Field | Type | Required | Constraints | Since | Default | Description |"
    yield "|---|---|---|---|---|---|---|"
    for field in described.fields.fields:
        cells = _cells(field, described.since.get(field.path, ""), _constraints(field, described, site))
        yield f"| {' | '.join(cells)} |"
    if described.hidden:
        yield from (
            "",
            f"Fields of {_plain(', '.join(described.hidden))} are not listed: you may not read those schemas.",
        )
    if described.fields.cut:
        yield from ("", "There are more fields than are listed.")


def _cells(field: Field, since: str, constraints: str) -> list[str]:
    about = [field.title, field.description]
    about += ["Deprecated."] if field.deprecated else []
    about += [f"Only in: {', '.join(field.when)}."] if field.when else []
    about += [f"For example {', '.join(shown(value) for value in field.examples)}."] if field.examples else []
    about += [f"Has the fields of {field.same_as or 'the whole'}."] if field.same_as is not None else []
    return [
        _code(field.path),
        " or ".join(field.types),
        "yes" if field.required else "no",
        constraints,
        since,
        _code(shown(field.default[0])) if field.default else "",
        _plain(" ".join(text for text in about if text)),
    ]


def _constraints(field: Field, described: Described, site: str) -> str:
    """The words for a taxonomy lead to it, for those who may read it."""
    said = [_plain(words) for words in field.constraints]
    bound = Binding.read(field.taxonomy)
    if bound is not None and bound.taxonomy in described.taxonomies:
        name, page = _plain(field.taxonomy), reverse("taxonomy", args=[bound.taxonomy])
        said = [
            words.replace(name, f"[{name}]({site}{page})") if words == f"a code of {name}" else words
            for words in said
        ]
    return "; ".join(said)


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
