"""The charts of one event type: what they show, in bars and lines and in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.template.defaultfilters import filesizeformat
from semver import Version as SemVer

from events.charts import Chart, Key, Say, Series, histogram, lines, stacked
from events.fold import WEIGHT
from events.sketch import Sketch
from events.summarise import Group, SubjectStatistics, Tally
from registry.templatetags.ui import milliseconds, percent, short

#: Versions with a colour of their own; the others share one.
SHOWN_VERSIONS = 5
NO_VERSION = "no version"
PERCENTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def size(value: float) -> str:
    return str(filesizeformat(round(value))).replace("\xa0", " ").replace("bytes", "B").replace("byte", "B")


def volume(found: SubjectStatistics) -> Chart:
    total, tallies = found.total, list(found.points.values())
    sentence = (
        f"{short(total.events)} events: {short(total.valid)} valid, {short(total.violating)} stored with violations, "
        f"{short(total.quarantined)} quarantined."
    )
    series = [
        Series(Key("part-1", "valid"), [one.valid for one in tallies]),
        Series(Key("part-warn", "with violations"), [one.violating for one in tallies]),
        Series(Key("part-bad", "quarantined"), [one.quarantined for one in tallies]),
    ]
    return stacked("volume", list(found.points), series, sentence=sentence, say=short)


def violation_rate(found: SubjectStatistics) -> Chart:
    total, tallies = found.total, list(found.points.values())
    sentence = (
        f"{percent(total.violating_share)} of all events were stored with violations, "
        f"{percent(total.quarantined_share)} are in quarantine."
    )
    series = [
        Series(Key("part-warn", "with violations"), [one.violating_share for one in tallies]),
        Series(Key("part-bad", "quarantined"), [one.quarantined_share for one in tallies]),
    ]
    return lines("violation-rate", list(found.points), series, sentence=sentence, say=percent)


def adoption(found: SubjectStatistics, versions: Sequence[Group]) -> Chart:
    """What share of the stored events each version judged, step by step."""
    shown, rest = versions[:SHOWN_VERSIONS], versions[SHOWN_VERSIONS:]
    shown = sorted(shown, key=lambda group: by_precedence(group.name))
    at = list(found.points)
    series = [
        Series(Key(f"part-{n}", group.name or NO_VERSION), _stored(group.points, at))
        for n, group in enumerate(shown, start=1)
    ]
    if rest:
        others = [_stored(group.points, at) for group in rest]
        series.append(Series(Key("part-rest", "others"), [sum(row) for row in zip(*others, strict=True)]))
    most = versions[0]
    share = most.total.stored / found.total.stored
    sentence = f"{len(versions)} versions; {most.name or NO_VERSION} has the most events, {percent(share)}."
    return stacked("adoption", at, series, sentence=sentence, say=percent, share=True)


def execution_time(found: SubjectStatistics) -> Chart:
    at = list(found.points)
    nothing = Sketch()
    series = [
        Series(Key(tone, name), [found.times_at.get(moment, nothing).quantile(share) for moment in at])
        for (name, share), tone in zip(PERCENTILES, ("part-1", "part-2", "part-bad"), strict=True)
    ]
    sentence = f"Execution time: {_percentiles(found.times, milliseconds)}."
    return lines("execution-time", at, series, sentence=sentence, say=milliseconds)


def time_spread(found: SubjectStatistics) -> Chart:
    sentence = f"{_weighed(found.times)} execution times, half of them up to {milliseconds(found.times.quantile(0.5) or 0.0)}."
    return histogram("execution-time-spread", found.times, sentence=sentence, say=milliseconds, count=_count)


def size_spread(found: SubjectStatistics) -> Chart:
    sentence = f"Sizes of {_weighed(found.sizes)} events: {_percentiles(found.sizes, size)}."
    return histogram("sizes", found.sizes, sentence=sentence, say=size, count=_count)


def by_precedence(name: str) -> tuple[int, SemVer | str]:
    """Versions in their order, and before them what is none."""
    try:
        return 1, SemVer.parse(name)
    except ValueError:
        return 0, name


def _stored(points: Mapping[datetime, Tally], at: Sequence[datetime]) -> list[float]:
    return [points[moment].stored if moment in points else 0.0 for moment in at]


def _count(weight: float) -> str:
    return short(weight / WEIGHT)


def _weighed(sketch: Sketch) -> str:
    return _count(sketch.weight)


def _percentiles(sketch: Sketch, say: Say) -> str:
    return ", ".join(f"{name} {say(sketch.quantile(share) or 0.0)}" for name, share in PERCENTILES)
