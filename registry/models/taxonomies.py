"""Error-code taxonomies and their immutable editions."""

from django.db import models
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH


class Taxonomy(models.Model):
    """A named tree of error codes."""

    name = models.CharField(max_length=255, unique=True, db_collation="C")
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "taxonomies"

    def __str__(self) -> str:
        return self.name


class TaxonomyVersion(models.Model):
    """An immutable edition of a taxonomy: the document as uploaded."""

    taxonomy = models.ForeignKey(Taxonomy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    semver = models.CharField(max_length=60)
    document = models.JSONField()
    digest = models.BinaryField(max_length=32)
    note = models.TextField(blank=True)
    published_by = models.CharField(max_length=LABEL_LENGTH)
    published_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["taxonomy", "number"]
        constraints = [
            models.UniqueConstraint(fields=["taxonomy", "number"], name="one_taxonomy_version_per_number"),
            models.UniqueConstraint(fields=["taxonomy", "semver"], name="one_taxonomy_version_per_semver"),
        ]

    def __str__(self) -> str:
        return f"{self.taxonomy} {self.semver}"
