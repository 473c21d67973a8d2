"""Where notifications go."""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Cast, Concat, Now

from access.actor import LABEL_LENGTH
from access.models import DeliveryTarget
from access.sealed import SealedField
from access.signing import public_key_of

# What deliveries through a channel are found by, before its number.
if TYPE_CHECKING:
    from alerts.models.episodes import Episode

TARGET = "alerts.channel/"


class ChannelQuerySet(models.QuerySet["Channel"]):
    def told(self) -> "ChannelQuerySet":
        """Those that notifications are written for: enabled, and not gone (410)."""
        gone = DeliveryTarget.objects.filter(
            name=Concat(models.Value(TARGET), Cast(models.OuterRef("pk"), models.CharField())),
            gone_at__isnull=False,
        )
        return self.filter(~models.Exists(gone), enabled=True)

    def told_about(self, episode: "Episode") -> "ChannelQuerySet":
        """Those of its rule, and if it was escalated, those that are told then."""
        asked = models.Q(rules=episode.rule_id)
        if episode.escalated_at is not None:
            asked |= models.Q(escalated_rules=episode.rule_id)
        return self.told().filter(asked).distinct()


class Channel(models.Model):
    """Where notifications go. What a kind needs of the fields is said in `alerts.channel_kinds`."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "Webhook"
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack"
        PAGERDUTY = "pagerduty", "PagerDuty"
        TEAMS = "teams", "Microsoft Teams"
        DISCORD = "discord", "Discord"
        APPRISE = "apprise", "Apprise"

    class Signature(models.TextChoices):
        V1 = "v1", "v1: HMAC-SHA256, with a secret that the receiver has, too"
        V1A = "v1a", "v1a: Ed25519, which the receiver verifies with a public key"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.WEBHOOK)
    url = models.CharField(max_length=2000, blank=True)
    # Of a webhook: what it is signed with; of PagerDuty: the integration key.
    secret = SealedField(blank=True)
    recipients = ArrayField(models.CharField(max_length=254), default=list, blank=True)
    # What it says in its own words (`alerts.wording`); "" is what every channel says.
    title_template = models.TextField(blank=True)
    text_template = models.TextField(blank=True)
    # Between these, on the clock of the time zone, it is told only what is critical; both null: always told.
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    # What comes within so long of the first is told with it in one message; 0: each at once.
    gather_seconds = models.PositiveIntegerField(default=0)
    # What is beyond so many messages in a minute is told in one, as soon as there is room; null: no limit.
    most_per_minute = models.PositiveIntegerField(null=True)
    enabled = models.BooleanField(default=True)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(db_default=Now())

    objects = ChannelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> str:
        """What its deliveries are found by."""
        return f"{TARGET}{self.pk}"

    @property
    def public_key(self) -> str | None:
        """What the receiver of a webhook signed with v1a verifies with."""
        return public_key_of(self.secret)

    @property
    def signature(self) -> str:
        """The scheme by which a webhook is signed; "" for other kinds, and before there is a secret."""
        if self.kind != self.Kind.WEBHOOK or not self.secret:
            return ""
        return self.Signature.V1A if self.public_key else self.Signature.V1

    def state(self, health: DeliveryTarget | None) -> str:
        """`disabled`, `gone` (410, until it is enabled again), `failing`, or `enabled`."""
        if not self.enabled:
            return "disabled"
        if health and health.gone_at:
            return "gone"
        return "failing" if health and health.failing_since else "enabled"
