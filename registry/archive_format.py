"""How a catalogue lies in a zip: names of the members, and what each holds. docs/reference/catalogue-archive.md tells it.

Everything is derived from rows and from nothing else, so that the same catalogue gives the same bytes.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from compat import Validator, compile_validator

#: Goes up when an older reader would misunderstand what a newer writer wrote.
FORMAT = 1
MANIFEST = "manifest.json"
CONTEXTS = "contexts.json"
CONFIGURATIONS = "configurations.json"
CONTENTS = "contents.jsonl"
IDS = "ids.jsonl"

SCHEMA_FILE = Path(__file__).parent / "archive.schema.json"
_NAME = r"(?:[A-Za-z0-9_.~%-]+)"
# Which kind of member has which name; a name of no kind is refused, and so is every way out of the folder.
_KINDS = {
    "manifest": re.compile(re.escape(MANIFEST)),
    "contexts": re.compile(re.escape(CONTEXTS)),
    "configurations": re.compile(re.escape(CONFIGURATIONS)),
    "contents": re.compile(re.escape(CONTENTS)),
    "ids": re.compile(re.escape(IDS)),
    "schema": re.compile(r"schemas/[0-9a-f]{64}\.json"),
    "subject": re.compile(rf"subjects/{_NAME}/subject\.json"),
    "version": re.compile(rf"subjects/{_NAME}/versions/[1-9][0-9]{{0,9}}\.json"),
    "migration": re.compile(rf"subjects/{_NAME}/migrations/[1-9][0-9]{{0,9}}\.json"),
    "taxonomy": re.compile(rf"taxonomies/{_NAME}/taxonomy\.json"),
    "edition": re.compile(rf"taxonomies/{_NAME}/editions/[1-9][0-9]{{0,9}}\.json"),
}
# Longer names would not fit a file system on which somebody unpacks them.
_MAX_NAME = 180


def kind_of(member: str) -> str | None:
    """What a member holds, by its name; None for a name that no archive of ours has."""
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(member)), None)


def folder_of(name: str) -> str:
    """The name of a subject or taxonomy as one part of a path, readable where it can be."""
    written = quote(name, safe="")
    if len(written) <= _MAX_NAME and set(written) != {"."}:
        return written
    return f"{written[: _MAX_NAME - 17]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def schema_member(digest: str) -> str:
    return f"schemas/{digest}.json"


def subject_member(name: str) -> str:
    return f"subjects/{folder_of(name)}/subject.json"


def version_member(name: str, number: int) -> str:
    return f"subjects/{folder_of(name)}/versions/{number}.json"


def migration_member(name: str, number: int) -> str:
    return f"subjects/{folder_of(name)}/migrations/{number}.json"


def taxonomy_member(name: str) -> str:
    return f"taxonomies/{folder_of(name)}/taxonomy.json"


def edition_member(name: str, number: int) -> str:
    return f"taxonomies/{folder_of(name)}/editions/{number}.json"


def written(value: Any) -> bytes:
    """A member that people read and compare line by line."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def written_line(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False) + "\n").encode()


def without_defaults(value: Mapping[str, Any]) -> dict[str, Any]:
    """Without the members that say nothing; a reader takes them as said in the schema of the format."""
    return {name: member for name, member in value.items() if member not in (None, "", [])}


@cache
def validator_of(kind: str) -> Validator:
    """Holds a member of that kind, or a line of it, against the format."""
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return compile_validator({**schema, "$ref": f"#/$defs/{kind}"}, formats=True)
