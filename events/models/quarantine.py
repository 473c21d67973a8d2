"""What was acknowledged but not let into the log, and its second chances."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, Actor
from access.leased import Leased, LeasedQuerySet


class QuarantinedEvent(models.Model):
    """An event that was acknowledged but not let into the log; kept byte for byte until somebody decides."""

    received_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())
    times_seen = models.PositiveIntegerField(default=1)
    event_id = models.CharField(max_length=255, db_collation="C")
    event_type = models.CharField(max_length=255, db_collation="C")
    schema_version = models.CharField(max_length=60, blank=True)
    node_id = models.CharField(max_length=255, blank=True, db_collation="C")
    correlation_id = models.CharField(max_length=255, null=True, db_collation="C")
    # "violates_schema", "unknown_event_type", "unknown_schema_version"
    reason = models.CharField(max_length=40)
    errors = models.JSONField(default=list)
    digest = models.BinaryField(max_length=32)
    raw = models.BinaryField()
    # The producer's clock, null where it could not be read, and for how many events it stands.
    occurred_at = models.DateTimeField(null=True)
    sample_rate = models.FloatField(default=1.0, db_default=1.0)
    producer = models.CharField(max_length=LABEL_LENGTH)
    # Set when a later decision let it into the log.
    released_at = models.DateTimeField(null=True)
    # Out of sight, because nobody is going to mend it; kept all the same.
    set_aside_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["event_id", "digest"], name="one_quarantine_row_per_event")
        ]
        indexes = [
            models.Index(fields=["event_type", "-id"]),
            # What waits is looked at by its causes; what was released only grows.
            models.Index(fields=["-id"], condition=Q(released_at__isnull=True), name="quarantine_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}: {self.reason}"


class RedriveQuerySet(LeasedQuerySet["Redrive"]):
    def visible_to(self, actor: Actor) -> "RedriveQuerySet":
        """Those that the actor's own account started, and all of them for who may ingest everything."""
        return self if actor.may_everywhere("ingest") else self.filter(user=actor.user, user__isnull=False)


class Redrive(Leased):
    """A selection of the quarantine that is judged anew, in the background where it is long.

    The row is the whole state: what a batch came to is noted in the transaction that stores it, by the worker that holds
    `epoch`. So a killed worker loses nothing, and nothing is counted twice.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    # events.held.HeldFilters by name.
    filters = models.JSONField(default=dict)
    # Of event types: as far as its starter might go, whose token may say less than the account.
    prefixes = ArrayField(models.CharField(max_length=255, blank=True), default=list)
    # The events from the one after `after_id` to `until_id`: what comes in later is not judged again.
    until_id = models.BigIntegerField()
    after_id = models.BigIntegerField(default=0)
    total = models.PositiveIntegerField()
    stored = models.PositiveIntegerField(default=0)
    # Still in quarantine, for the reasons of today.
    held = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = RedriveQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["filters", "prefixes"], condition=Q(state="running"), name="one_running_redrive"
            )
        ]

    def __str__(self) -> str:
        return f"re-drive {self.pk}"

    @property
    def done(self) -> int:
        return self.stored + self.held

    @property
    def ended(self) -> bool:
        return self.state != self.State.RUNNING
