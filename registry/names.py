"""What a subject may be called.

Any text up to 255 characters, as clients of the field use topic names, paths, addresses and emoji. The server sees
paths percent-decoded, so a name may hold "/", but not the words that come after a name in an address.
"""

import unicodedata

from registry import contexts
from registry.errors import InvalidSubject

MAX_LENGTH = 255
RESERVED = frozenset({"versions", "metadata", "config", "mode", "migrations"})


def check_subject_name(name: str) -> None:
    """Raises InvalidSubject, whose sentence says what is wrong with the name."""
    problem = _problem(name)
    if problem:
        raise InvalidSubject(f"The specified subject '{name[:MAX_LENGTH]}' is not a valid subject: {problem}")


def _problem(name: str) -> str | None:
    return next(
        filter(None, (_problem_of_context(name), _problem_of_text(name), _problem_in_address(name))), None
    )


def _problem_of_context(name: str) -> str | None:
    if name.startswith(":.") and contexts.context_of(name) == contexts.DEFAULT:
        return "a name that begins with ':.' names a context first, as in ':.berlin:orders'."
    if name.startswith(contexts.ALL):
        return "':*:' stands for every context, and nothing lies in all of them."
    if name.startswith(contexts.GLOBAL):
        return "it lies in the place of the rules that hold in every context."
    return None


def _problem_of_text(name: str) -> str | None:
    if not contexts.split(name)[1].strip():
        return "it is blank."
    if len(name) > MAX_LENGTH:
        return f"it has {len(name)} characters; {MAX_LENGTH} is the limit."
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        return "it holds a control character."
    return None


def _problem_in_address(name: str) -> str | None:
    parts = name.split("/")
    if reserved := sorted(RESERVED & set(parts[1:])):
        return f"'/{reserved[0]}' inside a name cannot be told from the address of its {reserved[0]}."
    if {".", ".."} & set(parts):
        return "browsers and clients remove the parts '.' and '..' from an address."
    return None
