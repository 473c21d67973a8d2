"""Archives and other registries that are brought in, in the background."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH
from access.leased import Leased, LeasedQuerySet
from access.sealed import SealedField


class CatalogueImportQuerySet(LeasedQuerySet["CatalogueImport"]):
    def worked_on(self) -> "CatalogueImportQuerySet":
        return self.filter(state=CatalogueImport.State.RUNNING, leased_until__gte=Now())


class CatalogueImport(Leased):
    """An archive or another registry that is brought in, in the background. Repeating it after a kill goes on with it.

    The worker that holds `epoch` owns it; everything it writes here is conditional on it.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        FAILED = "failed"

    class Kind(models.TextChoices):
        ARCHIVE = "archive"
        REGISTRY = "registry"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    # The name of the file, or the address of the registry.
    source = models.CharField(max_length=2000)
    # Of a registry: {"subject_prefix", "into"}.
    options = models.JSONField(default=dict)
    # What the registry wants to see, as JSON; "" once it is not needed any more.
    secret = SealedField(blank=True)
    dry_run = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    step = models.CharField(max_length=60, blank=True)
    done = models.BigIntegerField(default=0)
    # null = nobody counted yet.
    total = models.BigIntegerField(null=True)
    # What it came to: `import_report.Report`.
    report = models.JSONField(null=True)
    problem = models.TextField(blank=True)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = CatalogueImportQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], condition=Q(state="running"), name="imports_running")]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.source}"

    @property
    def ended(self) -> bool:
        return self.state != self.State.RUNNING

    @property
    def shown_progress(self) -> str:
        return f"{self.done:,} of {self.total or 0:,}"


class ArchivePart(models.Model):
    """A piece of an uploaded archive, kept until it was brought in."""

    # Not `import`, which Python keeps for itself.
    belongs_to = models.ForeignKey(CatalogueImport, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["belongs_to", "number"], name="one_archive_part_per_number")
        ]

    def __str__(self) -> str:
        return f"part {self.number} of import {self.belongs_to_id}"
