"""Numbers within bounds, on some lattices and off others: exact arithmetic, no floats until the very end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, gcd, lcm

from compat.budget import Budget
from compat.errors import Exhausted
from compat.solver.case import Case
from compat.solver.nothing import NOTHING, Nothing
from compat.values import exact, type_of

#: Lattice points looked at before giving up; enough for every residue of ordinary divisors.
_MOST_POINTS = 4_000


@dataclass(frozen=True)
class _Range:
    low: Fraction | None
    low_open: bool
    high: Fraction | None
    high_open: bool

    def __contains__(self, number: Fraction) -> bool:
        above = self.low is None or number > self.low or (number == self.low and not self.low_open)
        below = self.high is None or number < self.high or (number == self.high and not self.high_open)
        return above and below

    @property
    def empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))


def find_number(case: Case, budget: Budget) -> int | float | Nothing:
    """A number of which all facts of the case are true, as simple as possible."""
    bounds = _bounds(case)
    if bounds.empty:
        return NOTHING
    multiples = [abs(value) for value in case.get("multiple")] + [Fraction(1)] * ("integer" in case.facts)
    if multiples:
        return _on_lattice(_common(multiples), bounds, case, budget)
    return _anywhere(bounds, case)


def _bounds(case: Case) -> _Range:
    low = max([(value, False) for value in case.get("minimum")] + [(v, True) for v in case.get("exclusiveMinimum")],
              default=(None, False))  # fmt: skip
    high = min([(value, True) for value in case.get("maximum")] + [(v, False) for v in case.get("exclusiveMaximum")],
               default=(None, True))  # fmt: skip
    return _Range(low[0], low[1], high[0], not high[1])


def _common(steps: list[Fraction]) -> Fraction:
    """The least common multiple of fractions."""
    step = steps[0]
    for other in steps[1:]:
        step = Fraction(lcm(step.numerator, other.numerator), gcd(step.denominator, other.denominator))
    return step


def _fits(number: Fraction, bounds: _Range, case: Case, never: set[Fraction]) -> bool:
    if number not in bounds or number in never:
        return False
    if "fraction" in case.facts and number.denominator == 1:
        return False
    return all((number / step).denominator != 1 for step in case.get("not multiple"))


def _never(case: Case) -> set[Fraction]:
    return {exact(value) for values in case.get("never") for value in values if type_of(value) == "number"}


def _on_lattice(step: Fraction, bounds: _Range, case: Case, budget: Budget) -> int | float | Nothing:
    """Lattice points from the one nearest to zero on. What is off limits repeats, so one period and a bit is enough."""
    never = _never(case)
    avoided = [*case.get("not multiple"), *([Fraction(1)] if "fraction" in case.facts else [])]
    period = _common([step, *avoided]) / step
    enough = int(period) * (len(never) + 1) + 1
    looked, unwritable = 0, False
    for index in _outward(step, bounds):
        if looked >= min(enough, _MOST_POINTS):
            break
        looked += 1
        if looked % 16 == 0:
            budget.spend()
        number = index * step
        if _fits(number, bounds, case, never):
            written = _written(number)
            if written is not None:
                return written
            unwritable = True
    if unwritable or enough > _MOST_POINTS <= looked:
        raise Exhausted("no number was found among the first multiples")
    return NOTHING


def _outward(step: Fraction, bounds: _Range) -> Iterator[int]:
    """Indices of lattice points inside the bounds, nearest to zero first."""
    first = ceil(bounds.low / step) if bounds.low is not None else None
    last = floor(bounds.high / step) if bounds.high is not None else None
    if first is not None and first * step not in bounds:
        first += 1
    if last is not None and last * step not in bounds:
        last -= 1
    if first is not None and first >= 0:
        yield from _counting(first, 1, last)
    elif last is not None and last <= 0:
        yield from _counting(last, -1, first)
    else:
        yield from _both_ways(first, last)


def _counting(start: int, by: int, end: int | None) -> Iterator[int]:
    while end is None or (start <= end if by > 0 else start >= end):
        yield start
        start += by


def _both_ways(first: int | None, last: int | None) -> Iterator[int]:
    yield 0
    distance = 1
    while (up := last is None or distance <= last) | (down := first is None or -distance >= first):
        if up:
            yield distance
        if down:
            yield -distance
        distance += 1


def _anywhere(bounds: _Range, case: Case) -> int | float | Nothing:
    """Between two bounds there are always numbers; on a single point there may be none."""
    never = _never(case)
    for number in _candidates(bounds):
        if _fits(number, bounds, case, never):
            written = _written(number)
            if written is not None:
                return written
    if bounds.low is not None and bounds.low == bounds.high and not _fits(bounds.low, bounds, case, never):
        return NOTHING
    raise Exhausted("no short decimal number was found between the bounds")


def _candidates(bounds: _Range) -> Iterator[Fraction]:
    yield from (Fraction(number) for number in (0, 1, -1, 2))
    anchors = [bound for bound in (bounds.low, bounds.high) if bound is not None] or [Fraction(0)]
    for anchor in anchors:
        yield anchor
        for distance in (
            "1",
            "0.5",
            "0.1",
            "0.01",
            "0.001",
            "0.3",
            "0.7",
            "1.37",
            "0.0001",
            "17.123",
            "1000003.1",
        ):
            yield anchor + Fraction(distance)
            yield anchor - Fraction(distance)
            yield floor(anchor) + Fraction(distance)
    if bounds.low is not None and bounds.high is not None:
        width = bounds.high - bounds.low
        for part in ("0.5", "0.25", "0.1", "0.01", "0.9", "0.37", "0.001", "0.0001"):
            yield bounds.low + width * Fraction(part)


def _written(number: Fraction) -> int | float | None:
    """The number as JSON can carry it, or None when no float is exactly its decimal spelling."""
    if number.denominator == 1:
        return number.numerator
    try:
        written = float(number)
    except OverflowError:
        return None
    return written if Fraction(str(written)) == number else None
