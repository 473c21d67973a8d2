"""Runs over stored events, and what became of each event of theirs."""

import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, Actor
from access.sealed import SealedField
from events.changes import EVENT_TYPES


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
        """Those with the given `correlation_id`, `state` and `to`, as far as they are given."""
        columns = {"correlation_id": "correlation_id", "state": "state", "to": "kind"}
        return self.filter(**{columns[name]: chosen[name] for name in columns if chosen.get(name)})

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

    class Late(models.TextChoices):
        """What becomes of the time that a run fell behind."""

        CATCH_UP = "catch_up"
        SLIP = "slip"

    LIVE = (State.PENDING, State.RUNNING)
    ENDED = (State.CANCELLED, State.COMPLETED, State.FAILED)

    id = models.UUIDField(primary_key=True, default=time_ordered_id)
    # What was asked for, as events.replay_scope.Scope reads it.
    scope = models.JSONField(default=dict)
    # Of a run over one correlation; "" for the others.
    correlation_id = models.CharField(max_length=255, blank=True, db_collation="C")
    # Every type among its events: who may not replay one of them may not touch the run.
    event_types = ArrayField(models.CharField(max_length=255), default=list)
    # Which of settings.REPLAY_TARGETS gets the events; `target` says in one line where they go, or against what they are held.
    kind = models.CharField(max_length=20, default="webhook")
    target = models.CharField(max_length=2000, blank=True)
    # What the target needs to know beside that.
    options = models.JSONField(default=dict)
    # Whether live alerts may see what is stored again.
    side_effects = models.BooleanField(default=False)
    secret = SealedField(blank=True)
    # The version of their subject as which events are read, as `?as=` takes it; "" = as they were sent.
    read_as = models.CharField(max_length=250, blank=True)
    # 0 = as fast as possible.
    speed = models.FloatField(default=1.0)
    # Longest wait between two events in seconds of original time; null = as it was.
    max_gap = models.FloatField(null=True)
    order = models.CharField(max_length=10, choices=Order.choices, default=Order.CLOCK)
    late_policy = models.CharField(max_length=10, choices=Late.choices, default=Late.CATCH_UP)
    # Seconds by which the rest was put off, where the policy is to slip.
    slipped = models.FloatField(default=0.0)
    # What will not be replayed, known before the start: [{"reason", "count", "sentence"}].
    missing = models.JSONField(default=list)
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    # Counts the jumps to another place; a receiver tells an event that is sent once more from a repetition by it.
    segment = models.PositiveIntegerField(default=1)
    # The item at which the present segment began.
    segment_from = models.PositiveIntegerField(default=0)
    # A pause is due when so many items are done: how single steps end.
    step_until = models.PositiveIntegerField(null=True)
    # A run that loops is followed by another one over the same events, so many times; which pass this is, and after which.
    passes_left = models.PositiveIntegerField(default=0)
    pass_number = models.PositiveIntegerField(default=1)
    previous = models.OneToOneField("self", null=True, on_delete=models.SET_NULL, related_name="next")
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
        return f"replay {self.id} of {self.name}"

    @property
    def name(self) -> str:
        """What is played, in a few words."""
        match self.scope:
            case {"trace_id": trace_id}:
                return f"trace {trace_id}"
            case {"query": chosen}:
                return ", ".join(f"{name} {value}" for name, value in chosen.items())
            case {"descendants": True}:
                return f"{self.correlation_id} and what it started"
            case {"positions": [*chosen]}:
                return f"{len(chosen)} events"
        return self.correlation_id

    @property
    def ended(self) -> bool:
        return self.state in self.ENDED


class ReplayItem(models.Model):
    """One event of a run: where it stands on the virtual timeline and what became of it."""

    # The constraint's index begins with it.
    replay = models.ForeignKey(Replay, on_delete=models.CASCADE, related_name="items", db_index=False)
    index = models.PositiveIntegerField()
    event_id = models.CharField(max_length=255, db_collation="C")
    event_type = models.CharField(max_length=255, db_collation="C")
    position = models.BigIntegerField()
    received_at = models.DateTimeField()
    # Seconds since the first event, after the max-gap clamp, before speed.
    virtual = models.FloatField()
    # By its producer's clock; null in runs made by versions that did not keep it.
    occurred_at = models.DateTimeField(null=True)
    # When the clock of the run said so, and when it left; null at speed "max".
    planned_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    status = models.IntegerField(null=True)
    problem = models.TextField(blank=True)
    # What became of it, in the target's word: "delivered", "stored", "valid", …; "" = nothing yet.
    outcome = models.CharField(max_length=30, blank=True)
    # What the target has to say about it: {"violations"}, {"event_id"}, …
    details = models.JSONField(null=True)

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
