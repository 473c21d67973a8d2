"""What is stored of events: the append-only log, its head, the dedup keys, who started whom, the quarantine, and replay runs."""

import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, Actor
from events.changes import EVENT_TYPES


class Event(models.Model):
    """One stored event. Partitioned by the day it was received; rows are only ever COPYed in.

    `raw` is what the producer sent, byte for byte. `document` is derived from it for queries and null where
    jsonb cannot represent it. `position` grows in commit order without gaps, so a reader's cursor skips nothing.
    """

    pk = models.CompositePrimaryKey("position", "received_at")
    position = models.BigIntegerField()
    received_at = models.DateTimeField()
    # The producer's clock, clamped into what a timestamp holds; the original stays in `raw`.
    occurred_at = models.DateTimeField()
    event_id = models.CharField(max_length=255, db_collation="C")
    event_type = models.CharField(max_length=255, db_collation="C")
    # The label the producer sent, or "" (then the subject's `version_when_absent` was applied).
    schema_version = models.CharField(max_length=60, blank=True)
    # The content that judged it; null for an accepted event of unknown type.
    content_id = models.BigIntegerField(null=True)
    node_id = models.CharField(max_length=255, db_collation="C")
    correlation_id = models.CharField(max_length=255, null=True, db_collation="C")
    parent_correlation_id = models.CharField(max_length=255, null=True, db_collation="C")
    trace_id = models.CharField(max_length=64, null=True, db_collation="C")
    span_id = models.CharField(max_length=32, null=True, db_collation="C")
    error_code = models.CharField(max_length=255, null=True, db_collation="C")
    sample_rate = models.FloatField(default=1.0)
    # [{"code", "pointer", "keyword", "message"}], null when the event is valid.
    violations = models.JSONField(null=True)
    # What was odd but accepted: "naive_timestamp", "clock_out_of_range", …
    lints = models.JSONField(null=True)
    raw = models.BinaryField()
    document = models.JSONField(null=True)
    # Who sent it: the label of the token.
    producer = models.CharField(max_length=LABEL_LENGTH)

    class Meta:
        managed = False
        db_table = "events_event"

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class LogHead(models.Model):
    """The last position given out: one row, whose row lock is the append lock (migration 0001 inserts it)."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_log_head")]

    def __str__(self) -> str:
        return str(self.position)


class CatalogueRevision(models.Model):
    """One number that every committed change of a subject or version raises (triggers of migration 0003)."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return str(self.number)


class EventKey(models.Model):
    """Which event ids are stored, for as long as the dedup horizon."""

    # The first half of SHA-256 over the event id: half the index of ids as text, which every event has to pass.
    key = models.UUIDField(primary_key=True)
    received_on = models.DateField()
    # SHA-256 of the raw bytes: the same id with other bytes is a conflict, not a duplicate.
    digest = models.BinaryField(max_length=32)

    class Meta:
        # Rows arrive by day; a B-tree would cost each event an insert for one delete a day.
        indexes = [BrinIndex(fields=["received_on"], name="event_keys_by_day")]

    def __str__(self) -> str:
        return str(self.key)


class CorrelationLink(models.Model):
    """Which correlation a correlation was started by; one that no event names a parent of has none.

    `root_id` is the top of its tree as far as it is known, and never one that has a link itself, except for links that
    close a circle: these are their own roots.
    """

    correlation_id = models.CharField(max_length=255, primary_key=True, db_collation="C")
    parent_id = models.CharField(max_length=255, db_collation="C")
    root_id = models.CharField(max_length=255, db_collation="C")
    received_on = models.DateField()

    class Meta:
        # Migration 0010 makes it, without the index for LIKE that Django adds to a text that is a primary key.
        managed = False
        db_table = "events_correlationlink"

    def __str__(self) -> str:
        return f"{self.correlation_id} < {self.parent_id}"


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


class RedriveQuerySet(models.QuerySet["Redrive"]):
    def visible_to(self, actor: Actor) -> "RedriveQuerySet":
        """Those that the actor's own account started, and all of them for who may ingest everything."""
        return self if actor.may_everywhere("ingest") else self.filter(user=actor.user, user__isnull=False)

    def waiting(self) -> "RedriveQuerySet":
        """Those that want a worker and have none; a lease that ended belongs to a worker that was killed."""
        free = Q(leased_until=None) | Q(leased_until__lt=Now())
        return self.filter(free, state=Redrive.State.RUNNING)


class Redrive(models.Model):
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
    epoch = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
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


def time_ordered_id() -> uuid.UUID:
    """A UUID of version 7: ids sort by the time at which they were made."""
    bits = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=bits & ~(0x3 << 62) | 0x2 << 62)


class ReplayQuerySet(models.QuerySet["Replay"]):
    def visible_to(self, actor: Actor) -> "ReplayQuerySet":
        """Runs of which the actor may replay every event type: a run shows what happened, and where it is sent."""
        prefixes = actor.readable_prefixes("replay")
        if prefixes == ("",):
            return self
        within = RawSQL(
            "NOT EXISTS (SELECT FROM unnest(events_replay.event_types) AS kind WHERE NOT EXISTS"
            " (SELECT FROM unnest(%s::text[]) AS prefix WHERE starts_with(kind, prefix)))",
            [list(prefixes)],
            output_field=models.BooleanField(),
        )
        # The product's own events tell of every subject there is.
        return self.filter(within).exclude(event_types__overlap=list(EVENT_TYPES))

    def matching(self, chosen: Mapping[str, str]) -> "ReplayQuerySet":
        """Those with the given `correlation_id` and `state`, as far as they are given."""
        names = ("correlation_id", "state")
        return self.filter(**{name: chosen[name] for name in names if chosen.get(name)})

    def waiting(self, until: datetime) -> "ReplayQuerySet":
        """Runs that want a worker by then and have none; a lease that ended belongs to a worker that was killed."""
        free = Q(leased_until=None) | Q(leased_until__lt=Now())
        return self.filter(free, state__in=Replay.LIVE, due_at__lte=until)


class Replay(models.Model):
    """A run over stored events at a chosen speed. The row is the whole state: a killed worker loses nothing.

    The worker that holds `epoch` owns the run; every checkpoint is conditional on it, so one that was
    thought dead is fenced out. Virtual time v (seconds since the first event) runs as
    v(t) = anchor_virtual + (t - anchored_at) * speed; events/timeline.py does the arithmetic.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        PAUSED = "paused"
        CANCELLED = "cancelled"
        COMPLETED = "completed"
        FAILED = "failed"

    class Order(models.TextChoices):
        CLOCK = "clock"
        ARRIVAL = "arrival"

    LIVE = (State.PENDING, State.RUNNING)
    ENDED = (State.CANCELLED, State.COMPLETED, State.FAILED)

    id = models.UUIDField(primary_key=True, default=time_ordered_id)
    correlation_id = models.CharField(max_length=255, db_collation="C")
    # Every type among its events: who may not replay one of them may not touch the run.
    event_types = ArrayField(models.CharField(max_length=255), default=list)
    target = models.CharField(max_length=2000)
    secret = models.CharField(max_length=200, blank=True)
    # 0 = as fast as possible.
    speed = models.FloatField(default=1.0)
    # Longest wait between two events in seconds of original time; null = as it was.
    max_gap = models.FloatField(null=True)
    order = models.CharField(max_length=10, choices=Order.choices, default=Order.CLOCK)
    # What will not be replayed, known before the start: [{"reason", "count", "sentence"}].
    missing = models.JSONField(default=list)
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    # Counts the passes over the same events; a receiver tells a second pass from a repetition by it.
    segment = models.PositiveIntegerField(default=1)
    # Fixed at start: retention and new events cannot change a run.
    total = models.PositiveIntegerField(default=0)
    # Seconds of original time from the first to the last event, after the max-gap clamp; and what it cut away.
    length = models.FloatField(default=0.0)
    skipped = models.FloatField(default=0.0)
    # How many items are done: the checkpoint.
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    anchored_at = models.DateTimeField(null=True)
    anchor_virtual = models.FloatField(default=0.0)
    epoch = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    # When it wants a worker again: a run that waits for its next event holds none.
    due_at = models.DateTimeField(db_default=Now())
    problem = models.TextField(blank=True)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = ReplayQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(done__lte=F("total")), name="replay_does_not_overrun"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state__in=["pending", "running"]), name="replays_due")
        ]

    def __str__(self) -> str:
        return f"replay {self.id} of {self.correlation_id}"

    @property
    def ended(self) -> bool:
        return self.state in self.ENDED


class ReplayItem(models.Model):
    """One event of a run: where it stands on the virtual timeline and what became of it."""

    replay = models.ForeignKey(Replay, on_delete=models.CASCADE, related_name="items")
    index = models.PositiveIntegerField()
    event_id = models.CharField(max_length=255, db_collation="C")
    event_type = models.CharField(max_length=255, db_collation="C")
    position = models.BigIntegerField()
    received_at = models.DateTimeField()
    # Seconds since the first event, after the max-gap clamp, before speed.
    virtual = models.FloatField()
    # When the clock of the run said so, and when it left; null at speed "max".
    planned_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    status = models.IntegerField(null=True)
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["replay", "index"], name="one_replay_item_per_index")]

    def __str__(self) -> str:
        return f"item {self.index}"

    @property
    def late_ms(self) -> float | None:
        """Actual minus planned."""
        if self.planned_at is None or self.sent_at is None:
            return None
        return (self.sent_at - self.planned_at).total_seconds() * 1000


class ChangeCursor(models.Model):
    """How far changes of the catalogue have become events: one row, made when the product's subjects are registered."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    # Of the audit chain; what came up to here is told.
    link = models.BigIntegerField(default=0)
    # A sentence about the last change that could not be stored as an event; "" when there was none.
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_change_cursor")]

    def __str__(self) -> str:
        return str(self.link)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def visible_to(self, actor: Actor) -> "SubscriptionQuerySet":
        """Those whose whole prefix the actor holds `alert` for: an address often is a secret."""
        found = Q(pk__in=[])
        for prefix in actor.readable_prefixes("alert"):
            found |= Q(subject_prefix__startswith=prefix)
        return self.filter(found)


class Subscription(models.Model):
    """Somebody who is told, as CloudEvents, about changes of the subjects that begin with a prefix."""

    class Format(models.TextChoices):
        STRUCTURED = "structured"
        BINARY = "binary"

    name = models.CharField(max_length=100, unique=True)
    # "" = every subject, and the instance itself.
    subject_prefix = models.CharField(max_length=255, blank=True, db_collation="C")
    # Event types; none = all of them.
    kinds = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    url = models.CharField(max_length=2000)
    secret = models.CharField(max_length=200)
    format = models.CharField(max_length=10, choices=Format.choices, default=Format.STRUCTURED)
    enabled = models.BooleanField(default=True)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(db_default=Now())

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def wants(self, event_type: str, subject: str) -> bool:
        return subject.startswith(self.subject_prefix) and (not self.kinds or event_type in self.kinds)
