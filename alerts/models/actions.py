"""What rules do by themselves when they fire, and what became of it."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH
from alerts.models.channels import Channel
from alerts.models.episodes import Episode
from alerts.models.rules import Rule


class Action(models.Model):
    """What the product itself does when a rule fires, beside telling people. What a kind does is in `alerts.action_kinds`."""

    class Kind(models.TextChoices):
        REPLAY = "replay", "replay the evidence"
        SAMPLING = "sampling", "keep more of an event type"
        STRICT = "strict", "make a subject strict"

    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="actions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # Of `sampling` and `strict`: the event type, for how long, and the share that is kept meanwhile.
    subject = models.CharField(max_length=255, blank=True)
    minutes = models.PositiveIntegerField(null=True)
    rate = models.FloatField(null=True)
    # Of `replay`: the webhook that the events are sent to; without it a run that people can watch.
    to_channel = models.BooleanField(default=False)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.CharField(max_length=LABEL_LENGTH)
    # Whose rights it has when it runs.
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind="replay", subject="", minutes=None, rate=None)
                    | Q(kind="strict", minutes__gte=1, rate=None, to_channel=False) & ~Q(subject="")
                    | Q(kind="sampling", minutes__gte=1, rate__gt=0, to_channel=False) & ~Q(subject="")
                ),
                name="an_action_says_what_its_kind_needs",
            )
        ]

    def __str__(self) -> str:
        return self.in_words

    @property
    def in_words(self) -> str:
        if self.kind == self.Kind.STRICT:
            return f"make {self.subject} strict for {self.minutes} min"
        if self.kind == self.Kind.SAMPLING:
            return f"keep {self.rate:.4g} of {self.subject} for {self.minutes} min"
        if not self.to_channel:
            return "replay the evidence, to be watched here"
        return f"replay the evidence to {self.channel or 'a channel that was deleted'}"

    @property
    def holds(self) -> str:
        """What it changes for a time: of two that change the same, the second only makes it last longer."""
        return "" if self.kind == self.Kind.REPLAY else f"{self.kind}/{self.subject}"


class ActionRun(models.Model):
    """One action for one episode: written with the firing, done by a worker, taken back when its time is over."""

    class State(models.TextChoices):
        DUE = "due"
        ACTIVE = "active"
        DONE = "done"
        FAILED = "failed"
        REVERTED = "reverted"

    action = models.ForeignKey(Action, on_delete=models.PROTECT, related_name="runs")
    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="action_runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    # As `Action.holds`.
    holds = models.CharField(max_length=300, blank=True)
    began_at = models.DateTimeField(null=True)
    # When it is taken back; null where there is nothing to take back, or nobody does it but by hand.
    until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # What is needed to take it back: of `sampling` the rules as they were, of `replay` the run.
    before = models.JSONField(default=dict)
    # What came of it, in a sentence.
    said = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["action", "episode"], name="an_action_runs_once_per_episode"),
            models.UniqueConstraint(
                fields=["holds"], condition=Q(state="active") & ~Q(holds=""), name="one_hold_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="due"), name="action_runs_due"),
            models.Index(fields=["until"], condition=Q(state="active"), name="action_runs_active"),
        ]

    def __str__(self) -> str:
        return f"{self.action}: {self.state}"

    @property
    def can_be_undone(self) -> bool:
        return self.state == self.State.ACTIVE
