"""What a backtest found, as it is stored and shown. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.engine import Episode
from alerts.groups import Group
from alerts.history import Matched

# Of so many groups and episodes the result tells; the counts are of all.
SHOWN = 200
BARS = 60
_STEPS = (1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 86400, 604800)

Found = Sequence[tuple[Group, Episode]]


@dataclass(frozen=True, slots=True)
class Result:
    """`verdict`: no_events (none in the range), no_match (none that the rule selects), quiet (some, but it would not have fired), fired."""

    verdict: str
    looked_at: int
    matched: int
    # Of these, how many came too late to count.
    late: int
    groups: int
    episodes: int
    # Messages that each channel would have got: an episode that fires and one that is over by the end of the range.
    notifications: int
    # [{"start", "outside", "inside"}]: matching events by time, outside and inside of episodes.
    bars: list[dict[str, Any]]
    # [{"group", "matched", "episodes"}], those with most episodes first.
    by_group: list[dict[str, Any]]
    # [{"group", "started_at", "fired_at", "closes_at", "peak", "matches", "share", "value", "firing"}], the newest first.
    shown: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Difference:
    """Against another edition over the same events; an episode is the same when one of its group overlaps it."""

    same: int
    only_new: int
    only_old: int
    # As `Result.shown`.
    shown_new: list[dict[str, Any]]
    shown_old: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def result_of(
    *, group_by: Sequence[str], looked_at: int, late: int, events: Sequence[Matched], found: Found
) -> Result:
    matched = Counter(one.group for one in events)
    fired = Counter(group for group, _ in found)
    ended = sum(not episode.firing for _, episode in found)
    selected = len(events) + late
    if found:
        verdict = "fired"
    elif selected:
        verdict = "quiet"
    else:
        verdict = "no_match" if looked_at else "no_events"
    return Result(
        verdict=verdict,
        looked_at=looked_at,
        matched=selected,
        late=late,
        groups=len(matched),
        episodes=len(found),
        notifications=len(found) + ended,
        bars=_bars(events, found),
        by_group=[
            {"group": group.readable(group_by), "matched": matched[group], "episodes": fired[group]}
            for group in sorted(matched, key=lambda one: (-fired[one], -matched[one], one.key))[:SHOWN]
        ],
        shown=_told(group_by, found),
    )


def difference_of(
    *, group_by: Sequence[str], new: Found, old: Found, old_group_by: Sequence[str]
) -> Difference:
    only_new = [one for one in new if not _has_twin(one, old)]
    only_old = [one for one in old if not _has_twin(one, new)]
    return Difference(
        same=len(new) - len(only_new),
        only_new=len(only_new),
        only_old=len(only_old),
        shown_new=_told(group_by, only_new),
        shown_old=_told(old_group_by, only_old),
    )


def _has_twin(one: tuple[Group, Episode], others: Found) -> bool:
    group, episode = one
    return any(
        other == group and episode.started_at <= twin.closes_at and twin.started_at <= episode.closes_at
        for other, twin in others
    )


def _told(group_by: Sequence[str], found: Found) -> list[dict[str, Any]]:
    names = ("started_at", "fired_at", "closes_at")
    return [
        {
            "group": group.readable(group_by),
            **{name: getattr(episode, name).isoformat() for name in names},
            "peak": episode.peak,
            "matches": episode.matches,
            "share": episode.share,
            "value": episode.value,
            "firing": episode.firing,
        }
        for group, episode in sorted(found, key=lambda one: one[1].fired_at, reverse=True)[:SHOWN]
    ]


def _bars(events: Sequence[Matched], found: Found) -> list[dict[str, Any]]:
    if not events:
        return []
    first, last = min(one.match.at for one in events), max(one.match.at for one in events)
    step = timedelta(seconds=_step((last - first).total_seconds()))
    count = (last - first) // step + 1
    inside, outside = [0] * count, [0] * count
    episodes: dict[Group, list[Episode]] = {}
    for group, episode in found:
        episodes.setdefault(group, []).append(episode)
    for one in events:
        at = one.match.at
        held = any(episode.holds(at) for episode in episodes.get(one.group, ()))
        (inside if held else outside)[(at - first) // step] += 1
    return [
        {"start": _iso(first + n * step), "outside": outside[n], "inside": inside[n]} for n in range(count)
    ]


def _step(seconds: float) -> float:
    """The shortest readable one with which there are not too many bars."""
    return next((step for step in _STEPS if seconds / step < BARS), seconds / (BARS - 1))


def _iso(at: datetime) -> str:
    return at.isoformat()
