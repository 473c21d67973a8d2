"""What people and time do with versions: approvals, notices of a sunset, fetches, and studies that go on in the background."""

from collections.abc import Mapping

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, Actor
from access.leased import Leased, LeasedQuerySet
from registry.models.catalogue import Content, Version, under


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def readable_by(self, actor: Actor) -> "ApprovalQuerySet":
        return self.filter(under(actor.readable_prefixes(), "version__subject__name"))

    def waiting(self) -> "ApprovalQuerySet":
        """Those somebody has to decide: deleting the draft withdraws its request."""
        return self.filter(state=Approval.State.PENDING, version__deleted_at__isnull=True)

    def matching(self, chosen: Mapping[str, str]) -> "ApprovalQuerySet":
        """Those with the given `state` and `subject`, as far as they are given."""
        found = self.filter(version__subject__name=chosen["subject"]) if chosen.get("subject") else self
        return found.filter(state=chosen["state"]) if chosen.get("state") else found


class Approval(models.Model):
    """A draft that its subject lets in only when a second person says so, and what that person said."""

    class State(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="approvals")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    requested_by = models.CharField(max_length=LABEL_LENGTH)
    requested_at = models.DateTimeField(db_default=Now())
    # Who may not decide. null = not a person, or one whose account is gone.
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_by = models.CharField(max_length=LABEL_LENGTH, blank=True)
    decider = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=Q(state="pending"), name="one_pending_approval_per_draft"
            ),
            models.CheckConstraint(
                condition=Q(decider__isnull=True)
                | Q(requester__isnull=True)
                | ~Q(decider=models.F("requester")),
                name="nobody_approves_their_own",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.state}"


class SunsetNotice(models.Model):
    """That somebody was told, so many days before, when a version goes. The row decides: each notice is given once."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="notices")
    sunset = models.DateField()
    days_before = models.PositiveSmallIntegerField()
    noticed_at = models.DateTimeField(db_default=Now())
    # "" = nobody who could be written to is named as owner: the pages tell it.
    email = models.CharField(max_length=254, blank=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "sunset", "days_before"], name="each_sunset_notice_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} goes on {self.sunset}"


class Fetch(models.Model):
    """How often and when one client fetched a schema. Written in batches by `fetches.py`."""

    content = models.ForeignKey(Content, on_delete=models.CASCADE, related_name="fetches")
    # The label of the token.
    client = models.CharField(max_length=LABEL_LENGTH)
    count = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "fetches"
        constraints = [models.UniqueConstraint(fields=["content", "client"], name="one_count_per_client")]

    def __str__(self) -> str:
        return f"{self.client} fetched {self.content}"


class StudyQuerySet(LeasedQuerySet["Study"]):
    def readable_by(self, actor: Actor) -> "StudyQuerySet":
        return self.filter(under(actor.readable_prefixes(), "subject"))

    def matching(self, chosen: Mapping[str, str]) -> "StudyQuerySet":
        """Those with the given `subject` and `state`, as far as they are given."""
        return self.filter(**{name: chosen[name] for name in ("subject", "state") if chosen.get(name)})


class Study(Leased):
    """A judge of an upload that goes on in the background. The row is the whole state: a killed worker loses a step.

    The worker that holds `epoch` owns it; every checkpoint is conditional on it.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        FAILED = "failed"

    # By name: a dry run may be about a subject that does not exist.
    subject = models.CharField(max_length=255, db_collation="C")
    judge = models.CharField(max_length=100)
    # What was uploaded: its digest, text and pinned references.
    digest = models.BinaryField(max_length=32)
    schema = models.TextField()
    references = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    done = models.BigIntegerField(default=0)
    # null = nobody counted yet.
    total = models.BigIntegerField(null=True)
    findings = models.JSONField(default=list)
    # What the judge needs to go on where it stopped.
    memory = models.JSONField(default=dict)
    problem = models.TextField(blank=True)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "studies"
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "judge", "digest"],
                condition=Q(state="running"),
                name="one_running_study_per_question",
            )
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="running"), name="studies_running"),
            models.Index(fields=["subject", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.judge} about {self.subject}"

    @property
    def ended(self) -> bool:
        return self.state != self.State.RUNNING

    @property
    def shown_progress(self) -> str:
        return f"{self.done:,} of {self.total or 0:,}"
