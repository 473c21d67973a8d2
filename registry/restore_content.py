"""What subjects are put back from, and their schemas."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from registry.canonical import read_schema_text
from registry.errors import InvalidSchema
from registry.identify import guid_of, kept_content
from registry.import_errors import NotRestored
from registry.models import Content

Json = dict[str, Any]


class Source(Protocol):
    """Where subjects come from."""

    def subject(self, name: str) -> Json: ...

    def versions(self, name: str) -> Iterator[Json]: ...

    def migrations(self, name: str) -> Iterator[Json]: ...

    def schema_text(self, digest: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A source with what is told about its contents and ids, by their names."""

    source: Source
    contents: dict[str, Json]
    ids: dict[tuple[str, int], Json]


def restored_content(catalogue: Catalogue, digest: str, *, key: int | None) -> Content:
    """Raises NotRestored for a text that is not what its name says."""
    known = Content.objects.filter(digest=bytes.fromhex(digest)).first()
    if known is not None:
        return known
    told, text = catalogue.contents[digest], catalogue.source.schema_text(digest)
    if text is None:
        raise NotRestored([f"The archive lacks the schema {digest[:12]}…."])
    references = told.get("references", [])
    try:
        found = read_schema_text(text).digest(references)
    except InvalidSchema as wrong:
        raise NotRestored([f"The schema {digest[:12]}…: {wrong.message}"]) from wrong
    if found.hex() != digest:
        raise NotRestored([f"The schema {digest[:12]}… is another one than its name says."])
    row = Content(
        digest=found,
        text=text,
        dialect=told["dialect"],
        references=references,
        bindings=told.get("bindings", []),
        guid=guid_of(found),
        created_at=moment(told["created_at"]),
    )
    return kept_content(row, key=key)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
