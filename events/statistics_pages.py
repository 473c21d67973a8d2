"""The pages of statistics: all event types, and one of them."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from access.actor import Actor
from access.caller import caller
from events import statistics_charts as charts
from events.charts import Sparkline
from events.errors import InvalidQuery
from events.fold import lag
from events.producers import never_arrived
from events.statistics_forms import FrameForm, StatisticsFilters
from events.summarise import (
    Group,
    SubjectStatistics,
    Tally,
    in_order,
    points_of,
    producers_of,
    summarise_all,
    summarise_subject,
    total_of,
)
from events.timeframe import Frame
from registry.models import Subject, Version
from registry.templatetags.ui import milliseconds, short

PAGE_SIZE = 50
_LONGEST_CURSOR = 6


@require_safe
def statistics(request: HttpRequest) -> HttpResponse:
    form, actor = StatisticsFilters(request.GET), caller(request)
    try:
        frame = Frame.of(request.GET, now=timezone.now())
        found = summarise_all(actor=actor, frame=frame, event_type=request.GET.get("type", ""))
        ranked = list(in_order(found, request.GET.get("sort", "")))
    except InvalidQuery as wrong:
        return _refused(request, "events/statistics.html", form, wrong)
    given = request.GET.get("after", "")
    begin = int(given) if given.isascii() and given.isdigit() and len(given) <= _LONGEST_CURSOR else 0
    shown = ranked[begin : begin + PAGE_SIZE]
    points = points_of(actor=actor, frame=frame, names=[name for name, _ in shown])
    context = {
        "filters": form,
        "frame": frame,
        "rows": [(name, tally, _sparkline(frame, points[name].get("", {}))) for name, tally in shown],
        "total": total_of(found.values()),
        "types": len(ranked),
        "note": f"of {len(ranked):,} event types",
        "previous": max(begin - PAGE_SIZE, 0) if begin else None,
        "next": begin + PAGE_SIZE if len(ranked) > begin + PAGE_SIZE else None,
        "lag": lag(),
    }
    return render(request, "events/statistics.html", context)


@require_safe
def of_subject(request: HttpRequest, subject: str) -> HttpResponse:
    form, actor = FrameForm(request.GET), caller(request)
    try:
        frame = Frame.of(request.GET, now=timezone.now())
    except InvalidQuery as wrong:
        return _refused(request, "events/subject_statistics.html", form, wrong, subject=subject)
    found = summarise_subject(actor=actor, subject=subject, frame=frame)
    versions = sorted(
        (group for group in found.groups if group.total.stored), key=lambda group: -group.total.stored
    )
    context = {
        "filters": form,
        "subject": subject,
        "frame": frame,
        "found": found,
        "total": found.total,
        "counted_note": _counted(found.total),
        "lag": lag(),
        "told": never_arrived(actor=actor, event_type=subject),
        "told_url": f"{reverse('producers')}?{urlencode({'type': subject})}",
        "in_catalogue": Subject.objects.filter(name=subject).exists(),
        "json_url": f"/api/v1/statistics/{quote(subject, safe='')}?{request.GET.urlencode()}",
        **_charts(found, versions),
        **_who(actor, found, versions),
    }
    return render(request, "events/subject_statistics.html", context)


def _counted(total: Tally) -> str:
    return f"estimated from {total.counted:,} sampled events" if total.estimated else "each of them counted"


def _refused(
    request: HttpRequest, template: str, form: FrameForm, wrong: InvalidQuery, **context: Any
) -> HttpResponse:
    name = str(wrong.facts.get("parameter", ""))
    form.add_error(name if name in form.fields else None, wrong.message)
    return render(request, template, {"filters": form, "frame": None, **context}, status=422)


def _sparkline(frame: Frame, points: Mapping[Any, Tally]) -> Sparkline:
    tallies = [points.get(at, Tally()) for at in frame.slots()]
    total = total_of(tallies)
    told = f"{short(total.events)} events, {short(total.violating + total.quarantined)} with violations"
    bad = [one.violating + one.quarantined for one in tallies]
    return Sparkline([one.events for one in tallies], bad, told)


def _charts(found: SubjectStatistics, versions: Sequence[Group]) -> dict[str, Any]:
    """Those for which there is something to be drawn, and the rows of their tables."""
    if not found.total.events:
        return {}
    drawn: dict[str, Any] = {
        "volume": charts.volume(found),
        "violation_rate": charts.violation_rate(found),
        "steps": [
            (at, tally, [_quantile(found, at, share) for _, share in charts.PERCENTILES])
            for at, tally in found.points.items()
            if tally.events
        ],
    }
    if versions:
        drawn |= {"adoption": charts.adoption(found, versions), "sizes": charts.size_spread(found)}
        shown = sorted(versions[: charts.SHOWN_VERSIONS], key=lambda group: charts.by_precedence(group.name))
        drawn["adoption_names"] = [group.name or charts.NO_VERSION for group in shown]
        drawn["adoption_steps"] = [
            (at, [_share(group, at, tally.stored) for group in shown])
            for at, tally in found.points.items()
            if tally.stored
        ]
        drawn["size_percentiles"] = _named(found.sizes.quantile, charts.size)
    if found.times.weight:
        drawn |= {"execution_time": charts.execution_time(found), "time_spread": charts.time_spread(found)}
        drawn["time_percentiles"] = _named(found.times.quantile, milliseconds)
    return drawn


def _quantile(found: SubjectStatistics, at: Any, share: float) -> float | None:
    sketch = found.times_at.get(at)
    return sketch.quantile(share) if sketch else None


def _named(quantile: Any, say: Any) -> list[tuple[str, str]]:
    return [(name, say(quantile(share))) for name, share in charts.PERCENTILES]


def _share(group: Group, at: Any, of: float) -> float:
    tally = group.points.get(at)
    return tally.stored / of if tally else 0.0


def _who(actor: Actor, found: SubjectStatistics, versions: Sequence[Group]) -> dict[str, Any]:
    """The versions with their states, and who sends what: those who are still on a deprecated one above all."""
    sent = producers_of(actor=actor, subject=found.subject, frame=found.frame)
    labels = {group.name for group in versions}
    known = {
        version.semver: version
        for version in Version.objects.filter(subject__name=found.subject, semver__in=labels)
    }
    by_version = [_version_row(group, found.total.stored, known, sent) for group in versions]
    producers = [_producer_row(name, of, known) for name, of in sent.items()]
    return {
        "versions": by_version,
        "producers": sorted(producers, key=lambda row: -row["total"].events),
        "behind": [
            row for row in by_version if row["version"] and row["version"].state == Version.State.DEPRECATED
        ],
    }


# By producer, and by version.
_Sent = Mapping[str, Mapping[str, Tally]]


def _version_row(group: Group, stored: float, known: Mapping[str, Version], sent: _Sent) -> dict[str, Any]:
    return {
        "name": group.name,
        "version": known.get(group.name),
        "total": group.total,
        "share": group.total.stored / stored,
        "p95": group.times.quantile(0.95),
        "producers": sorted(who for who, of in sent.items() if group.name in of and of[group.name].stored),
    }


def _producer_row(name: str, of: Mapping[str, Tally], known: Mapping[str, Version]) -> dict[str, Any]:
    return {
        "name": name,
        "total": total_of(of.values()),
        "versions": [
            (label, known.get(label), of[label])
            for label in sorted(of, key=charts.by_precedence)
            if of[label].stored
        ],
    }
