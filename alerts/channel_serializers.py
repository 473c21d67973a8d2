"""What the REST API takes and gives of channels."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from access.models import Delivery, DeliveryAttempt, DeliveryTarget
from alerts.channel_kinds import KINDS
from alerts.models import Channel
from alerts.serializers import NotificationAnswer


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
    gather_seconds = serializers.IntegerField(
        default=0,
        help_text="What comes within so long of the first is told with it in one message; not of the kind pagerduty.",
    )
    most_per_minute = serializers.IntegerField(
        default=None,
        allow_null=True,
        help_text="What is beyond so many messages in a minute is told in one, as soon as there is room.",
    )
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
            "gather_seconds",
            "most_per_minute",
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
