"""Percentiles of weighted samples, and whether two sets of samples differ. Pure."""

import math
import random
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from statistics import NormalDist

PERCENTILES = (0.5, 0.95, 0.99)
#: So many samples have to lie beyond a percentile on either side before anything is said about it.
BEYOND = 10
# Nine comparisons stand on a page (three measures, three percentiles): all nine hold together at 95 %.
_CONFIDENCE = 1 - 0.05 / 9
_DRAWS = 4_000
# Any; the same numbers give the same answer every time.
_SEED = 20_261_125


class Samples:
    """Measured values, each standing for `weight` operations."""

    def __init__(self, pairs: Sequence[tuple[float, float]]) -> None:
        ordered = sorted(pairs)
        self.values = [value for value, _ in ordered]
        self._below = list(accumulate(weight for _, weight in ordered))
        squares = sum(weight * weight for _, weight in ordered)
        # Kish: how many samples of equal weight say as much.
        self.effective = self.total**2 / squares if squares else 0.0

    @property
    def total(self) -> float:
        """How many operations they stand for."""
        return self._below[-1] if self._below else 0.0

    def percentile(self, share: float) -> float | None:
        """The least value that at least this share of the operations did not exceed."""
        return self.percentiles([share])[0] if self.values else None

    def percentiles(self, shares: Iterable[float]) -> list[float]:
        """As many at once, of some values."""
        values, below, last, total = self.values, self._below, len(self.values) - 1, self.total * (1 - 1e-12)
        return [values[min(bisect_left(below, share * total), last)] for share in shares]

    def enough_for(self, share: float) -> bool:
        return self.effective * min(share, 1 - share) >= BEYOND


@dataclass(frozen=True, slots=True)
class Difference:
    """New less old at one percentile; `low` to `high` holds the true one, with all nine of a page, at 95 %.

    `verdict` is "too_few", "within_noise", "higher" or "lower".
    """

    share: float
    old: float | None
    new: float | None
    low: float | None
    high: float | None
    verdict: str

    @property
    def change(self) -> float | None:
        return None if self.old is None or self.new is None else self.new - self.old

    @property
    def relative(self) -> float | None:
        return self.change / self.old if self.change is not None and self.old else None


def differences(old: Samples, new: Samples) -> list[Difference]:
    """By the bootstrap of each percentile. Samples are taken to be independent of one another."""
    return [_difference(old, new, share) for share in PERCENTILES]


def _difference(old: Samples, new: Samples, share: float) -> Difference:
    before, after = old.percentile(share), new.percentile(share)
    if not (old.enough_for(share) and new.enough_for(share)):
        return Difference(share, before, after, None, None, "too_few")
    draws = _draws()
    one, other = _resampled(old, share, *draws[:2]), _resampled(new, share, *draws[2:])
    drawn = sorted(late - early for early, late in zip(one, other, strict=True))
    outside = (1 - _CONFIDENCE) / 2
    low, high = drawn[int(outside * _DRAWS)], drawn[int((1 - outside) * _DRAWS)]
    verdict = "higher" if low > 0 else "lower" if high < 0 else "within_noise"
    return Difference(share, before, after, low, high, verdict)


@cache
def _draws() -> list[list[float]]:
    """Four times the same standard normal numbers, in four orders: what every comparison draws by."""
    evenly = [NormalDist().inv_cdf((number + 0.5) / _DRAWS) for number in range(_DRAWS)]
    chance = random.Random(_SEED)  # noqa: S311 -- no secret
    return [chance.sample(evenly, _DRAWS) for _ in range(4)]


def _resampled(samples: Samples, share: float, one: list[float], other: list[float]) -> list[float]:
    """What the percentile is in samples drawn again from these.

    The k-th of n uniform numbers has the distribution Beta(k, n + 1 − k), so that it need not be found by drawing n of them.
    """
    k = share * samples.effective
    rest = samples.effective + 1 - k
    drawn = zip(_gamma(k, one), _gamma(rest, other), strict=True)
    return samples.percentiles(below / (below + above) for below, above in drawn)


def _gamma(shape: float, normal: list[float]) -> list[float]:
    """Numbers with a Gamma distribution from normal ones. Shapes are BEYOND at least, where the cube of Wilson and Hilferty is good."""
    middle, spread = 1 - 1 / (9 * shape), 1 / (3 * math.sqrt(shape))
    return [shape * (middle + spread * value) ** 3 for value in normal]
