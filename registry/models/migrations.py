"""How instances of one version of a subject become instances of another."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, Actor
from registry.models.catalogue import Subject, Version, under


class VersionMigrationQuerySet(models.QuerySet["VersionMigration"]):
    def active(self) -> "VersionMigrationQuerySet":
        return self.filter(state=VersionMigration.State.ACTIVE)

    def waiting(self) -> "VersionMigrationQuerySet":
        """Those a second person has to approve."""
        return self.filter(state=VersionMigration.State.PENDING)

    def readable_by(self, actor: Actor) -> "VersionMigrationQuerySet":
        return self.filter(under(actor.readable_prefixes(), "subject__name"))

    def of(self, subject: str) -> "VersionMigrationQuerySet":
        return self.filter(subject__name=subject).select_related("source", "target").order_by("number")


class VersionMigration(models.Model):
    """Steps from one version to another, and back where they are given. Only its state ever changes.

    A better one takes its place under the next number; this one stays, retired, for whoever asks what was read how.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        ACTIVE = "active"
        RETIRED = "retired"

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="migrations")
    # 1, 2, 3 … under its subject.
    number = models.PositiveIntegerField()
    # What was read by a version that is gone for good is read by none.
    source = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="migrations_from")
    target = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="migrations_to")
    # registry/migration_steps.py says how they are written; `down` is null when nothing leads back.
    up = models.JSONField()
    down = models.JSONField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    # [{"direction", "what", "tried", "finished"}]: what it was tried on before it was let in.
    evidence = models.JSONField(default=list)
    note = models.TextField(blank=True)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    # Who may not approve it. null = not a person, or one whose account is gone.
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())
    decided_by = models.CharField(max_length=LABEL_LENGTH, blank=True)
    decided_at = models.DateTimeField(null=True)

    objects = VersionMigrationQuerySet.as_manager()

    class Meta:
        ordering = ["subject", "number"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "number"], name="one_migration_per_number"),
            models.UniqueConstraint(
                fields=["source", "target"], condition=Q(state="active"), name="one_active_migration_per_pair"
            ),
            models.UniqueConstraint(
                fields=["source", "target"],
                condition=Q(state="pending"),
                name="one_waiting_migration_per_pair",
            ),
            models.CheckConstraint(
                condition=~Q(source=models.F("target")), name="migration_leads_somewhere_else"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.source.semver} → {self.target.semver}"
