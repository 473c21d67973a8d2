"""What part of their events producers keep: every state the rules were ever in."""

from django.db import models
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH


class SamplingRevision(models.Model):
    """The whole configuration as it was from one change to the next; the row with the highest number holds.

    `rules` are those of events/sampling_rules.py, as `Rule.as_json` writes them. Number 0, which the migration makes,
    has none; whoever changes something locks it, so that changes come one after the other.
    """

    number = models.PositiveIntegerField(primary_key=True)
    rules = models.JSONField(default=list)
    # Counts up over all revisions: the id of a deleted rule is never given again.
    next_rule = models.PositiveIntegerField(default=1)
    # What was done, in words.
    change = models.CharField(max_length=600)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"sampling revision {self.number}"
