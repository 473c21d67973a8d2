"""What channels are told of together with other things, and not yet."""

from django.db import models
from django.db.models.functions import Now

from alerts.models.channels import Channel
from alerts.models.episodes import Episode


class Gathered(models.Model):
    """Something about an episode that a channel is to be told of with whatever else comes by then."""

    class Why(models.TextChoices):
        GROUPED = "grouped", "it gathers what comes close together"
        LIMITED = "limited", "it was told too much within a minute"
        FLAPPING = "flapping", "the group fires again and again"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="gathered")
    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="gathered")
    # "firing" or "resolved".
    what = models.CharField(max_length=10)
    why = models.CharField(max_length=10, choices=Why.choices)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "episode", "what"], name="gathered_once"),
        ]
        indexes = [models.Index(fields=["due_at"], name="gathered_due")]

    def __str__(self) -> str:
        return f"{self.what}: {self.episode}"
