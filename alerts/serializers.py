"""The JSON of rules, episodes and channels."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from access.models import Delivery
from alerts.cel import cel_of
from alerts.course import course_of
from alerts.lists import evidence_of
from alerts.models import Channel, Compare, Episode, Function, Kind, Rule, RuleVersion, Severity
from alerts.rule_spec import RuleSpec
from alerts.rules import Saved


class ConditionField(serializers.JSONField):
    """The condition tree, as JSON; where one is asked for, CEL text is taken as well."""


class RuleRequest(serializers.Serializer[Any]):
    name = serializers.CharField()
    description = serializers.CharField(default="", allow_blank=True)
    selector = ConditionField(
        help_text='{"all": […]}, {"any": […]}, {"not": …} or {"field", "op", "value"}; or CEL text: docs/reference/alerts.md'
    )
    kind = serializers.ChoiceField(
        Kind.choices, default=Kind.COUNT, help_text="What it looks for: docs/reference/alerts.md"
    )
    hits = ConditionField(
        default=None,
        allow_null=True,
        help_text="Of the kind share: which of the selected events are counted as hits; a condition tree, or CEL text.",
    )
    percent = serializers.DecimalField(
        max_digits=6,
        decimal_places=3,
        default=None,
        allow_null=True,
        coerce_to_string=False,
        help_text="Of the kind share: it fires when more of the events than this are hits.",
    )
    remember_days = serializers.IntegerField(
        default=None,
        allow_null=True,
        help_text="Of the kinds new and absence: a group of which no event was selected in so many days is new, and not missed.",
    )
    field = serializers.CharField(
        default=None,
        allow_null=True,
        help_text="Of the kinds distinct and value: where the values, or the numbers, are.",
    )
    function = serializers.ChoiceField(
        Function.choices,
        default=None,
        allow_null=True,
        help_text="Of the kind value: what the numbers of a window are taken for.",
    )
    compare = serializers.ChoiceField(
        Compare.choices,
        default=None,
        allow_null=True,
        help_text="Of the kinds value and change: on which side it fires.",
    )
    limit = serializers.DecimalField(
        max_digits=30, decimal_places=9, default=None, allow_null=True, coerce_to_string=False
    )
    factor = serializers.DecimalField(
        max_digits=9,
        decimal_places=3,
        default=None,
        allow_null=True,
        coerce_to_string=False,
        help_text="Of the kind change: how many times as many, or one of how many, as before.",
    )
    baseline_windows = serializers.IntegerField(
        default=None, allow_null=True, help_text="Of the kind change: how many windows before are looked at."
    )
    then = ConditionField(
        default=None,
        allow_null=True,
        help_text="Of the kinds sequence and missing: what follows a selected event, or does not; a condition tree, or CEL text.",
    )
    within_seconds = serializers.IntegerField(
        default=None, allow_null=True, help_text="Of the kinds sequence and missing: in which time."
    )
    pair_by = serializers.ListField(
        child=serializers.CharField(),
        default=None,
        allow_null=True,
        help_text="Of the kinds sequence and missing: the fields in which both events have the same values.",
    )
    threshold = serializers.IntegerField(
        default=1,
        help_text="Of the kinds share and value: how many events the window holds at least; of distinct, how many values.",
    )
    window_seconds = serializers.IntegerField(default=300)
    group_by = serializers.ListField(child=serializers.CharField(), default=list)
    for_seconds = serializers.IntegerField(
        default=0, help_text="How long a group has to be over, without interruption, before it fires."
    )
    keep_firing_seconds = serializers.IntegerField(default=0)
    severity = serializers.ChoiceField(Severity.choices, default=Severity.WARNING)
    channels = serializers.ListField(
        child=serializers.IntegerField(), default=list, help_text="Ids of channels."
    )
    flapping_after = serializers.IntegerField(
        default=None,
        allow_null=True,
        help_text="A group that fires more often within an hour is told of in one message an hour; null: each time.",
    )
    remind_minutes = serializers.IntegerField(
        default=None,
        allow_null=True,
        help_text="How often channels are told again of an episode that nobody sees to.",
    )
    escalate_minutes = serializers.IntegerField(
        default=None, allow_null=True, help_text="After how long without anybody who sees to it …"
    )
    escalate_to = serializers.ListField(
        child=serializers.IntegerField(), default=list, help_text="… these channels are told as well; ids."
    )
    inhibited_by = serializers.ListField(
        child=serializers.IntegerField(),
        default=list,
        help_text="While an episode of one of these rules fires, nobody is told of this rule's; ids.",
    )
    inhibit_equal = serializers.ListField(
        child=serializers.CharField(),
        default=list,
        help_text="… if both have the same values in these fields, by which both rules group.",
    )
    edition = serializers.IntegerField(
        required=False, help_text="On PUT: the edition that was edited; another one meanwhile is 409."
    )

    def spec(self) -> RuleSpec:
        given = {name: value for name, value in self.validated_data.items() if name != "edition"}
        return RuleSpec(**given)


class PreviewRequest(RuleRequest):
    name = serializers.CharField(default="preview")


class ConditionsInCel(serializers.Serializer[RuleVersion]):
    """Each condition of an edition as CEL text; null where there is none, and for a tree that CEL text cannot say."""

    selector = serializers.SerializerMethodField()
    hits = serializers.SerializerMethodField()
    then = serializers.SerializerMethodField()

    def get_selector(self, edition: RuleVersion) -> str | None:
        return cel_of(edition.selector)

    def get_hits(self, edition: RuleVersion) -> str | None:
        return cel_of(edition.hits)

    def get_then(self, edition: RuleVersion) -> str | None:
        return cel_of(edition.then)


class EditionAnswer(serializers.ModelSerializer[RuleVersion]):
    selector = ConditionField()
    hits = ConditionField(allow_null=True)
    then = ConditionField(allow_null=True)
    cel = ConditionsInCel(source="*", read_only=True)
    percent = serializers.FloatField(allow_null=True)
    limit = serializers.FloatField(allow_null=True)
    factor = serializers.FloatField(allow_null=True)

    class Meta:
        model = RuleVersion
        fields = (
            "number",
            "description",
            "selector",
            "cel",
            "kind",
            "hits",
            "percent",
            "remember_days",
            "field",
            "function",
            "compare",
            "limit",
            "factor",
            "baseline_windows",
            "then",
            "within_seconds",
            "pair_by",
            "event_types",
            "threshold",
            "window_seconds",
            "group_by",
            "for_seconds",
            "keep_firing_seconds",
            "severity",
            "created_by",
            "created_at",
        )


class RuleAnswer(serializers.ModelSerializer[Rule]):
    edition = EditionAnswer(source="current")
    channels = serializers.PrimaryKeyRelatedField[Channel](many=True, read_only=True)
    escalate_to = serializers.PrimaryKeyRelatedField[Channel](many=True, read_only=True)
    inhibited_by = serializers.PrimaryKeyRelatedField[Rule](many=True, read_only=True)
    state = serializers.SerializerMethodField()
    firing = serializers.SerializerMethodField(help_text="How many groups fire now.")
    pending = serializers.SerializerMethodField(
        help_text="How many groups are over, but not for `for_seconds` yet."
    )

    class Meta:
        model = Rule
        fields = (
            "id",
            "name",
            "enabled",
            "state",
            "firing",
            "pending",
            "problem",
            "edition",
            "channels",
            "flapping_after",
            "remind_minutes",
            "escalate_minutes",
            "escalate_to",
            "inhibited_by",
            "inhibit_equal",
            "starts_after",
            "cursor",
            "evaluated_at",
            "late_ignored",
            "created_by",
            "created_at",
        )

    def get_state(self, rule: Rule) -> str:
        return rule.state()

    def get_firing(self, rule: Rule) -> int:
        return int(getattr(rule, "firing", 0))

    def get_pending(self, rule: Rule) -> int:
        return int(getattr(rule, "pending", 0))


class SavedAnswer(serializers.Serializer[Saved]):
    rule = RuleAnswer()
    warnings = serializers.ListField(child=serializers.CharField())


class WouldFireAnswer(serializers.Serializer[Any]):
    group = serializers.DictField()
    started_at = serializers.DateTimeField(source="episode.started_at")
    fired_at = serializers.DateTimeField(source="episode.fired_at")
    closes_at = serializers.DateTimeField(source="episode.closes_at")
    peak = serializers.IntegerField(source="episode.peak")
    share = serializers.FloatField(
        source="episode.share", allow_null=True, help_text="Of a share: the highest, in per cent."
    )
    value = serializers.FloatField(
        source="episode.value", allow_null=True, help_text="Of a value: the one furthest beyond the limit."
    )
    matches = serializers.IntegerField(source="episode.matches")


class PreviewAnswer(serializers.Serializer[Any]):
    sentence = serializers.CharField()
    looked_at = serializers.IntegerField()
    matched = serializers.IntegerField()
    late = serializers.IntegerField()
    groups = serializers.IntegerField()
    episodes = serializers.IntegerField()
    first = serializers.DateTimeField(allow_null=True)
    last = serializers.DateTimeField(allow_null=True)
    shown = WouldFireAnswer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


class EpisodeAnswer(serializers.ModelSerializer[Episode]):
    rule_name = serializers.CharField(source="rule.name")
    edition = serializers.IntegerField(source="rule_version.number")
    severity = serializers.CharField(source="rule_version.severity")
    number = serializers.IntegerField()
    group = serializers.DictField()
    recovering = serializers.BooleanField(
        help_text="Fires, but is not over any more: it resolves at `closes_at` unless it is again."
    )

    class Meta:
        model = Episode
        fields: tuple[str, ...] = (
            "id",
            "rule",
            "rule_name",
            "edition",
            "severity",
            "number",
            "group",
            "state",
            "recovering",
            "started_at",
            "fired_at",
            "last_match_at",
            "closes_at",
            "resolved_at",
            "ended_by",
            "peak",
            "share",
            "value",
            "matches",
            "acknowledged_by",
            "acknowledged_until",
            "reminders",
            "escalated_at",
            "inhibited_at",
        )


class NotificationAnswer(serializers.ModelSerializer[Delivery]):
    class Meta:
        model = Delivery
        fields = ("id", "message_id", "state", "attempts", "created_at", "finished_at")


class EvidenceAnswer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    occurred_at = serializers.DateTimeField()
    event_id = serializers.CharField(allow_null=True, help_text="null when retention has removed the event.")
    event_type = serializers.CharField(allow_null=True)
    node_id = serializers.CharField(allow_null=True)
    correlation_id = serializers.CharField(allow_null=True)


class HappenedAnswer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    what = serializers.CharField(
        help_text="began, fired, resolved, acknowledged, unacknowledged, note, action; of a notification: held, sending, delivered, dead, cancelled."
    )
    sentence = serializers.CharField()
    text = serializers.CharField()
    by = serializers.CharField(help_text="Empty when the registry did it.")
    delivery = serializers.IntegerField(allow_null=True)


class EpisodeDetail(EpisodeAnswer):
    evidence = serializers.SerializerMethodField()
    course = serializers.SerializerMethodField()

    class Meta(EpisodeAnswer.Meta):
        fields = (*EpisodeAnswer.Meta.fields, "evidence", "course")

    @extend_schema_field(HappenedAnswer(many=True))
    def get_course(self, episode: Episode) -> Any:
        return HappenedAnswer(course_of(episode), many=True).data

    def get_evidence(self, episode: Episode) -> list[dict[str, Any]]:
        names = ("event_id", "event_type", "node_id", "correlation_id")
        return [
            {
                "position": kept.position,
                "occurred_at": kept.occurred_at,
                **{name: getattr(event, name, None) for name in names},
            }
            for kept, event in evidence_of(episode)
        ]
