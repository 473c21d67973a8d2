"""Histograms whose bins grow with their values, so that every percentile is off by one percent at most.

As in DDSketch (Masson, Rim and Lee, 2019): bin i holds what lies above GAMMA^(i-1) and not above GAMMA^i, and stands for the value
between both. Two histograms are merged by adding their bins, in any order.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

#: How far a percentile may be off, as a share of its value.
RELATIVE_ERROR = 0.01
GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
LOG_GAMMA = math.log(GAMMA)
#: The bin of nothing at all, and of what is so small that nobody cares; and the largest value told apart from larger ones.
ZERO = -32768
SMALLEST, LARGEST = 1e-6, 1e15


@dataclass(frozen=True, slots=True)
class Sketch:
    """Weights by bin."""

    bins: Mapping[int, int] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        return sum(self.bins.values())

    def quantile(self, share: float) -> float | None:
        """The smallest value that at least this share of the weight is not above; None of nothing."""
        wanted, passed = share * self.weight, 0
        for number in sorted(self.bins):
            passed += self.bins[number]
            if passed >= wanted:
                return value_of(number)
        return None


def bin_of(value: float) -> int:
    """As SQL_BIN computes it."""
    if value < SMALLEST:
        return ZERO
    return math.ceil(math.log(min(value, LARGEST)) / LOG_GAMMA)


def value_of(number: int) -> float:
    """What the values of a bin are taken to be: not further than RELATIVE_ERROR from any of them."""
    return 0.0 if number == ZERO else 2 * GAMMA**number / (GAMMA + 1)


#: The bin of a number in SQL; null of null.
SQL_BIN = (
    "CASE WHEN {value} IS NULL THEN NULL"
    f" WHEN {{value}} < {SMALLEST!r} THEN {ZERO}"
    f" ELSE ceil(ln(least({{value}}, {LARGEST!r})::float8) / {LOG_GAMMA!r}::float8) END::smallint"
)
