"""Encrypted values in events, as far as the server can see them: which keys they need, and which of these nobody gets any more."""

import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from access.models import DataKey

# As registry.sensitive has it, within the bytes of an event.
_SEALED = re.compile(rb'"(eyJ[A-Za-z0-9_-]+)\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}"')
_UNREADABLE = (DataKey.State.REVOKED, DataKey.State.DESTROYED)


class Sealed(NamedTuple):
    """So many fields of an event need this key; `state` is None for one that is not known here."""

    kid: str
    fields: int
    state: str | None


def sealed_in(raw: bytes) -> list[Sealed]:
    """What an event needs to be read in full."""
    found = _keys_in(raw)
    states = dict(DataKey.objects.filter(kid__in=found).values_list("kid", "state")) if found else {}
    return [Sealed(kid, count, states.get(kid)) for kid, count in found.items()]


def gone_keys(subjects: Iterable[str]) -> dict[str, str]:
    """The keys of these subjects that nobody gets any more, with their state: revoked or destroyed."""
    rows = DataKey.objects.filter(subject__in=list(subjects), state__in=_UNREADABLE)
    return dict(rows.values_list("kid", "state"))


def undecryptable(raw: bytes, gone: Mapping[str, str]) -> list[dict[str, Any]]:
    """Of an event, the fields whose key is among those that are gone: [{"kid", "state", "fields"}]."""
    if not gone:
        return []
    found = _keys_in(raw)
    return [{"kid": kid, "state": gone[kid], "fields": count} for kid, count in found.items() if kid in gone]


def _keys_in(raw: bytes) -> Counter[str]:
    return Counter(kid for header in _SEALED.findall(raw) if (kid := _key_of(header)))


def _key_of(header: bytes) -> str:
    try:
        told = orjson.loads(urlsafe_b64decode(header + b"=" * (-len(header) % 4)))
    except ValueError:
        return ""
    kid = told.get("kid") if isinstance(told, dict) else None
    # Ids come from outside; what no key can have is none.
    return kid if isinstance(kid, str) and kid.isascii() and "\0" not in kid else ""
