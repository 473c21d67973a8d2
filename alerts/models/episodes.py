"""Firings, their evidence, and what people did about them."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from access.actor import LABEL_LENGTH, Actor
from alerts.models.rules import Rule, RuleVersion

# What deliveries about an episode are found by, beside its number.
ABOUT = "alerts.episode"


class EpisodeQuerySet(models.QuerySet["Episode"]):
    def unfired(self) -> "EpisodeQuerySet":
        """Those that nobody was told of: pending, or lapsed."""
        return self.filter(state__in=[Episode.State.PENDING, Episode.State.LAPSED])

    def open(self) -> "EpisodeQuerySet":
        return self.filter(state__in=[Episode.State.PENDING, Episode.State.FIRING])

    def visible_to(self, actor: Actor) -> "EpisodeQuerySet":
        """Those whose edition the actor may read and every later one, deleted rules included.

        An open episode goes on when its rule is edited, so that what a later edition counts may be in it, too.
        """
        if "" in actor.readable_prefixes():
            return self
        since = RuleVersion.objects.filter(
            rule=models.OuterRef("rule"), number__gte=models.OuterRef("rule_version__number")
        )
        hidden = since.exclude(pk__in=RuleVersion.objects.readable_by(actor))
        return self.filter(~models.Exists(hidden))

    def firing(self) -> "EpisodeQuerySet":
        return self.filter(state=Episode.State.FIRING)

    def acknowledged(self, now: datetime) -> "EpisodeQuerySet":
        """Firing ones that somebody sees to at that moment."""
        return self.firing().filter(acknowledged_until__gt=now)

    def unattended(self, now: datetime) -> "EpisodeQuerySet":
        """Firing ones that nobody sees to, or not any more."""
        return self.firing().exclude(acknowledged_until__gt=now)


class _FiredManager(models.Manager["Episode"]):
    def get_queryset(self) -> EpisodeQuerySet:
        return EpisodeQuerySet(self.model, using=self._db).filter(
            state__in=[Episode.State.FIRING, Episode.State.RESOLVED]
        )


class Episode(models.Model):
    """One firing of one group of one rule, from the moment it fired until it resolved.

    Of a rule whose groups have to be over for a while, also what may become one, or never did: only `everything` has those.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        LAPSED = "lapsed"
        FIRING = "firing"
        RESOLVED = "resolved"

    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="episodes")
    rule_version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="+")
    group_key = models.CharField(max_length=1000)
    # {"node_id": "…"}: what the group is, readable.
    group = models.JSONField(default=dict)
    # Given when it fires.
    number = models.PositiveIntegerField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.FIRING)
    # Event times of the first match of the firing window, of the match that crossed the threshold (and `for_seconds` after it), of the last match.
    started_at = models.DateTimeField()
    fired_at = models.DateTimeField()
    last_match_at = models.DateTimeField()
    # Event time at which it resolves unless more matches come.
    closes_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    # Why it ended when not by itself: "The rule was paused by ann."
    ended_by = models.CharField(max_length=300, blank=True)
    # The highest count in one window; of a share, of hits, and the highest share in per cent.
    peak = models.PositiveIntegerField()
    share = models.FloatField(null=True)
    # Of a rule about a value: the one furthest beyond the limit.
    value = models.FloatField(null=True)
    matches = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    # Who sees to it, until when; "" when nobody has said so.
    acknowledged_by = models.CharField(max_length=LABEL_LENGTH, blank=True)
    acknowledged_until = models.DateTimeField(null=True)
    # Since when nobody is told of it, as an episode of another rule fires; null when somebody was, or is to be.
    inhibited_at = models.DateTimeField(null=True)
    # How often its channels were reminded, when last, and when others were told since nobody saw to it.
    reminders = models.PositiveIntegerField(default=0)
    reminded_at = models.DateTimeField(null=True)
    escalated_at = models.DateTimeField(null=True)

    objects = _FiredManager.from_queryset(EpisodeQuerySet)()
    everything = EpisodeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "group_key", "number"], name="one_episode_per_number"),
            # Two workers cannot open the same firing twice.
            models.UniqueConstraint(
                fields=["rule", "group_key"], condition=Q(state="firing"), name="one_open_episode_per_group"
            ),
            models.CheckConstraint(
                condition=Q(number__isnull=False) | Q(state__in=["pending", "lapsed"]),
                name="what_fired_has_a_number",
            ),
        ]
        indexes = [
            models.Index(fields=["rule", "closes_at"], condition=Q(state="firing"), name="episodes_open"),
            models.Index(fields=["rule", "closes_at"], condition=Q(state="pending"), name="episodes_pending"),
            models.Index(fields=["closes_at"], condition=Q(state="lapsed"), name="episodes_lapsed"),
            models.Index(fields=["rule", "group_key", "closes_at"]),
            models.Index(fields=["rule", "-closes_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.rule} #{self.number} {self.group_key}"

    @property
    def recovering(self) -> bool:
        """Whether it fires only since `keep_firing_seconds` are not over yet."""
        kept = timedelta(seconds=self.rule_version.keep_firing_seconds)
        return self.state == self.State.FIRING and self.closes_at - kept < timezone.now()

    @property
    def attended(self) -> bool:
        """Whether somebody sees to it now."""
        firing = self.state == self.State.FIRING
        return firing and self.acknowledged_until is not None and self.acknowledged_until > timezone.now()


class EpisodeEntry(models.Model):
    """What somebody did about an episode, or the registry did to it beside firing and telling. Only ever added."""

    class Kind(models.TextChoices):
        ACKNOWLEDGED = "acknowledged"
        UNACKNOWLEDGED = "unacknowledged"
        NOTE = "note"
        RESOLVED = "resolved"
        MUTED = "muted"
        ESCALATED = "escalated"
        INHIBITED = "inhibited"
        GATHERED = "gathered"

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    text = models.TextField(blank=True)
    # Of an acknowledgement: when it ends.
    until = models.DateTimeField(null=True)
    by = models.CharField(max_length=LABEL_LENGTH, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["at", "id"]
        verbose_name_plural = "episode entries"

    def __str__(self) -> str:
        return f"{self.kind} by {self.by}"


class Evidence(models.Model):
    """An event that belongs to an episode (the first ones, up to a limit; `Episode.matches` counts all)."""

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="evidence")
    position = models.BigIntegerField()
    received_at = models.DateTimeField()
    occurred_at = models.DateTimeField()

    class Meta:
        ordering = ["occurred_at", "position"]
        constraints = [
            models.UniqueConstraint(fields=["episode", "position"], name="one_piece_of_evidence_per_event")
        ]

    def __str__(self) -> str:
        return f"event at {self.position}"
