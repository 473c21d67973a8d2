"""Exports of a query's events, and their content as far as it is written."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, Actor
from access.leased import Leased, LeasedQuerySet
from events.models.replays import time_ordered_id


class ExportQuerySet(LeasedQuerySet["Export"]):
    def visible_to(self, actor: Actor) -> "ExportQuerySet":
        """Those of the actor's own account, and all of them for administrators."""
        if actor.may_everywhere("admin"):
            return self
        return self.filter(user=actor.user, user__isnull=False)


class Export(Leased):
    """The events of a query, written by a worker for somebody to fetch. The row is the whole state.

    What a step wrote and how far it came are one transaction of the worker that holds `epoch`, so a killed one loses nothing
    and nothing is written twice.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    class Format(models.TextChoices):
        NDJSON = "ndjson"
        CSV = "csv"

    id = models.UUIDField(primary_key=True, default=time_ordered_id)
    # As in the address of the list.
    query = models.JSONField(default=dict)
    format = models.CharField(max_length=10, choices=Format.choices)
    # Of event types: as far as its starter might go, whose token may say less than the account.
    prefixes = ArrayField(models.CharField(max_length=255, blank=True), default=list)
    # The positions from the one after `first` to `head` are looked at: what comes in later is not part of it.
    first = models.BigIntegerField()
    after = models.BigIntegerField()
    head = models.BigIntegerField()
    events = models.BigIntegerField(default=0)
    parts = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    # Every type in it: who may not read one of them any more may not fetch it.
    event_types = ArrayField(models.CharField(max_length=255), default=list)
    # What is not in it, for a person.
    problem = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    # Then it is deleted, with what was written.
    expires_at = models.DateTimeField(null=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"export {self.pk}"

    @property
    def ended(self) -> bool:
        return self.state != self.State.RUNNING

    @property
    def share(self) -> float:
        """Of the positions, how many were looked at."""
        return (self.after - self.first) / (self.head - self.first) if self.head > self.first else 1.0


class ExportPart(models.Model):
    """A piece of an export's content, as zstd."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="one_piece_per_number")]

    def __str__(self) -> str:
        return f"piece {self.number}"
