"""What requests about replays may say, and what the answers look like."""

from typing import Any

import orjson
from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from events.models import Replay, ReplayItem
from events.replay import Destination, Manner
from events.replay_clock import ends_at, stands_at
from events.replay_scope import Scope


@extend_schema_field({"oneOf": [{"type": "number", "exclusiveMinimum": 0}, {"enum": ["max"]}]})
class SpeedField(serializers.Field[Any, Any, Any, Any]):
    """A multiplier, or "max" for as fast as possible (kept as 0)."""

    def to_internal_value(self, data: object) -> float:
        if data == "max":
            return 0.0
        if isinstance(data, bool) or not isinstance(data, int | float) or data <= 0:
            raise serializers.ValidationError(
                f"A multiplier from 0.01 to {settings.REPLAY_MAX_SPEED:g}, or 'max'."
            )
        return float(data)

    def to_representation(self, value: float) -> float | str:
        return value or "max"


@extend_schema_field({"oneOf": [{"type": "object"}, {"type": "boolean"}, {"type": "string"}]})
class SchemaField(serializers.Field[Any, Any, Any, Any]):
    """A schema as JSON, or as its text."""

    def to_internal_value(self, data: object) -> str:
        return data if isinstance(data, str) else orjson.dumps(data).decode()


class PlanRequest(serializers.Serializer[Any]):
    correlation_id = serializers.CharField(max_length=255, required=False, allow_blank=True, default="")
    descendants = serializers.BooleanField(
        required=False, default=False, help_text="With a correlation: what it started, too."
    )
    trace_id = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    query = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=2000),
        required=False,
        default=dict,
        help_text="Filters as `GET /api/v1/events` takes them; `since` and `until` make a time range.",
    )
    max_gap = serializers.FloatField(
        required=False, allow_null=True, default=None, help_text="Longest wait, in seconds of original time."
    )
    order = serializers.ChoiceField(
        Replay.Order.choices,
        required=False,
        allow_null=True,
        default=None,
        help_text="null: by the producers' clocks, where these can be believed.",
    )
    speed = SpeedField(default=1.0, help_text="Multiplier, or 'max'.")

    def get_fields(self) -> dict[str, Any]:
        told = serializers.CharField(
            max_length=250,
            required=False,
            allow_blank=True,
            default="",
            help_text="Play events as this version of their subject: a range such as `^2`, an exact one, a number or `latest`.",
        )
        # A word of the language, so no name of a field here.
        return {**super().get_fields(), "as": told}

    def scope(self) -> Scope:
        given = self.validated_data
        chosen = {name: text for name, text in given["query"].items() if text}
        return Scope(given["correlation_id"], given["trace_id"], chosen, descendants=given["descendants"])


class ReplayRequest(PlanRequest):
    to = serializers.CharField(
        required=False, default="", help_text="webhook, browser, ingest, schema, file or rule."
    )
    target = serializers.CharField(
        max_length=2000, required=False, allow_blank=True, default="", help_text="The webhook's address."
    )
    secret = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=200,
        help_text="whsec_…: requests are signed with it.",
    )
    subject = serializers.CharField(required=False, default="", max_length=255)
    version = serializers.CharField(
        required=False, default="", max_length=100, help_text="latest, a number, a SemVer or a range."
    )
    schema = SchemaField(required=False, default="", help_text="In place of a version: a candidate.")
    rule = serializers.DictField(required=False, default=dict, help_text="A candidate alert rule.")
    side_effects = serializers.BooleanField(required=False, default=False)
    late_policy = serializers.ChoiceField(
        Replay.Late.choices, required=False, default=Replay.Late.CATCH_UP.value
    )
    loop = serializers.IntegerField(required=False, default=0, help_text="Passes after the first.")

    def destination(self) -> Destination:
        given = self.validated_data
        return Destination(
            # Nothing leaves the server unless an address is named.
            kind=given["to"] or ("webhook" if given["target"] else "browser"),
            address=given["target"],
            **{name: given[name] for name in ("secret", "subject", "version", "schema", "rule")},
            side_effects=given["side_effects"],
        )

    def manner(self) -> Manner:
        given = self.validated_data
        order = Replay.Order(given["order"]) if given["order"] else None
        late = Replay.Late(given["late_policy"])
        return Manner(given["speed"], given["max_gap"], order, late, given["loop"], given["as"])


class SpeedRequest(serializers.Serializer[Any]):
    speed = SpeedField()


class StepRequest(serializers.Serializer[Any]):
    count = serializers.IntegerField(required=False, default=1)


class SeekRequest(serializers.Serializer[Any]):
    """One of the three."""

    position = serializers.IntegerField(required=False, allow_null=True, default=None)
    offset = serializers.FloatField(
        required=False, allow_null=True, default=None, help_text="Seconds after the first event."
    )
    time = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="When it happened."
    )


class LoopRequest(serializers.Serializer[Any]):
    passes = serializers.IntegerField()


class ReplayAnswer(serializers.ModelSerializer[Replay]):
    """Without the secret, which nobody is shown again."""

    to = serializers.CharField(source="kind")
    speed = SpeedField()
    stands_at = serializers.SerializerMethodField(help_text="Of the virtual clock, in seconds.")
    ends_at = serializers.SerializerMethodField(help_text="At the present speed; null while it does not run.")
    previous = serializers.UUIDField(source="previous_id", allow_null=True)

    class Meta:
        model = Replay
        fields: tuple[str, ...] = (
            "id",
            "scope",
            "correlation_id",
            "event_types",
            "to",
            "target",
            "side_effects",
            "speed",
            "max_gap",
            "order",
            "late_policy",
            "slipped",
            "segment",
            "pass_number",
            "passes_left",
            "previous",
            "state",
            "total",
            "done",
            "failed",
            "length",
            "skipped",
            "missing",
            "stands_at",
            "ends_at",
            "problem",
            "created_by",
            "created_at",
            "started_at",
            "finished_at",
        )

    def get_fields(self) -> dict[str, Any]:
        told = serializers.CharField(
            source="read_as", help_text="The version that events are played as; empty: as they were sent."
        )
        return {**super().get_fields(), "as": told}

    def get_stands_at(self, replay: Replay) -> float:
        return stands_at(replay, timezone.now())

    def get_ends_at(self, replay: Replay) -> str | None:
        at = ends_at(replay, timezone.now())
        return at.isoformat() if at else None


class ItemAnswer(serializers.ModelSerializer[ReplayItem]):
    late_ms = serializers.FloatField(allow_null=True)

    class Meta:
        model = ReplayItem
        fields = (
            "index",
            "position",
            "event_id",
            "event_type",
            "occurred_at",
            "virtual",
            "planned_at",
            "sent_at",
            "late_ms",
            "outcome",
            "status",
            "problem",
            "details",
        )


TIMING = inline_serializer(
    "ReplayTiming",
    {
        "events": serializers.IntegerField(),
        "late_p50_ms": serializers.FloatField(allow_null=True),
        "late_p99_ms": serializers.FloatField(allow_null=True),
        "late_max_ms": serializers.FloatField(allow_null=True),
    },
)
PLAN = inline_serializer(
    "ReplayPlan",
    {
        "total": serializers.IntegerField(),
        "event_types": serializers.ListField(child=serializers.CharField()),
        "order": serializers.ChoiceField(Replay.Order.choices),
        "began": serializers.DateTimeField(),
        "ended": serializers.DateTimeField(),
        "length": serializers.FloatField(),
        "skipped": serializers.FloatField(),
        "seconds": serializers.FloatField(help_text="How long it takes at the speed; 0 for 'max'."),
        "missing": serializers.ListField(child=serializers.DictField()),
    },
)
OUTCOMES = inline_serializer(
    "ReplayOutcomes",
    {
        "counts": serializers.DictField(child=serializers.IntegerField()),
        "causes": inline_serializer(
            "ReplayCause",
            {
                "event_type": serializers.CharField(),
                "place": serializers.CharField(help_text="A JSON Pointer; `*` is any position in an array."),
                "keyword": serializers.CharField(),
                "count": serializers.IntegerField(),
                "event_id": serializers.CharField(help_text="The first such event."),
                "message": serializers.CharField(),
            },
            many=True,
        ),
        "undecryptable": serializers.IntegerField(
            help_text="Events with fields whose key is revoked or destroyed; they are played as they are stored."
        ),
        "summary": serializers.DictField(help_text="What the target says about all of them, where it does."),
    },
)
