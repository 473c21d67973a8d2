"""The REST door of what the log takes on disk."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from events.errors import InvalidQuery
from events.storage import DAYS_AHEAD, storage_used

_MOST_DAYS = 3_650


class DayStorageAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()
    day = serializers.DateField(allow_null=True)
    events = serializers.IntegerField(help_text="Estimated where the day is not compressed.")
    table_bytes = serializers.IntegerField()
    index_bytes = serializers.IntegerField()
    cold = serializers.BooleanField()
    ratio = serializers.FloatField(allow_null=True, help_text="How many times smaller compressing made it.")
    drops_on = serializers.DateField(
        allow_null=True, help_text="When the longest retention of all subjects has passed."
    )


class SubjectStorageAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()
    events = serializers.IntegerField(help_text="Estimated from a sample.")
    bytes = serializers.IntegerField(help_text="Estimated from a sample; indexes included.")
    retention_days = serializers.IntegerField(allow_null=True)


class ProjectedAnswer(serializers.Serializer[Any]):
    day = serializers.DateField()
    hot = serializers.IntegerField()
    cold = serializers.IntegerField()


class StorageAnswer(serializers.Serializer[Any]):
    log_bytes = serializers.IntegerField()
    cold_bytes = serializers.IntegerField()
    index_bytes = serializers.IntegerField()
    database_bytes = serializers.IntegerField()
    beside = serializers.DictField(
        child=serializers.IntegerField(), help_text="Bytes of the tables beside the log."
    )
    events = serializers.IntegerField()
    events_a_day = serializers.IntegerField()
    bytes_a_day = serializers.IntegerField()
    ratio = serializers.FloatField(allow_null=True)
    raw_ratio = serializers.FloatField(allow_null=True)
    retention_days = serializers.IntegerField()
    longest_retention_days = serializers.IntegerField()
    days = DayStorageAnswer(many=True)
    subjects = SubjectStorageAnswer(many=True)
    projection = ProjectedAnswer(many=True)


@extend_schema(
    operation_id="storage_get",
    description="What the log takes on disk, by day and by subject, and what it will take if days stay as they are.",
    parameters=[OpenApiParameter("days", int, description=f"How far ahead; {DAYS_AHEAD} by default.")],
    responses=StorageAnswer,
)
@api_view(["GET"])
def storage(request: Request) -> Response:
    """For administrators."""
    used = storage_used(actor=caller(request), days_ahead=days_of(request.GET.get("days", "")))
    totals = {
        "log_bytes": used.log,
        "cold_bytes": used.cold,
        "index_bytes": used.indexes,
        "database_bytes": used.database,
        "events": used.events,
    }
    return Response({**totals, **asdict(used)})


def days_of(text: str) -> int:
    """Raises InvalidQuery."""
    if not text:
        return DAYS_AHEAD
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= _MOST_DAYS):
        raise InvalidQuery(f"'days' is a number from 1 to {_MOST_DAYS}, not '{text}'.", parameter="days")
    return int(text)
