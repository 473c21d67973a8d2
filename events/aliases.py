"""Names that producers use for a declared field: told, and read as that field where the subject says so.

The bytes of an event never change; what is renamed is what schemas judge and what queries find.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.conf import settings

from events.envelope import Envelope

_TOLD = "alias:"
_RENAMED = "renamed:"
# A document with such a number cannot be written out again digit by digit.
INEXACT = "number_beyond_double"


class Alias(NamedTuple):
    used: str
    declared: str


def aliases_for(properties: Iterable[str]) -> tuple[Alias, ...]:
    """Of the aliases in FIELD_ALIASES those of a property that the schema declares, unless it declares them, too."""
    known = set(properties)
    return tuple(
        Alias(used, declared)
        for used, declared in settings.FIELD_ALIASES.items()
        if declared in known and used not in known
    )


def look_for_aliases(event: Envelope, aliases: Sequence[Alias], *, rename: bool) -> Envelope:
    """The event with a lint for each alias it uses in `metadata` or beside it, and on request read anew."""
    used = [alias for alias in aliases if _uses(event.document, alias)]
    if not used:
        return event
    if not rename or INEXACT in event.lints:
        return event._replace(lints=(*event.lints, *(f"{_TOLD}{alias.used}" for alias in used)))
    document = event.document
    for alias in used:
        document = _renamed(document, alias)
    return event._replace(
        document=document,
        derived=json.dumps(document, ensure_ascii=False).encode(),
        lints=(*event.lints, *(f"{_RENAMED}{alias.used}" for alias in used)),
    )


def read_under_declared_names(
    document: dict[str, Any], aliases: Sequence[Alias]
) -> tuple[dict[str, Any], tuple[Alias, ...]]:
    """A document in which no alias of these is used any more, and which were: the one given, where there was none."""
    used = tuple(alias for alias in aliases if _uses(document, alias))
    for alias in used:
        document = _renamed(document, alias)
    return document, used


def read_as_stored(document: dict[str, Any], lints: Sequence[str]) -> dict[str, Any]:
    """An event's parsed bytes with the renames that its lints tell of, for whoever judges it again."""
    for lint in lints:
        used = lint.removeprefix(_RENAMED)
        declared = settings.FIELD_ALIASES.get(used)
        if used != lint and declared is not None:
            document = _renamed(document, Alias(used, declared))
    return document


def _uses(document: dict[str, Any], alias: Alias) -> bool:
    metadata = document.get("metadata")
    inside: dict[str, Any] = metadata if type(metadata) is dict else {}
    if alias.declared in inside:
        return False
    return alias.used in inside or (alias.used in document and (metadata is None or type(metadata) is dict))


def _renamed(document: dict[str, Any], alias: Alias) -> dict[str, Any]:
    """The value under its declared name in `metadata`; what stands in `metadata` goes before what stands beside it."""
    inside = dict(document.get("metadata") or {})
    if alias.used in inside:
        inside[alias.declared] = inside.pop(alias.used)
        return {**document, "metadata": inside}
    inside[alias.declared] = document[alias.used]
    rest = {name: value for name, value in document.items() if name != alias.used}
    return {**rest, "metadata": inside}
