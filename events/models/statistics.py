"""Roll-ups of the log: how much came of what, how large and how slow it was, without asking the events again."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from access.actor import LABEL_LENGTH


class Statistic(models.Model):
    """What came in one stretch of time, of one event type, judged by one version, from one producer.

    All numbers are sums, so that rows can be added up in any order. `weight` and its like count the events that were before
    sampling: each stored event stands for 1/sample_rate of them, in millionths, which makes the sums exact.
    """

    pk = models.CompositePrimaryKey(
        "step", "event_type", "bucket", "version", "producer", "received_on", "quarantined"
    )
    # How long the stretch is, in seconds: one of events.fold.TIERS. Each event is counted in each of them.
    step = models.IntegerField()
    event_type = models.CharField(max_length=255, db_collation="C")
    # Where the stretch begins, by the producers' clocks as far as these are plausible.
    bucket = models.DateTimeField()
    # The label of the version that judged it, "" when none did; of quarantined events the one they named.
    version = models.CharField(max_length=60, blank=True)
    producer = models.CharField(max_length=LABEL_LENGTH)
    # The day the events arrived, which is the partition they are in.
    received_on = models.DateField()
    # Of what waits in quarantine, rather than of the log.
    quarantined = models.BooleanField(default=False)
    events = models.BigIntegerField()
    weight = models.BigIntegerField()
    violating = models.BigIntegerField()
    violating_weight = models.BigIntegerField()
    # Events whose clock was out of range: they are counted when they arrived.
    misdated = models.BigIntegerField()
    last_seen = models.DateTimeField(null=True)
    # Histograms of events.sketch: bins with the weight of each.
    size_bins = ArrayField(models.SmallIntegerField())
    size_weights = ArrayField(models.BigIntegerField())
    time_bins = ArrayField(models.SmallIntegerField())
    time_weights = ArrayField(models.BigIntegerField())
    # The log no longer holds all of these events: counting them anew would lose some.
    sealed = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["step", "bucket"], name="statistics_by_time"),
            models.Index(fields=["received_on"], name="statistics_by_arrival"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.version} in {self.step} s from {self.bucket}"


class StatisticsCursor(models.Model):
    """The position up to which the log was folded: one row, whose lock is held by whoever changes statistics."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_statistics_cursor")]

    def __str__(self) -> str:
        return str(self.position)


class QuarantineTally(models.Model):
    """An event that came into quarantine, or left it again, and was not counted yet. Triggers write these rows.

    Rows of the quarantine change, and their ids do not follow the order of commits: a cursor over them would skip some.
    """

    quarantined_id = models.BigIntegerField()
    # 1 for what came, -1 for what was released.
    times = models.SmallIntegerField()

    def __str__(self) -> str:
        return f"{self.times:+d} of {self.quarantined_id}"
