"""Field paths of the condition tree as CEL writes them: `metadata.errors[0].code`, `metadata["a key"]`."""

import json
import re

from alerts.fields import COLUMNS, path_of

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_POSITION = re.compile(r"0|[1-9][0-9]*")
# What PostgreSQL and the closures take for the index of an element, too.
_OTHER_POSITION = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+")
_KEYWORDS = frozenset({"true", "false", "null", "in"})
RESERVED = frozenset(
    {
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    }
)


def is_plain(part: str) -> bool:
    """Whether it stands after a point as it is."""
    return _PLAIN.fullmatch(part) is not None and part not in _KEYWORDS | RESERVED


def field_of(path: tuple[str, ...]) -> str:
    """The field of the tree that a path leads to: dotted, or a JSON Pointer where a key holds a dot or a slash begins it."""
    if any("." in part for part in path) or path[0].startswith("/"):
        return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
    return ".".join(path)


def cel_name(field: str) -> str | None:
    """The field in CEL; None where CEL would mean something else by it."""
    path = path_of(field)
    # `/error_code` is the member of the document, `error_code` is the column.
    if not is_plain(path[0]) or (field not in COLUMNS and field_of(path) in COLUMNS):
        return None
    if any(_OTHER_POSITION.fullmatch(part) and not _POSITION.fullmatch(part) for part in path):
        return None
    return path[0] + "".join(map(_step, path[1:]))


def ends_in_a_member(field: str) -> bool:
    """Whether CEL's own has() takes it: it wants a member, written after a point."""
    path = path_of(field)
    return len(path) > 1 and is_plain(path[-1])


def _step(part: str) -> str:
    if is_plain(part):
        return f".{part}"
    return f"[{part if _POSITION.fullmatch(part) else json.dumps(part, ensure_ascii=False)}]"
