"""The numbers that a field had in some events, summed up so that two such sums can be joined.

Sum, lowest and highest are exact. For percentiles numbers are counted in buckets whose ends are a factor (1 + α) / (1 − α) apart, so
that what is told lies within α = 1 % of a number that was there (Masson, Rim, Lee: DDSketch, VLDB 2019).
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

ACCURACY = 0.01
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
# Buckets count floats; what lies beyond them counts as their end.
_LARGEST = Decimal("1e300")


@dataclass(frozen=True, slots=True)
class Numbers:
    """`buckets` is empty where nobody asks for a percentile."""

    count: int
    total: Decimal
    low: Decimal
    high: Decimal
    buckets: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, number: Decimal, *, buckets: bool) -> "Numbers":
        """One number. What lies beyond 1e300 counts as that."""
        number = min(max(number, -_LARGEST), _LARGEST)
        return cls(1, number, number, number, {_bucket(number): 1} if buckets else {})

    def percentile(self, percent: int) -> float:
        """The number at this place of all in order (nearest rank), to within 1 %."""
        rank, seen = math.ceil(percent / 100 * self.count), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return min(max(_middle(bucket), float(self.low)), float(self.high))
        return float(self.high)

    def as_json(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "total": str(self.total),
            "low": str(self.low),
            "high": str(self.high),
            "buckets": {str(bucket): count for bucket, count in self.buckets.items()},
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Numbers":
        return cls(
            said["count"],
            Decimal(said["total"]),
            Decimal(said["low"]),
            Decimal(said["high"]),
            {int(bucket): count for bucket, count in said["buckets"].items()},
        )


def join(numbers: Iterable[Numbers]) -> Numbers:
    """Of one at least."""
    parts = list(numbers)
    buckets: Counter[int] = Counter()
    for one in parts:
        buckets.update(one.buckets)
    return Numbers(
        sum(one.count for one in parts),
        sum((one.total for one in parts), Decimal(0)),
        min(one.low for one in parts),
        max(one.high for one in parts),
        buckets,
    )


# Bucket 0 is for zero; positive numbers have buckets above it and negative ones below, in their order.
_SHIFT = math.ceil(math.log(float(_LARGEST), _GAMMA)) + 1


def _bucket(number: Decimal) -> int:
    size = abs(float(number))
    if size < float(1 / _LARGEST):
        return 0
    index = math.ceil(math.log(size, _GAMMA)) + _SHIFT
    return index if number > 0 else -index


def _middle(bucket: int) -> float:
    if bucket == 0:
        return 0.0
    size = 2 * _GAMMA ** (abs(bucket) - _SHIFT) / (_GAMMA + 1)
    return math.copysign(size, bucket)
