"""The append-only log of events, its head, the dedup keys, and who started whom."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from access.actor import LABEL_LENGTH
from events.models.storage import ExactBytesField


class ProducedEvents(models.Manager["Event"]):
    """What producers sent: without the copies that replays stored again, which count for nothing."""

    def get_queryset(self) -> models.QuerySet["Event"]:
        return super().get_queryset().filter(replay_id=None)


class Event(models.Model):
    """One stored event. Partitioned by the day it was received; rows are only ever COPYed in.

    `raw` is what the producer sent, byte for byte, however it is kept. `document` is derived from it for queries and null
    where jsonb cannot represent it, and in cold partitions: `events.documents` gives it for both. `position` grows in commit order without gaps, so a reader's cursor skips nothing.
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
    # events.error_pattern.pattern_of; null where it tells of no failure, and for what came before there was this column.
    error_pattern = models.CharField(max_length=300, null=True, db_collation="C")
    sample_rate = models.FloatField(default=1.0)
    # [{"code", "pointer", "keyword", "message"}], null when the event is valid.
    violations = models.JSONField(null=True)
    # What was odd but accepted: "naive_timestamp", "clock_out_of_range", …
    lints = models.JSONField(null=True)
    raw = ExactBytesField()
    document = models.JSONField(null=True)
    # What was found about its signature when it came: a state of events.signatures; null where its subject asks for none.
    signature_verdict = models.CharField(max_length=20, null=True, db_collation="C")
    # Who sent it: the label of the token.
    producer = models.CharField(max_length=LABEL_LENGTH)
    # Null for what a producer sent. A replay that stores events again marks its copies with its own id, and in `replay` with
    # {"of": event_id, "occurred_at", "speed", "segment", "index", "side_effects"}. SQL that counts says `replay_id IS NULL`.
    replay_id = models.UUIDField(null=True)
    replay = models.JSONField(null=True)

    # With the copies.
    everything = models.Manager()
    objects = ProducedEvents()

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
    """Numbers whose sum every committed change of a subject, version or taxonomy raises (triggers of migrations 0003 and 0021)."""

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
