"""What PERFORMANCE_PROFILE events measured, a short row for each, so that pages need not unpack their documents."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models


class Profile(models.Model):
    """One stored profile. Written with the statistics, by events.note_profiles, and deleted with its event."""

    # Three of them, in letters of four bytes, fit into an entry of an index.
    LONGEST_NAME = 200

    # The event's.
    position = models.BigIntegerField(primary_key=True)
    received_at = models.DateTimeField()
    occurred_at = models.DateTimeField()
    event_id = models.CharField(max_length=255, db_collation="C")
    correlation_id = models.CharField(max_length=255, null=True, db_collation="C")
    # Cut to LONGEST_NAME; "" where the event says nothing.
    service = models.CharField(max_length=LONGEST_NAME, db_collation="C")
    operation = models.CharField(max_length=LONGEST_NAME, blank=True, db_collation="C")
    release = models.CharField(max_length=LONGEST_NAME, blank=True, db_collation="C")
    # For how many operations it stands.
    weight = models.FloatField()
    # Null = not measured. Milliseconds, and megabytes.
    duration = models.FloatField(null=True)
    cpu = models.FloatField(null=True)
    memory = models.FloatField(null=True)
    # Whether the event carries top frames, and whole stacks.
    framed = models.BooleanField()
    stacked = models.BooleanField()

    class Meta:
        indexes = [
            # All that charts and comparisons read: they never go to the table itself.
            models.Index(
                fields=["operation", "occurred_at"],
                include=["service", "release", "weight", "duration", "cpu", "memory", "position"],
                name="profiles_by_operation",
            ),
            models.Index(fields=["occurred_at"], name="profiles_by_time"),
            BrinIndex(fields=["received_at"], name="profiles_by_arrival"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.operation} {self.release}"
