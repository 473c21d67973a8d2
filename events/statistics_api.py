"""The REST door of statistics: parse, call, answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from events.api import limit_of
from events.errors import InvalidQuery
from events.fold import lag
from events.sketch import RELATIVE_ERROR, Sketch
from events.summarise import (
    SORTS,
    Group,
    GroupBy,
    Tally,
    in_order,
    points_of,
    summarise_all,
    summarise_subject,
    total_of,
)
from events.timeframe import RANGES, STEPS, Frame

_PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_GROUPINGS = ("version", "producer")
_FRAME = [
    OpenApiParameter(
        "from", OpenApiTypes.DATETIME, description="By the producers' clocks; without a zone UTC."
    ),
    OpenApiParameter("to", OpenApiTypes.DATETIME, description="Now by default."),
    OpenApiParameter("range", enum=list(RANGES), description="Instead of `from`; 24h by default."),
    OpenApiParameter("step", enum=list(STEPS), description="What fits the range by default."),
    OpenApiParameter("group_by", enum=list(_GROUPINGS)),
]


class TallyAnswer(serializers.Serializer[Any]):
    events = serializers.FloatField(help_text="Stored and quarantined, as there were before sampling.")
    stored = serializers.FloatField()
    with_violations = serializers.FloatField(help_text="Of the stored ones.")
    quarantined = serializers.FloatField()
    violation_rate = serializers.FloatField(
        allow_null=True, help_text="With violations or quarantined, as a share of all; null of none."
    )
    counted = serializers.IntegerField(help_text="How many events came in.")
    clock_out_of_range = serializers.IntegerField(
        help_text="Those of an impossible time; they are counted when they arrived."
    )
    last_seen = serializers.DateTimeField(allow_null=True, help_text="When the last one arrived.")


class PointAnswer(TallyAnswer):
    at = serializers.DateTimeField(help_text="Where the step begins.")


class EstimatedPercentiles(serializers.Serializer[Any]):
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class MeasuredPointAnswer(PointAnswer):
    execution_time_ms = EstimatedPercentiles()


class NamedTallyAnswer(TallyAnswer):
    name = serializers.CharField(help_text="Empty where no version judged, or none was named.")


class GroupAnswer(NamedTallyAnswer):
    share = serializers.FloatField(allow_null=True, help_text="Of all stored events.")
    size_bytes = EstimatedPercentiles()
    execution_time_ms = EstimatedPercentiles()
    points = PointAnswer(many=True)


class SubjectRowAnswer(TallyAnswer):
    subject = serializers.CharField()
    points = PointAnswer(many=True, help_text="Steps without events are left out.")
    groups = NamedTallyAnswer(many=True, required=False, help_text="With `group_by`.")


_FRAME_FIELDS: dict[str, Any] = {
    "from": serializers.DateTimeField(),
    "to": serializers.DateTimeField(),
    "step": serializers.CharField(),
    "not_counted_yet": serializers.IntegerField(
        help_text="Stored events that these numbers do not know yet."
    ),
}


@extend_schema(
    operation_id="statistics_list",
    description="Every event type with events in the frame, a page at a time. Numbers are weighted by `sample_rate`.",
    parameters=[
        *_FRAME,
        OpenApiParameter("type", description="Event type; `*` stands for any text."),
        OpenApiParameter("sort", enum=list(SORTS), description="volume by default."),
        OpenApiParameter("limit", int, description="Event types per page, at most 1000; 100 by default."),
        OpenApiParameter("after", description="Continue behind this cursor: `next` of the page before."),
    ],
    responses=inline_serializer(
        "StatisticsPage",
        {
            **_FRAME_FIELDS,
            "items": SubjectRowAnswer(many=True),
            "next": serializers.CharField(allow_null=True),
        },
    ),
)
@api_view(["GET"])
def statistics(request: Request) -> Response:
    """How much came of what."""
    actor, frame = caller(request), Frame.of(request.GET, now=timezone.now())
    limit, begin = limit_of(request), _begin(request.GET.get("after", ""))
    group_by = _grouping(request)
    found = summarise_all(actor=actor, frame=frame, event_type=request.GET.get("type", ""))
    ranked = list(in_order(found, request.GET.get("sort", "")))
    shown = dict(ranked[begin : begin + limit])
    points = points_of(actor=actor, frame=frame, names=list(shown))
    grouped = points_of(actor=actor, frame=frame, names=list(shown), by=group_by) if group_by else None
    items = [
        {
            "subject": name,
            **_tally(tally),
            "points": _points(points[name].get("", {})),
            **({"groups": _totals(grouped[name])} if grouped is not None else {}),
        }
        for name, tally in shown.items()
    ]
    more = len(ranked) > begin + limit
    return Response({**_frame(frame), "items": items, "next": str(begin + limit) if more else None})


@extend_schema(
    operation_id="statistics_get",
    description=f"One event type. Percentiles are off by {RELATIVE_ERROR:.0%} of their value at most.",
    parameters=_FRAME,
    responses=inline_serializer(
        "SubjectStatistics",
        {
            **_FRAME_FIELDS,
            "subject": serializers.CharField(),
            "total": TallyAnswer(),
            "size_bytes": EstimatedPercentiles(),
            "execution_time_ms": EstimatedPercentiles(),
            "points": MeasuredPointAnswer(many=True),
            "group_by": serializers.ChoiceField(_GROUPINGS),
            "groups": GroupAnswer(many=True),
        },
    ),
)
@api_view(["GET"])
def of_subject(request: Request, subject: str) -> Response:
    """Volume, violations, versions, sizes and execution times of one event type."""
    frame = Frame.of(request.GET, now=timezone.now())
    group_by = _grouping(request) or "version"
    found = summarise_subject(actor=caller(request), subject=subject, frame=frame, group_by=group_by)
    nothing = Sketch()
    points = [
        {"at": at, **_tally(tally), "execution_time_ms": _percentiles(found.times_at.get(at, nothing))}
        for at, tally in found.points.items()
    ]
    total = found.total
    return Response(
        {
            **_frame(frame),
            "subject": subject,
            "total": _tally(total),
            "size_bytes": _percentiles(found.sizes),
            "execution_time_ms": _percentiles(found.times),
            "points": points,
            "group_by": group_by,
            "groups": [_group(group, total) for group in sorted(found.groups, key=lambda group: group.name)],
        }
    )


def _group(group: Group, of: Tally) -> dict[str, Any]:
    total = group.total
    return {
        "name": group.name,
        **_tally(total),
        "share": total.stored / of.stored if of.stored else None,
        "size_bytes": _percentiles(group.sizes),
        "execution_time_ms": _percentiles(group.times),
        "points": _points(group.points),
    }


def _frame(frame: Frame) -> dict[str, Any]:
    return {"from": frame.start, "to": frame.end, "step": frame.step, "not_counted_yet": lag().waiting}


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "events": tally.events,
        "stored": tally.stored,
        "with_violations": tally.violating,
        "quarantined": tally.quarantined,
        "violation_rate": tally.violation_rate,
        "counted": tally.counted,
        "clock_out_of_range": tally.misdated,
        "last_seen": tally.last_seen,
    }


def _points(points: Mapping[datetime, Tally]) -> Sequence[dict[str, Any]]:
    return [{"at": at, **_tally(points[at])} for at in sorted(points)]


def _totals(groups: Mapping[str, Mapping[datetime, Tally]]) -> Sequence[dict[str, Any]]:
    return [{"name": name, **_tally(total_of(groups[name].values()))} for name in sorted(groups)]


def _percentiles(sketch: Sketch) -> dict[str, float | None]:
    return {name: sketch.quantile(share) for name, share in _PERCENTILES.items()}


def _grouping(request: Request) -> GroupBy | None:
    asked = request.GET.get("group_by", "")
    if asked and asked not in _GROUPINGS:
        raise InvalidQuery(f"'group_by' is version or producer, not '{asked}'.", parameter="group_by")
    return cast(GroupBy, asked) if asked else None


def _begin(cursor: str) -> int:
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 9):
        raise InvalidQuery(
            f"'after' is what 'next' of the page before said, not '{cursor}'.", parameter="after"
        )
    return int(cursor or 0)
