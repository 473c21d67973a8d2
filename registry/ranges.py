"""Version ranges in npm's grammar, translated to comparators over the `semver` package (its `match` knows no ranges).

`^1.2`, `~1.2.3`, `1.x`, `>=1.2 <2`, `1.2 - 1.4`, `^1 || ^3`, `*`. A prerelease is only found when a comparator of
the same major.minor.patch names one, as in npm.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from semver import Version as SemVer

_OPERATORS: dict[str, Callable[[SemVer, SemVer], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_X = r"(?:0|[1-9]\d{0,8}|[xX*])"
_TAIL = r"(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
_PARTIAL = re.compile(rf"[v=]?(?P<major>{_X})(?:\.(?P<minor>{_X})(?:\.(?P<patch>{_X}){_TAIL})?)?")
_SIMPLE = re.compile(r"(?P<operator>\^|~>?|>=|<=|>|<|=)?\s*(?P<partial>[^\s<>=^~]\S*)")
_HYPHEN = re.compile(r"(?P<low>\S+)\s+-\s+(?P<high>\S+)")
_MAX_LENGTH = 250


@dataclass(frozen=True, slots=True)
class Comparator:
    operator: str
    version: SemVer

    def holds(self, version: SemVer) -> bool:
        return _OPERATORS[self.operator](version, self.version)


@dataclass(frozen=True, slots=True)
class Range:
    """Any one of the alternatives, of which all comparators have to hold."""

    alternatives: tuple[tuple[Comparator, ...], ...]

    def holds(self, version: SemVer) -> bool:
        return any(_all_hold(comparators, version) for comparators in self.alternatives)


def parse_range(text: str) -> Range | None:
    """None when the text is no range."""
    if len(text) > _MAX_LENGTH:
        return None
    alternatives = [_alternative(part.strip()) for part in text.split("||")]
    if any(found is None for found in alternatives):
        return None
    return Range(tuple(tuple(found) for found in alternatives if found is not None))


def parse_semver(text: str) -> SemVer | None:
    """An exact SemVer 2.0.0 version, or None."""
    try:
        return SemVer.parse(text)
    except ValueError:
        return None


def _all_hold(comparators: tuple[Comparator, ...], version: SemVer) -> bool:
    if not all(comparator.holds(version) for comparator in comparators):
        return False
    return not version.prerelease or any(
        c.version.prerelease and c.version.to_tuple()[:3] == version.to_tuple()[:3] for c in comparators
    )


def _alternative(text: str) -> list[Comparator] | None:
    if not text:
        return _between(None, None)
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen:
        return _hyphen(hyphen["low"], hyphen["high"])
    comparators: list[Comparator] = []
    end = 0
    for simple in _SIMPLE.finditer(text):
        partial = _Partial.read(simple["partial"])
        if partial is None or text[end : simple.start()].strip():
            return None
        comparators += _TRANSLATE[simple["operator"] or "="](partial)
        end = simple.end()
    return comparators if end and not text[end:].strip() else None


@dataclass(frozen=True, slots=True)
class _Partial:
    """A version with holes: `1`, `1.x`, `1.2.3-rc.1`; a hole is None and so is everything after it."""

    major: int | None
    minor: int | None
    patch: int | None
    pre: str | None

    @classmethod
    def read(cls, text: str) -> "_Partial | None":
        found = _PARTIAL.fullmatch(text)
        if found is None:
            return None
        parts: list[int | None] = []
        for name in ("major", "minor", "patch"):
            digits = found[name]
            hole = not digits or not digits.isdigit() or (parts and parts[-1] is None)
            parts.append(None if hole else int(digits))
        return cls(parts[0], parts[1], parts[2], found["pre"] if parts[2] is not None else None)

    @property
    def low(self) -> SemVer:
        """The lowest version it stands for."""
        return SemVer(self.major or 0, self.minor or 0, self.patch or 0, prerelease=self.pre)

    @property
    def after(self) -> SemVer | None:
        """The lowest version above all that it stands for; None when nothing is."""
        if self.major is None:
            return None
        if self.minor is None:
            return SemVer(self.major + 1, 0, 0)
        return SemVer(self.major, self.minor + 1, 0)


def _between(low: SemVer | None, below: SemVer | None) -> list[Comparator]:
    comparators = [Comparator(">=", low or SemVer(0, 0, 0))]
    # "-0" is the lowest prerelease: 2.0.0-rc.1 does not belong to "below 2.0.0".
    return [*comparators, Comparator("<", below.replace(prerelease="0"))] if below else comparators


def _hyphen(low_text: str, high_text: str) -> list[Comparator] | None:
    low, high = _Partial.read(low_text), _Partial.read(high_text)
    if low is None or high is None:
        return None
    if high.patch is not None:
        return [Comparator(">=", low.low), Comparator("<=", high.low)]
    return _between(low.low, high.after)


def _equal(partial: _Partial) -> list[Comparator]:
    if partial.patch is not None:
        return [Comparator("=", partial.low)]
    return _between(partial.low, partial.after)


def _tilde(partial: _Partial) -> list[Comparator]:
    return _between(partial.low, partial.after)


def _caret(partial: _Partial) -> list[Comparator]:
    """Up to the next change of the leftmost part that is not zero."""
    if partial.major or partial.minor is None:
        below = None if partial.major is None else SemVer(partial.major + 1, 0, 0)
    elif partial.minor or partial.patch is None:
        below = SemVer(0, partial.minor + 1, 0)
    else:
        below = SemVer(0, 0, partial.patch + 1)
    return _between(partial.low, below)


def _greater(partial: _Partial) -> list[Comparator]:
    if partial.patch is not None:
        return [Comparator(">", partial.low)]
    # ">*" is nothing at all.
    return [Comparator(">=", partial.after)] if partial.after else [Comparator("<", _LOWEST)]


def _less(partial: _Partial) -> list[Comparator]:
    return [Comparator("<", partial.low if partial.pre else partial.low.replace(prerelease="0"))]


def _at_most(partial: _Partial) -> list[Comparator]:
    if partial.patch is not None:
        return [Comparator("<=", partial.low)]
    return _between(None, partial.after)


_LOWEST = SemVer(0, 0, 0, prerelease="0")
_TRANSLATE: dict[str, Callable[[_Partial], list[Comparator]]] = {
    "=": _equal,
    "^": _caret,
    "~": _tilde,
    "~>": _tilde,
    ">": _greater,
    ">=": lambda partial: [Comparator(">=", partial.low)],
    "<": _less,
    "<=": _at_most,
}
