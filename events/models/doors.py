"""When events could come in, and when they could not."""

from django.db import models
from django.db.models import Q


class Doors(models.Model):
    """One row: the last moment at which a web process that takes events was known to be up. `events.doors` keeps it."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    open_until = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_row_of_doors")]
        verbose_name_plural = "doors"

    def __str__(self) -> str:
        return f"open until {self.open_until}"


class Outage(models.Model):
    """A stretch in which no web process was up, or none could reach the database."""

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-ended_at"]

    def __str__(self) -> str:
        return f"{self.began_at} to {self.ended_at}"
