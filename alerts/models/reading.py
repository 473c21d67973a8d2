"""Which stretches of the log evaluation has read, to be held against what is stored there."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class ReadSpan(models.Model):
    """Evaluation has read the events after one position and up to another, of these types, and saw so many."""

    after = models.BigIntegerField()
    until = models.BigIntegerField()
    # null = of any type; the key stands for the list.
    types = ArrayField(models.CharField(max_length=255), null=True)
    types_key = models.CharField(max_length=32)
    seen = models.BigIntegerField()
    read_at = models.DateTimeField()
    audited_at = models.DateTimeField(null=True)
    # How many were stored there that it had not seen.
    missed = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["types_key", "until"],
                condition=models.Q(audited_at__isnull=True),
                name="read_spans_to_audit",
            )
        ]

    def __str__(self) -> str:
        return f"({self.after}, {self.until}]"
