"""Rules that are tried on a stretch of the log."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, Actor
from access.leased import Leased, LeasedQuerySet
from alerts.models.rules import Rule


class BacktestQuerySet(LeasedQuerySet["Backtest"]):
    def visible_to(self, actor: Actor) -> "BacktestQuerySet":
        """Those of the actor's own account, and all of them for administrators."""
        if actor.may_everywhere("admin"):
            return self
        return self.filter(user=actor.user, user__isnull=False)


class Backtest(Leased):
    """What a rule would have done with the events at the positions after `after` up to `head`. The row is the whole state.

    A worker reads them from the beginning; one that is killed has done nothing.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        FAILED = "failed"

    # A draft has none, or one that it would change.
    rule = models.ForeignKey(Rule, null=True, on_delete=models.CASCADE, related_name="backtests")
    name = models.CharField(max_length=200)
    # What an edition says, as `RuleSpec.edition()` has it; and the one that it is compared with.
    edition = models.JSONField()
    baseline = models.JSONField(null=True)
    # Of arrival; null = from the oldest, to the newest.
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    after = models.BigIntegerField()
    head = models.BigIntegerField()
    # How many positions were read, of both editions together.
    done = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    # alerts.backtest_result.Result as JSON.
    result = models.JSONField(null=True)
    warnings = models.JSONField(default=list)
    problem = models.TextField(blank=True)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = BacktestQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"backtest {self.pk} of {self.name}"

    @property
    def ended(self) -> bool:
        return self.state != self.State.RUNNING

    @property
    def shown_progress(self) -> str:
        return f"{self.done:,} of {self.total:,}"

    @property
    def total(self) -> int:
        """Positions to be read."""
        return (self.head - self.after) * (1 if self.baseline is None else 2)
