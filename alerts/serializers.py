"""The JSON of rules, episodes and channels."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from access.models import Delivery, DeliveryAttempt, DeliveryTarget
from alerts.channel_kinds import KINDS
from alerts.course import course_of
from alerts.lists import evidence_of
from alerts.models import Channel, Episode, Kind, Rule, RuleVersion, Severity
from alerts.rules import RuleSpec, Saved


class ConditionField(serializers.JSONField):
    """The condition tree, as JSON."""


class RuleRequest(serializers.Serializer[Any]):
    name = serializers.CharField()
    description = serializers.CharField(default="", allow_blank=True)
    selector = ConditionField(
        help_text='{"all": […]}, {"any": […]}, {"not": …} or {"field", "op", "value"}; docs/reference/alerts.md'
    )
    kind = serializers.ChoiceField(
        Kind.choices, default=Kind.COUNT, help_text="What it looks for: docs/reference/alerts.md"
    )
    hits = ConditionField(
        default=None,
        allow_null=True,
        help_text="Of the kind share: which of the selected events are counted as hits; a condition tree.",
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
        help_text="Of the kind new: a group is new when no event of it was selected in so many days.",
    )
    threshold = serializers.IntegerField(
        default=1, help_text="Of the kind share: how many events the window holds at least."
    )
    window_seconds = serializers.IntegerField(default=300)
    group_by = serializers.ListField(child=serializers.CharField(), default=list)
    keep_firing_seconds = serializers.IntegerField(default=0)
    severity = serializers.ChoiceField(Severity.choices, default=Severity.WARNING)
    channels = serializers.ListField(
        child=serializers.IntegerField(), default=list, help_text="Ids of channels."
    )
    edition = serializers.IntegerField(
        required=False, help_text="On PUT: the edition that was edited; another one meanwhile is 409."
    )

    def spec(self) -> RuleSpec:
        given = {name: value for name, value in self.validated_data.items() if name != "edition"}
        return RuleSpec(**given)


class PreviewRequest(RuleRequest):
    name = serializers.CharField(default="preview")


class EditionAnswer(serializers.ModelSerializer[RuleVersion]):
    selector = ConditionField()
    hits = ConditionField(allow_null=True)
    percent = serializers.FloatField(allow_null=True)

    class Meta:
        model = RuleVersion
        fields = (
            "number",
            "description",
            "selector",
            "kind",
            "hits",
            "percent",
            "remember_days",
            "event_types",
            "threshold",
            "window_seconds",
            "group_by",
            "keep_firing_seconds",
            "severity",
            "created_by",
            "created_at",
        )


class RuleAnswer(serializers.ModelSerializer[Rule]):
    edition = EditionAnswer(source="current")
    channels = serializers.PrimaryKeyRelatedField[Channel](many=True, read_only=True)
    state = serializers.SerializerMethodField()
    firing = serializers.SerializerMethodField(help_text="How many groups fire now.")

    class Meta:
        model = Rule
        fields = (
            "id",
            "name",
            "enabled",
            "state",
            "firing",
            "problem",
            "edition",
            "channels",
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
    group = serializers.DictField()

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
            "started_at",
            "fired_at",
            "last_match_at",
            "closes_at",
            "resolved_at",
            "ended_by",
            "peak",
            "share",
            "matches",
            "acknowledged_by",
            "acknowledged_until",
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
        help_text="began, fired, resolved, acknowledged, unacknowledged, note; of a notification: held, sending, delivered, dead, cancelled."
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


class ChannelRequest(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.ChoiceField(
        Channel.Kind.choices,
        required=False,
        help_text="webhook unless told otherwise; it cannot be changed. docs/reference/alerts.md says what each needs.",
    )
    url = serializers.CharField(default="", allow_blank=True)
    secret = serializers.CharField(
        default="",
        allow_blank=True,
        help_text="whsec_…, as Standard Webhooks has it; empty keeps the present one, or makes one. "
        "Of the kind pagerduty: the integration key.",
    )
    signature = serializers.ChoiceField(
        Channel.Signature.choices,
        required=False,
        help_text="Of the kind webhook: v1 unless told otherwise. v1a makes a key pair; going back to v1 takes the secret.",
    )
    recipients = serializers.ListField(
        child=serializers.CharField(), default=list, help_text="Of the kind email: addresses."
    )
    title_template = serializers.CharField(
        default="", allow_blank=True, help_text="The title in words of one's own; a webhook has none."
    )
    text_template = serializers.CharField(
        default="", allow_blank=True, help_text="Likewise the text below the title."
    )
    quiet_from = serializers.TimeField(
        default=None, allow_null=True, help_text="From then on only what is critical is told at once …"
    )
    quiet_until = serializers.TimeField(
        default=None, allow_null=True, help_text="… and what still fires when the quiet hours end, then."
    )
    time_zone = serializers.CharField(default="UTC", help_text="Of the quiet hours, such as Europe/Berlin.")
    enabled = serializers.BooleanField(default=True)


class PreviewMessageRequest(serializers.Serializer[Any]):
    title_template = serializers.CharField(default="", allow_blank=True)
    text_template = serializers.CharField(default="", allow_blank=True)
    episode = serializers.IntegerField(
        required=False, allow_null=True, help_text="Whose words; the newest one unless told otherwise."
    )


class PreviewMessageAnswer(serializers.Serializer[Any]):
    title = serializers.CharField()
    text = serializers.CharField()
    episode = serializers.IntegerField(
        source="episode.pk",
        allow_null=True,
        default=None,
        help_text="null where there is none: then it is a test's.",
    )


class HealthAnswer(serializers.ModelSerializer[DeliveryTarget]):
    class Meta:
        model = DeliveryTarget
        fields = ("succeeded_at", "failing_since", "failures", "problem", "gone_at")


class TriedAnswer(serializers.ModelSerializer[DeliveryAttempt]):
    """An attempt to deliver something through a channel."""

    delivery = NotificationAnswer()

    class Meta:
        model = DeliveryAttempt
        fields = ("id", "delivery", "number", "at", "duration_ms", "address", "status", "answer", "problem")


class ChannelAnswer(serializers.ModelSerializer[Channel]):
    """Without the secret, which is shown once, when the channel is made. In the context: `actor`, who asks, and `health` by target."""

    url = serializers.SerializerMethodField(
        help_text="host:port only, unless the caller may change channels: a path often is a secret."
    )

    signature = serializers.CharField(read_only=True, help_text="Of a webhook: v1 or v1a; else empty.")
    public_key = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="whpk_…: what the receiver verifies signatures of v1a with.",
    )
    state = serializers.SerializerMethodField(
        help_text="enabled, disabled, failing, or gone: the receiver answered 410, and is told nothing until it is enabled again."
    )
    health = serializers.SerializerMethodField(help_text="null before the first attempt.")
    recipients = serializers.SerializerMethodField(
        help_text="Likewise empty, unless the caller may change channels."
    )

    class Meta:
        model = Channel
        fields = (
            "id",
            "name",
            "kind",
            "url",
            "signature",
            "public_key",
            "recipients",
            "title_template",
            "text_template",
            "quiet_from",
            "quiet_until",
            "time_zone",
            "enabled",
            "state",
            "health",
            "created_by",
            "created_at",
        )

    def _health(self, channel: Channel) -> DeliveryTarget | None:
        known: dict[str, DeliveryTarget] = self.context["health"]
        return known.get(channel.target)

    def get_state(self, channel: Channel) -> str:
        return channel.state(self._health(channel))

    @extend_schema_field(HealthAnswer(allow_null=True))
    def get_health(self, channel: Channel) -> dict[str, Any] | None:
        health = self._health(channel)
        return dict(HealthAnswer(health).data) if health else None

    def _full(self) -> bool:
        return bool(self.context["actor"].may_everywhere("alert"))

    def get_url(self, channel: Channel) -> str:
        return channel.url if self._full() else KINDS[channel.kind].place(channel)

    def get_recipients(self, channel: Channel) -> list[str]:
        return channel.recipients if self._full() else []


class ChannelMade(serializers.Serializer[Any]):
    channel = ChannelAnswer()
    secret = serializers.CharField(
        help_text="Shown here and never again: what the receiver of a webhook verifies with; empty for other kinds."
    )


class SentTest(serializers.ModelSerializer[Delivery]):
    deliveries = NotificationAnswer(many=True, help_text="All that was sent, the first one included.")

    class Meta:
        model = Delivery
        fields = (*NotificationAnswer.Meta.fields, "deliveries")

    @staticmethod
    def of(sent: list[Delivery]) -> dict[str, Any]:
        """The first delivery, as if it were the only one, and all of them."""
        every = NotificationAnswer(sent, many=True).data
        return {**every[0], "deliveries": list(every)}
