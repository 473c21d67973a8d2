"""What monitoring reads of the log: counters that only ever grow, whatever retention takes away."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Meter(models.Model):
    """One series of a metric: a counter, or a histogram where it has buckets. events.meter writes, events.metrics reads."""

    metric = models.CharField(max_length=60)
    # In the order in which the metric names them.
    labels = ArrayField(models.CharField(max_length=255))
    count = models.BigIntegerField(default=0)
    total = models.FloatField(default=0.0)
    # How many were in each bucket, the last one without an upper bound; [] of a counter.
    buckets = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["metric", "labels"], name="one_meter_per_series")]

    def __str__(self) -> str:
        return f"{self.metric} {self.labels}"
