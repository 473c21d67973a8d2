"""What the generators share: which languages there are, legal names, and texts that cannot leave their comment."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from registry.taxonomy_errors import InvalidPackage
from registry.taxonomy_tree import Code, Tree

# Categories of characters that end lines, reorder text on the screen, or show nothing.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Source:
    """A generated file."""

    file: str
    content_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What to generate: an edition, its digest, and, for languages that have packages, in which one."""

    tree: Tree
    digest: str
    package: str = ""

    @property
    def header(self) -> list[str]:
        """Lines for the top of the file."""
        return [
            f"{plain(self.tree.taxonomy)} {self.tree.version}, made by Onex Registry. Do not edit.",
            f"Edition sha256:{self.digest}",
        ]

    def package_or(self, default: str, *, legal: re.Pattern[str], keywords: frozenset[str]) -> str:
        """The package asked for. Raises InvalidPackage."""
        if not self.package:
            return default
        if not legal.fullmatch(self.package) or keywords & set(self.package.split(".")):
            raise InvalidPackage(
                f"'{self.package[:100]}' cannot be the name of a package in this language.",
                package=self.package,
            )
        return self.package


Generator = Callable[[Request], Source]


def plain(text: str) -> str:
    """One line without anything invisible: what a comment or a literal may hold."""
    visible = "".join(" " if unicodedata.category(c) in _INVISIBLE else c for c in text)
    return " ".join(visible.split())


def docs_of(code: Code) -> list[str]:
    """What people read beside a code, one line each."""
    lines = [plain(code.meaning)]
    if code.description:
        lines.append(plain(code.description))
    facts = [
        f"{code.severity.lower()}",
        {"no": "not recoverable", "yes": "recoverable", "retry": "retry"}[code.recoverable],
    ]
    if code.http_status is not None:
        facts.append(f"HTTP {code.http_status}")
    if code.exit_code is not None:
        facts.append(f"exit code {code.exit_code}")
    lines.append(f"{code.long}: {', '.join(facts)}; since {code.since}.")
    return lines


def deprecation_of(code: Code) -> str | None:
    """Why not to use it any more; None for a code in use."""
    if code.deprecated is None:
        return None
    instead = f"; use {code.replaced_by}" if code.replaced_by else ""
    return f"since {code.deprecated}{instead}."


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def pascal(text: str) -> str:
    """`FILE_NOT_FOUND` or `onex-errors` in words run together; only ASCII letters and digits are left."""
    found = re.findall(r"[A-Za-z0-9]+", text)
    return "".join(word[:1].upper() + (word[1:].lower() if word.isupper() else word[1:]) for word in found)


def type_name(tree: Tree) -> str:
    """`OnexErrorsCode`: the suffix keeps it apart from every language's own words, whatever the taxonomy is called."""
    name = pascal(tree.taxonomy)
    return f"{name if name[:1].isalpha() else f'T{name}'}Code"


def member_name(code: Code) -> str:
    """`STAMP_FILE_NOT_FOUND`: no language's keyword, as none is in capitals, and one per code, as no area has a `_`."""
    return f"{code.area}_{code.slug}"


def unique(names: Iterable[tuple[Code, str]]) -> dict[str, str]:
    """Short code → name; where two codes would be called alike, all of these get their numbers."""
    named = list(names)
    taken: dict[str, int] = {}
    for _, name in named:
        taken[name] = taken.get(name, 0) + 1
    chosen = {code.short: name if taken[name] == 1 else f"{name}_{code.number:03}" for code, name in named}
    assert len(set(chosen.values())) == len(chosen)
    return chosen


def text_literal(text: str) -> str:
    """A string in double quotes that Python, TypeScript, Go and Java read alike; `plain` has left nothing to escape but these."""
    escaped = plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
