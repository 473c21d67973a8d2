"""The five dialects, each one value; everything that varies by draft hangs off it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jsonschema
import jsonschema_rs
from referencing import Specification
from referencing.jsonschema import DRAFT4, DRAFT6, DRAFT7, DRAFT201909, DRAFT202012

from compat.errors import SchemaError

Schema: TypeAlias = dict[str, Any] | bool
Store: TypeAlias = Mapping[str, Schema]


@dataclass(frozen=True, eq=False)
class Dialect:
    """One draft: its names and its two validators."""

    name: str
    uri: str
    number: int
    rust: type[jsonschema_rs.Validator]
    python: Any
    specification: Specification[Any]

    def __repr__(self) -> str:
        return self.name


def _dialect(name: str, uri: str, year: str, specification: Specification[Any]) -> Dialect:
    return Dialect(
        name=name,
        uri=uri,
        number=getattr(jsonschema_rs, f"Draft{year}"),
        rust=getattr(jsonschema_rs, f"Draft{year}Validator"),
        python=getattr(jsonschema, f"Draft{year}Validator"),
        specification=specification,
    )


D4 = _dialect("draft-04", "http://json-schema.org/draft-04/schema#", "4", DRAFT4)
D6 = _dialect("draft-06", "http://json-schema.org/draft-06/schema#", "6", DRAFT6)
D7 = _dialect("draft-07", "http://json-schema.org/draft-07/schema#", "7", DRAFT7)
D2019 = _dialect("2019-09", "https://json-schema.org/draft/2019-09/schema", "201909", DRAFT201909)
D2020 = _dialect("2020-12", "https://json-schema.org/draft/2020-12/schema", "202012", DRAFT202012)

ALL = (D4, D6, D7, D2019, D2020)
DEFAULT = D7
_SPELLINGS = {"draft4": D4, "draft6": D6, "draft7": D7, "draft-2019-09": D2019, "draft-2020-12": D2020}
_BY_NAME = {**{d.name: d for d in ALL}, **_SPELLINGS}
_BY_URI = {d.uri.rstrip("#").split("://")[1]: d for d in ALL}
#: Snowplow's self-describing schemas are written in draft-04 (their own meta-schema extends it).
_CUSTOM = {"com.snowplowanalytics.self-desc/schema/jsonschema": D4}


def named(name: str | Dialect) -> Dialect:
    """The dialect of a name ("draft-07", "2020-12") or a `$schema` URI; SchemaError for anything else."""
    if isinstance(name, Dialect):
        return name
    found = _BY_NAME.get(name) or of_uri(name)
    if found is None:
        known = ", ".join(d.name for d in ALL)
        raise SchemaError("", f"{name!r} is not a dialect this registry knows; known are {known}", "dialect")
    return found


def read(schema: Schema, default: str | Dialect | None = None) -> tuple[Dialect, str | None]:
    """The dialect a schema is written in, and a note when that had to be guessed."""
    fallback = named(default) if default is not None else DEFAULT
    uri = schema.get("$schema") if isinstance(schema, dict) else None
    if not isinstance(uri, str):
        return fallback, None
    known = of_uri(uri)
    if known is not None:
        return known, None
    if "json-schema.org/" in uri:
        message = f"$schema {uri!r} is not a JSON Schema draft this registry knows (draft-04 to 2020-12)"
        raise SchemaError("/$schema", message, "dialect")
    custom = next((d for part, d in _CUSTOM.items() if part in uri), fallback)
    return custom, f"$schema {uri!r} is a custom dialect; it is read as {custom.name}"


def of_uri(uri: str) -> Dialect | None:
    """The dialect that a `$schema` names, if it is one of the five."""
    return _BY_URI.get(uri.rstrip("#").split("://")[-1])
