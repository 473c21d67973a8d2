"""Rules and their editions, where evaluation stands, and the groups it knows."""

import functools
import operator
from datetime import timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from access.actor import LABEL_LENGTH, Actor
from alerts.models.channels import Channel
from events.changes import EVENT_TYPES
from events.models import Event


class Severity(models.TextChoices):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Kind(models.TextChoices):
    """What a rule looks for in the events that it selects."""

    COUNT = "count", "enough of them within a window"
    DISTINCT = "distinct", "enough different values of a field within a window"
    SHARE = "share", "a share of them within a window"
    VALUE = "value", "what a field of them amounts to within a window"
    CHANGE = "change", "far more, or fewer, of them than before"
    NEW = "new", "something not seen before"
    ABSENCE = "absence", "none of them for a while"
    SEQUENCE = "sequence", "something that follows"
    MISSING = "missing", "something that does not follow"


#: Kinds that look at whole windows.
LOOKING = (Kind.SHARE, Kind.VALUE, Kind.CHANGE)
#: Kinds that a late event could prove wrong: they decide behind the watermark.
DELAYED = (*LOOKING, Kind.MISSING, Kind.ABSENCE)


class Function(models.TextChoices):
    """What the numbers of a field amount to."""

    AVG = "avg", "the average"
    SUM = "sum", "the sum"
    MIN = "min", "the lowest"
    MAX = "max", "the highest"
    P50 = "p50", "the median"
    P90 = "p90", "the 90th percentile"
    P95 = "p95", "the 95th percentile"
    P99 = "p99", "the 99th percentile"


class Compare(models.TextChoices):
    ABOVE = "above", "is above"
    BELOW = "below", "is below"


#: Behind the log for so long, a rule is `stale`: what it says may have changed.
STALE_AFTER = timedelta(minutes=1)


class RuleQuerySet(models.QuerySet["Rule"]):
    def living(self) -> "RuleQuerySet":
        return self.filter(deleted_at__isnull=True)

    def visible_to(self, actor: Actor) -> "RuleQuerySet":
        """Rules all of whose event types the actor may read; those that pin none need reading everywhere."""
        if "" in actor.readable_prefixes():
            return self
        return self.filter(current__in=RuleVersion.objects.readable_by(actor))

    def with_firing(self) -> "RuleQuerySet":
        """Adds `firing`, the number of open episodes, `pending`, that of groups which may open one, and when the oldest event arrived that it has
        not judged (`unread_since`)."""
        unread = Event.everything.filter(position=models.OuterRef("cursor") + 1).values("received_at")
        return self.annotate(
            unread_since=models.Subquery(unread[:1]),
            firing=models.Count("episodes", filter=Q(episodes__state="firing"), distinct=True),
            pending=models.Count("episodes", filter=Q(episodes__state="pending"), distinct=True),
        )


class Rule(models.Model):
    """A rule by name; what it says is in its newest edition."""

    name = models.CharField(max_length=200)
    enabled = models.BooleanField(default=True)
    current = models.OneToOneField("RuleVersion", null=True, on_delete=models.PROTECT, related_name="+")
    channels = models.ManyToManyField(Channel, blank=True, related_name="rules")
    # A group that fires more often within an hour is told of in one message an hour; null: each time.
    flapping_after = models.PositiveSmallIntegerField(null=True)
    # While nobody sees to an episode: how often its channels are reminded, and when which others are told.
    remind_minutes = models.PositiveIntegerField(null=True)
    escalate_minutes = models.PositiveIntegerField(null=True)
    escalate_to = models.ManyToManyField(Channel, blank=True, related_name="escalated_rules")
    # While an episode of one of these fires that is equal in these fields, nobody is told of this rule's.
    inhibited_by = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="inhibits")
    inhibit_equal = ArrayField(models.CharField(max_length=200), default=list)
    # A rule begins at the head of the log: events up to here are never counted.
    starts_after = models.BigIntegerField(default=0)
    # Events up to this position of the log have been judged.
    cursor = models.BigIntegerField(default=0)
    evaluated_at = models.DateTimeField(null=True)
    # Of a share: instants up to here were decided, and the next are to be looked at then; null while nothing is to come.
    decided_at = models.DateTimeField(null=True)
    look_at = models.DateTimeField(null=True)
    # A sentence when the rule could not be evaluated: shown, never silent.
    problem = models.TextField(blank=True)
    # What went wrong last, when, and when its channels were told: `alerts.rule_health`.
    trouble = models.TextField(blank=True)
    troubled_at = models.DateTimeField(null=True)
    trouble_told_at = models.DateTimeField(null=True)
    # Not tried again before then, so that a rule that cannot be evaluated does not keep the worker busy.
    retry_at = models.DateTimeField(null=True)
    late_ignored = models.BigIntegerField(default=0)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)

    objects = RuleQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(deleted_at__isnull=True), name="one_living_rule_per_name"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def state(self) -> str:
        """`paused`, `error`, `stale`, `firing`, `pending` or `ok`; needs `with_firing`."""
        if not self.enabled:
            return "paused"
        if self.problem:
            return "error"
        unread = getattr(self, "unread_since", None)
        if unread is not None and unread < timezone.now() - STALE_AFTER:
            return "stale"
        if getattr(self, "firing", 0):
            return "firing"
        return "pending" if getattr(self, "pending", 0) else "ok"


class _AllUnder(models.Func):
    """Whether every element of an array begins with one of several prefixes."""

    template = "NOT EXISTS (SELECT FROM unnest(%(expressions)s))"
    arg_joiner = ") AS one WHERE NOT one ^@ ANY("
    output_field = models.BooleanField()


class RuleVersionQuerySet(models.QuerySet["RuleVersion"]):
    def readable_by(self, actor: Actor) -> "RuleVersionQuerySet":
        """Editions all of whose event types the actor may read; those that pin none need reading everywhere."""
        prefixes = actor.readable_prefixes()
        if "" in prefixes:
            return self
        under = models.Value(list(prefixes), output_field=ArrayField(models.TextField()))
        found = self.filter(_AllUnder("event_types", under), event_types__isnull=False)
        # The product's own events tell of every subject there is.
        return found.exclude(event_types__overlap=list(EVENT_TYPES))


#: What an edition of a kind says, and no other.
NEEDED: dict[Kind, tuple[str, ...]] = {
    Kind.COUNT: (),
    Kind.DISTINCT: ("field",),
    Kind.SHARE: ("hits", "percent"),
    Kind.VALUE: ("field", "function", "compare", "limit"),
    Kind.CHANGE: ("factor", "compare", "baseline_windows"),
    Kind.NEW: ("remember_days",),
    Kind.ABSENCE: ("remember_days",),
    Kind.SEQUENCE: ("then", "within_seconds", "pair_by"),
    Kind.MISSING: ("then", "within_seconds", "pair_by"),
}
OF_KINDS = tuple(dict.fromkeys(name for names in NEEDED.values() for name in names))


def _says(kind: Kind) -> Q:
    """An edition of this kind, with what it needs and without what others need."""
    return Q(kind=kind, **{f"{name}__isnull": name not in NEEDED[kind] for name in OF_KINDS})


class RuleVersion(models.Model):
    """An immutable edition of a rule.

    `count`: at least `threshold` of the selected events within the window, per group. `share`: more than `percent` of the
    selected events, which are `threshold` at least, are `hits`. `new`: a group of which no event was selected in the
    `remember_days` before; its episode stays open for the window. `distinct`: at least `threshold` different values of `field`.
    `value`: the `function` of the numbers in `field`, of which there are `threshold` at least, is above or below (`compare`) the `limit`.
    `sequence` counts the events that are `then` and have the values of `pair_by` of a selected event at most `within_seconds` before;
    `missing` counts the selected events that none followed so. `change`: more than `factor` times as many events, or
    fewer than one `factor`th, as in each of the `baseline_windows` windows before on average. `absence`: no event of a group, of which there was one in the
    `remember_days` before, was selected for the window.
    """

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    description = models.TextField(blank=True)
    # The condition tree: {"all": […]}, {"any": […]}, {"not": …} or {"field", "op", "value"}.
    selector = models.JSONField()
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.COUNT)
    # Of a share: a condition tree, too.
    hits = models.JSONField(null=True)
    percent = models.DecimalField(max_digits=6, decimal_places=3, null=True)
    remember_days = models.PositiveSmallIntegerField(null=True)
    field = models.CharField(max_length=200, null=True)
    function = models.CharField(max_length=10, choices=Function.choices, null=True)
    compare = models.CharField(max_length=10, choices=Compare.choices, null=True)
    limit = models.DecimalField(max_digits=30, decimal_places=9, null=True)
    # Of far more or fewer: how many times, and how many windows before are looked at for what is usual.
    factor = models.DecimalField(max_digits=9, decimal_places=3, null=True)
    baseline_windows = models.PositiveSmallIntegerField(null=True)
    # Of pairs: a condition tree, too, and the fields in which both events have the same values.
    then = models.JSONField(null=True)
    within_seconds = models.PositiveIntegerField(null=True)
    pair_by = ArrayField(models.CharField(max_length=200), null=True)
    # The only event types it can match, as the selector says; null = any.
    event_types = ArrayField(models.CharField(max_length=255), null=True)
    threshold = models.PositiveIntegerField(default=1)
    window_seconds = models.PositiveIntegerField(default=300)
    group_by = ArrayField(models.CharField(max_length=200), default=list)
    # How long a group is over, without interruption, before it fires.
    for_seconds = models.PositiveIntegerField(default=0)
    # How long an episode stays open after the last instant at which the window held enough matches.
    keep_firing_seconds = models.PositiveIntegerField(default=0)
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.WARNING)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(db_default=Now())

    objects = RuleVersionQuerySet.as_manager()

    class Meta:
        ordering = ["rule", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="one_edition_per_number"),
            models.CheckConstraint(condition=Q(threshold__gte=1), name="threshold_is_positive"),
            models.CheckConstraint(condition=Q(window_seconds__gte=1), name="window_is_positive"),
            models.CheckConstraint(
                condition=functools.reduce(operator.or_, (_says(kind) for kind in NEEDED)),
                name="an_edition_says_what_its_kind_needs",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} (edition {self.number})"

    @property
    def conditions(self) -> list[Any]:
        """Every condition tree that it asks of events."""
        return [tree for tree in (self.selector, self.hits, self.then) if tree is not None]

    @property
    def further_fields(self) -> list[str]:
        """What it reads of events beside its conditions."""
        return [*self.group_by, *(self.pair_by or ()), *([] if self.field is None else [self.field])]


class Pane(models.Model):
    """What an edition that looks at whole windows has seen of a group in one step of event time."""

    edition = models.ForeignKey(RuleVersion, on_delete=models.CASCADE, related_name="panes")
    group_key = models.CharField(max_length=1000)
    # Of the group-by fields, as JSON holds them.
    values = models.JSONField()
    start = models.DateTimeField()
    total = models.PositiveIntegerField()
    hits = models.PositiveIntegerField()
    # What a field of theirs said, of an edition about that: `alerts.numbers`.
    numbers = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["edition", "group_key", "start"], name="one_pane_per_group_and_step"
            )
        ]
        indexes = [models.Index(fields=["edition", "start"])]

    def __str__(self) -> str:
        return f"{self.group_key} {self.start}: {self.hits} of {self.total}"


class Finding(models.Model):
    """An event that an edition about pairs counts, since something followed it or did not; or one that came late and is still waited for.

    `at` is when it counts: of what is missing, when the time was up.
    """

    edition = models.ForeignKey(RuleVersion, on_delete=models.CASCADE, related_name="findings")
    group_key = models.CharField(max_length=1000)
    at = models.DateTimeField()
    position = models.BigIntegerField()
    received_at = models.DateTimeField()
    # Until when something may still follow that counts for it; null = found.
    open_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["edition", "position"], name="one_finding_per_event"),
        ]
        indexes = [
            models.Index(fields=["edition", "group_key", "at"], name="findings_by_group"),
            models.Index(
                fields=["edition", "open_until"], condition=Q(open_until__isnull=False), name="findings_open"
            ),
        ]

    def __str__(self) -> str:
        return f"event at {self.position}"


class KnownGroup(models.Model):
    """A group that an edition about something new, or about absence, has seen, and when an event of it occurred last."""

    edition = models.ForeignKey(RuleVersion, on_delete=models.CASCADE, related_name="known_groups")
    group_key = models.CharField(max_length=1000)
    # Of the group-by fields, as JSON holds them.
    values = models.JSONField(default=list)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "group_key"], name="a_group_is_known_once")]
        indexes = [models.Index(fields=["edition", "last_at"])]

    def __str__(self) -> str:
        return f"{self.group_key} until {self.last_at}"
