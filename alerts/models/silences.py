"""What nobody is told of for a while."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH


class SilenceQuerySet(models.QuerySet["Silence"]):
    def active(self, now: datetime) -> "SilenceQuerySet":
        return self.filter(starts_at__lte=now, ends_at__gt=now)

    def in_state(self, state: str, now: datetime) -> "SilenceQuerySet":
        """`pending`, `active` or `expired`; all of them for any other word."""
        match state:
            case "pending":
                return self.filter(starts_at__gt=now, ends_at__gt=now)
            case "active":
                return self.active(now)
            case "expired":
                return self.filter(ends_at__lte=now)
            case _:
                return self


class Silence(models.Model):
    """While it is active, notifications about firing episodes that its matchers fit are held. It hides no episode."""

    # [{"label", "op", "value"}], all of which must fit: alerts.matcher.
    matchers = models.JSONField()
    reason = models.TextField()
    starts_at = models.DateTimeField()
    # Ending it early moves this.
    ends_at = models.DateTimeField()
    # Of event types: a silence reaches as far as its creator's right to change rules did.
    prefixes = ArrayField(models.CharField(max_length=255, blank=True))
    created_by = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(db_default=Now())
    # Who ended it before its time; "" when nobody did.
    ended_by = models.CharField(max_length=LABEL_LENGTH, blank=True)

    objects = SilenceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["ends_at"], name="silences_by_end")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")), name="a_silence_ends_after_it_begins"
            )
        ]

    def __str__(self) -> str:
        return f"silence {self.pk}"

    def state(self, now: datetime) -> str:
        """`pending`, `active` or `expired`."""
        if self.ends_at <= now:
            return "expired"
        return "active" if self.starts_at <= now else "pending"
