"""How far changes of the catalogue are told, and to whom."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, Actor
from access.sealed import SealedField


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
    secret = SealedField()
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
