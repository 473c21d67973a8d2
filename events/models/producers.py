"""What producers say of the events that did and did not leave them."""

import uuid

from django.db import models

from access.actor import LABEL_LENGTH


class ClientReport(models.Model):
    """The last word of one process about its events, counted since it began; its next report replaces it."""

    # Who sent it.
    producer = models.CharField(max_length=LABEL_LENGTH)
    instance = models.UUIDField(default=uuid.uuid4)
    sequence = models.PositiveBigIntegerField()
    service = models.CharField(max_length=200)
    node_id = models.CharField(max_length=255)
    sdk = models.CharField(max_length=100)
    started_at = models.DateTimeField()
    reported_at = models.DateTimeField()
    counts = models.JSONField(default=dict)
    gauges = models.JSONField(default=dict)
    # By event type: how many were emitted, and how they ended.
    types = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["producer", "instance"], name="events_report_of_an_instance")
        ]
        indexes = [
            models.Index(fields=["producer", "reported_at"], name="events_report_producer"),
            models.Index(fields=["reported_at"], name="events_report_reported"),
        ]

    def __str__(self) -> str:
        return f"report {self.sequence} of {self.service} on {self.node_id}"
