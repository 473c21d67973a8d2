"""What is stored about alerts: rules and their editions, where evaluation stands, groups, episodes, channels."""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast, Concat, Now

from access.actor import LABEL_LENGTH, Actor
from access.models import DeliveryTarget
from access.signing import public_key_of
from events.changes import EVENT_TYPES

# What deliveries through a channel are found by, before its number.
TARGET = "alerts.channel/"


class Severity(models.TextChoices):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Kind(models.TextChoices):
    """What a rule looks for in the events that it selects."""

    COUNT = "count", "enough of them within a window"
    SHARE = "share", "a share of them within a window"
    NEW = "new", "something not seen before"


class ChannelQuerySet(models.QuerySet["Channel"]):
    def told(self) -> "ChannelQuerySet":
        """Those that notifications are written for: enabled, and not gone (410)."""
        gone = DeliveryTarget.objects.filter(
            name=Concat(models.Value(TARGET), Cast(models.OuterRef("pk"), models.CharField())),
            gone_at__isnull=False,
        )
        return self.filter(~models.Exists(gone), enabled=True)


class Channel(models.Model):
    """Where notifications go. What a kind needs of the fields is said in `alerts.channel_kinds`."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "Webhook"
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack"
        PAGERDUTY = "pagerduty", "PagerDuty"
        TEAMS = "teams", "Microsoft Teams"
        DISCORD = "discord", "Discord"
        APPRISE = "apprise", "Apprise"

    class Signature(models.TextChoices):
        V1 = "v1", "v1: HMAC-SHA256, with a secret that the receiver has, too"
        V1A = "v1a", "v1a: Ed25519, which the receiver verifies with a public key"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.WEBHOOK)
    url = models.CharField(max_length=2000, blank=True)
    # Of a webhook: what it is signed with; of PagerDuty: the integration key.
    secret = models.CharField(max_length=200, blank=True)
    recipients = ArrayField(models.CharField(max_length=254), default=list, blank=True)
    # What it says in its own words (`alerts.wording`); "" is what every channel says.
    title_template = models.TextField(blank=True)
    text_template = models.TextField(blank=True)
    # Between these, on the clock of the time zone, it is told only what is critical; both null: always told.
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    enabled = models.BooleanField(default=True)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(db_default=Now())

    objects = ChannelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> str:
        """What its deliveries are found by."""
        return f"{TARGET}{self.pk}"

    @property
    def public_key(self) -> str | None:
        """What the receiver of a webhook signed with v1a verifies with."""
        return public_key_of(self.secret)

    @property
    def signature(self) -> str:
        """The scheme by which a webhook is signed; "" for other kinds, and before there is a secret."""
        if self.kind != self.Kind.WEBHOOK or not self.secret:
            return ""
        return self.Signature.V1A if self.public_key else self.Signature.V1

    def state(self, health: DeliveryTarget | None) -> str:
        """`disabled`, `gone` (410, until it is enabled again), `failing`, or `enabled`."""
        if not self.enabled:
            return "disabled"
        if health and health.gone_at:
            return "gone"
        return "failing" if health and health.failing_since else "enabled"


class RuleQuerySet(models.QuerySet["Rule"]):
    def living(self) -> "RuleQuerySet":
        return self.filter(deleted_at__isnull=True)

    def visible_to(self, actor: Actor) -> "RuleQuerySet":
        """Rules all of whose event types the actor may read; those that pin none need reading everywhere."""
        if "" in actor.readable_prefixes():
            return self
        return self.filter(current__in=RuleVersion.objects.readable_by(actor))

    def with_firing(self) -> "RuleQuerySet":
        """Adds `firing`, the number of open episodes."""
        return self.annotate(
            firing=models.Count("episodes", filter=Q(episodes__state=Episode.State.FIRING), distinct=True)
        )


class Rule(models.Model):
    """A rule by name; what it says is in its newest edition."""

    name = models.CharField(max_length=200)
    enabled = models.BooleanField(default=True)
    current = models.OneToOneField("RuleVersion", null=True, on_delete=models.PROTECT, related_name="+")
    channels = models.ManyToManyField(Channel, blank=True, related_name="rules")
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
        """`error`, `firing`, `paused` or `ok`; needs `with_firing`."""
        if not self.enabled:
            return "paused"
        if self.problem:
            return "error"
        return "firing" if getattr(self, "firing", 0) else "ok"


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


def _says(kind: Kind, *needed: str) -> Q:
    """An edition of this kind, with what it needs and without what others need."""
    return Q(
        kind=kind, **{f"{name}__isnull": name not in needed for name in ("hits", "percent", "remember_days")}
    )


class RuleVersion(models.Model):
    """An immutable edition of a rule.

    `count`: at least `threshold` of the selected events within the window, per group. `share`: more than `percent` of the
    selected events, which are `threshold` at least, are `hits`. `new`: a group of which no event was selected in the
    `remember_days` before; its episode stays open for the window.
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
    # The only event types it can match, as the selector says; null = any.
    event_types = ArrayField(models.CharField(max_length=255), null=True)
    threshold = models.PositiveIntegerField(default=1)
    window_seconds = models.PositiveIntegerField(default=300)
    group_by = ArrayField(models.CharField(max_length=200), default=list)
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
                condition=(
                    _says(Kind.COUNT)
                    | _says(Kind.SHARE, "hits", "percent")
                    | _says(Kind.NEW, "remember_days")
                ),
                name="an_edition_says_what_its_kind_needs",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} (edition {self.number})"

    @property
    def conditions(self) -> list[Any]:
        """Every condition tree that it asks of events."""
        return [self.selector] if self.hits is None else [self.selector, self.hits]


class Pane(models.Model):
    """How many events of a group an edition about a share has seen in one step of event time."""

    edition = models.ForeignKey(RuleVersion, on_delete=models.CASCADE, related_name="panes")
    group_key = models.CharField(max_length=1000)
    # Of the group-by fields, as JSON holds them.
    values = models.JSONField()
    start = models.DateTimeField()
    total = models.PositiveIntegerField()
    hits = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["edition", "group_key", "start"], name="one_pane_per_group_and_step"
            )
        ]
        indexes = [models.Index(fields=["edition", "start"])]

    def __str__(self) -> str:
        return f"{self.group_key} {self.start}: {self.hits} of {self.total}"


class KnownGroup(models.Model):
    """A group that an edition about something new has seen, and when an event of it occurred last."""

    edition = models.ForeignKey(RuleVersion, on_delete=models.CASCADE, related_name="known_groups")
    group_key = models.CharField(max_length=1000)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "group_key"], name="a_group_is_known_once")]
        indexes = [models.Index(fields=["edition", "last_at"])]

    def __str__(self) -> str:
        return f"{self.group_key} until {self.last_at}"


class EpisodeQuerySet(models.QuerySet["Episode"]):
    def visible_to(self, actor: Actor) -> "EpisodeQuerySet":
        """Those whose edition the actor may read and every later one, deleted rules included.

        An open episode goes on when its rule is edited, so that what a later edition counts may be in it, too.
        """
        if "" in actor.readable_prefixes():
            return self
        since = RuleVersion.objects.filter(
            rule=models.OuterRef("rule"), number__gte=models.OuterRef("rule_version__number")
        )
        hidden = since.exclude(pk__in=RuleVersion.objects.readable_by(actor))
        return self.filter(~models.Exists(hidden))

    def firing(self) -> "EpisodeQuerySet":
        return self.filter(state=Episode.State.FIRING)


class Episode(models.Model):
    """One firing of one group of one rule, from the moment it fired until it resolved."""

    class State(models.TextChoices):
        FIRING = "firing"
        RESOLVED = "resolved"

    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="episodes")
    rule_version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="+")
    group_key = models.CharField(max_length=1000)
    # {"node_id": "…"}: what the group is, readable.
    group = models.JSONField(default=dict)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.FIRING)
    # Event times of the first match of the firing window, of the match that crossed the threshold, of the last match.
    started_at = models.DateTimeField()
    fired_at = models.DateTimeField()
    last_match_at = models.DateTimeField()
    # Event time at which it resolves unless more matches come.
    closes_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    # Why it ended when not by itself: "The rule was paused by ann."
    ended_by = models.CharField(max_length=300, blank=True)
    # The highest count in one window; of a share, of hits, and the highest share in per cent.
    peak = models.PositiveIntegerField()
    share = models.FloatField(null=True)
    matches = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    objects = EpisodeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["rule", "group_key", "number"], name="one_episode_per_number"),
            # Two workers cannot open the same firing twice.
            models.UniqueConstraint(
                fields=["rule", "group_key"], condition=Q(state="firing"), name="one_open_episode_per_group"
            ),
        ]
        indexes = [
            models.Index(fields=["rule", "closes_at"], condition=Q(state="firing"), name="episodes_open"),
            models.Index(fields=["rule", "group_key", "closes_at"]),
            models.Index(fields=["rule", "-closes_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.rule} #{self.number} {self.group_key}"


class Evidence(models.Model):
    """An event that belongs to an episode (the first ones, up to a limit; `Episode.matches` counts all)."""

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="evidence")
    position = models.BigIntegerField()
    received_at = models.DateTimeField()
    occurred_at = models.DateTimeField()

    class Meta:
        ordering = ["occurred_at", "position"]
        constraints = [
            models.UniqueConstraint(fields=["episode", "position"], name="one_piece_of_evidence_per_event")
        ]

    def __str__(self) -> str:
        return f"event at {self.position}"


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
