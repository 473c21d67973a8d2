"""Contexts: rooms of a registry with subjects and ids of their own, named in front of a subject as in `:.berlin:orders`.

The default context "." has no qualifier. A name's prefix of a right is held against the qualified name.
"""

import re

DEFAULT = "."
#: Stands for every context, in prefixes that subjects are listed by.
ALL = ":*:"
#: Where the rules of every context are kept, the default one included.
GLOBAL = ":.__GLOBAL:"

_QUALIFIED = re.compile(r":(\.[^:/]*):(.*)", re.DOTALL)
_PLAIN = re.compile(r":?(\.?[^:/]*):?")


def split(name: str) -> tuple[str, str]:
    """The context of a subject's name, and the name within it."""
    found = _QUALIFIED.fullmatch(name)
    return (found[1], found[2]) if found else (DEFAULT, name)


def context_of(name: str) -> str:
    return split(name)[0]


def qualifier(context: str) -> str:
    """What the names of that context begin with: `:.berlin:`, and nothing for the default one."""
    return "" if context == DEFAULT else f":{context}:"


def normal(name: str) -> str:
    """The one name of a subject: `:.:orders` is `orders`."""
    context, within = split(name)
    return within if context == DEFAULT else name


def within(context: str, name: str) -> str:
    """The subject that a name means for somebody in that context; a qualified name means itself."""
    return normal(name) if name.startswith(":.") else qualifier(context) + name


def seen_from(context: str, name: str) -> str:
    """The subject's name as somebody in that context has to write it, for `within` to find it again."""
    return f":{DEFAULT}:{name}" if context != DEFAULT == context_of(name) else name


def is_context(name: str) -> bool:
    """Whether it is a context's qualifier with no subject in it."""
    found = _QUALIFIED.fullmatch(name)
    return found is not None and not found[2]


def read_context(text: str) -> str | None:
    """The context that an address names (`.berlin`, `berlin`, `:.berlin:`); None when it is none."""
    found = _PLAIN.fullmatch(text)
    if found is None or not found[1]:
        return None
    name = found[1] if found[1].startswith(".") else f".{found[1]}"
    return None if f":{name}:" == GLOBAL else name
