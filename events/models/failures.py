"""Failures by what they say, counted as the log is folded into statistics."""

from django.db import models


class Failure(models.Model):
    """What failed alike on one day of arrival: one event type, code, pattern and node. events.note_failures writes, events.failures reads."""

    # MD5 over event type, code, pattern and node: together they are too long for an index.
    key = models.UUIDField()
    # MD5 over code and pattern, which are what failures are grouped by.
    group = models.UUIDField()
    received_on = models.DateField()
    event_type = models.CharField(max_length=255, db_collation="C")
    # "" where the events carry none.
    error_code = models.CharField(max_length=255, blank=True, db_collation="C")
    # "" where they say nothing; events.note_failures.OTHER where too many different things were said.
    pattern = models.CharField(max_length=300, blank=True, db_collation="C")
    node_id = models.CharField(max_length=255, db_collation="C")
    events = models.BigIntegerField()
    # Before sampling, in millionths.
    weight = models.BigIntegerField()
    # By the clock of the server, which is one clock.
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    last_event_id = models.CharField(max_length=255, db_collation="C")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["received_on", "key"], name="one_failure_a_day")]
        indexes = [models.Index(fields=["group", "received_on"], name="failures_by_group")]

    def __str__(self) -> str:
        return f"{self.error_code} {self.pattern}"
