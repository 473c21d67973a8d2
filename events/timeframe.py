"""Which stretch of time is asked for, and in which steps: from a query string to what the roll-ups can answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from events.errors import InvalidQuery
from events.fold import ORIGIN, Tier, tiers
from events.query import time_of

RANGES = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=365),
}
STEPS = {
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "3h": timedelta(hours=3),
    "6h": timedelta(hours=6),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
}
# Up to so long a stretch is shown in these steps when nothing is said; a longer one in weeks.
_FITTING = (
    (timedelta(hours=12), "5m"),
    (timedelta(days=2), "1h"),
    (timedelta(days=8), "3h"),
    (timedelta(days=200), "1d"),
)
MAX_POINTS = 1_000
_ORIGIN = datetime.fromisoformat(ORIGIN)


@dataclass(frozen=True, slots=True)
class Frame:
    """From `start` to `end`, both on the border of a step; `tier` says which rows are added up."""

    start: datetime
    end: datetime
    step: str
    tier: Tier

    @classmethod
    def of(cls, given: Mapping[str, str], *, now: datetime) -> "Frame":
        """`from` and `to`, or the last `range`; in steps of `step`. Raises InvalidQuery, naming the parameter."""
        end = time_of("to", given.get("to", "")) or now
        start = time_of("from", given.get("from", "")) or _before(end, given.get("range", ""))
        if start >= end:
            raise InvalidQuery("'from' is before 'to'.", parameter="from")
        step = given.get("step", "") or _fitting(end - start, start, now)
        if step not in STEPS:
            raise InvalidQuery(f"'step' is one of {', '.join(STEPS)}, not '{step}'.", parameter="step")
        frame = cls(*_rounded(start, end, STEPS[step]), step, _tier_of(step))
        frame._check(now)
        return frame

    @property
    def length(self) -> timedelta:
        return STEPS[self.step]

    def slots(self) -> Iterator[datetime]:
        """Where each step begins."""
        at = self.start
        while at < self.end:
            yield at
            at += self.length

    def _check(self, now: datetime) -> None:
        points = (self.end - self.start) // self.length
        if points > MAX_POINTS:
            raise InvalidQuery(
                f"That is {points:,} points, and an answer has {MAX_POINTS:,} at most: ask for longer steps or less time.",
                parameter="step",
            )
        if not _reaches(self.tier, self.start, now) and self.tier != tiers()[-1]:
            raise InvalidQuery(
                f"Steps of {self.step} are kept for {self.tier.kept.days} days: ask for longer steps, or a later 'from'.",
                parameter="step",
            )


def _before(end: datetime, name: str) -> datetime:
    length = RANGES.get(name or "24h")
    if length is None:
        raise InvalidQuery(f"'range' is one of {', '.join(RANGES)}, not '{name}'.", parameter="range")
    try:
        return end - length
    except OverflowError as early:
        raise InvalidQuery("'to' is a time since the year 2.", parameter="to") from early


def _fitting(length: timedelta, start: datetime, now: datetime) -> str:
    """The finest step that is not too fine to be seen, and that is still kept at `start`."""
    names = list(STEPS)
    first = next((step for limit, step in _FITTING if length <= limit), names[-1])
    coarser = names[names.index(first) :]
    return next((step for step in coarser if _reaches(_tier_of(step), start, now)), names[-1])


def _tier_of(step: str) -> Tier:
    """The coarsest rows of which steps can be made."""
    return next(tier for tier in reversed(tiers()) if not STEPS[step] % tier.step)


def _reaches(tier: Tier, start: datetime, now: datetime) -> bool:
    return start >= tier.since(now.astimezone(UTC).date())


def _rounded(start: datetime, end: datetime, step: timedelta) -> tuple[datetime, datetime]:
    """Outwards, to whole steps."""
    try:
        return start - (start - _ORIGIN) % step, end + (_ORIGIN - end) % step
    except OverflowError as beyond:
        raise InvalidQuery("'from' and 'to' lie between the years 2 and 9998.", parameter="from") from beyond
