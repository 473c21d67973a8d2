"""What rules make of the events of the last days: how many are stored, how many would be, and how sure a count is then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Count, F, FloatField, Sum
from django.db.models.functions import Cast, Length
from django.utils import timezone
from psycopg.errors import QueryCanceled

from access.actor import Actor
from events.models import Event
from events.query import visible_types
from events.sampling import current_sampling, rules_of
from events.sampling_rules import Rule, effective, is_failure

# Wanted first, and what is looked at instead when counting takes too long.
SPANS = (timedelta(days=7), timedelta(days=1), timedelta(hours=1))
_Z95 = 1.96


@dataclass(frozen=True, slots=True)
class Group:
    """Stored events of one type, node, outcome. `happened` is how many there were, those that were not kept included."""

    event_type: str
    node: str
    failed: bool
    stored: int
    happened: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Volume:
    """Events and bytes a day of some kind."""

    name: str
    happened: float
    now: float
    after: float
    bytes_now: float
    bytes_after: float
    # ± of a day's count of what happened, estimated from what is kept, at 95 %.
    error: float

    @property
    def saved(self) -> float:
        """Bytes a day; below zero when more is kept than now."""
        return self.bytes_now - self.bytes_after

    @property
    def more(self) -> float:
        """Bytes a day that are added instead."""
        return -self.saved

    @property
    def low(self) -> float:
        """The estimate of a day's count lies between this and `high` in 19 days of 20."""
        return max(self.happened - self.error, 0.0)

    @property
    def high(self) -> float:
        return self.happened + self.error

    @property
    def relative_error(self) -> float | None:
        return self.error / self.happened if self.happened else None


@dataclass(frozen=True, slots=True)
class Prediction:
    """`since` is the beginning of what was counted; None when not even the shortest span could be counted in time."""

    since: datetime | None
    span: timedelta
    total: Volume
    kinds: tuple[Volume, ...]

    @property
    def shown(self) -> tuple[Volume, ...]:
        """As rows of a table: the sum first, when there is more than one kind."""
        return (self.total, *self.kinds) if len(self.kinds) > 1 else self.kinds


def predict_volume(*, actor: Actor, rules: Sequence[Rule], only: Rule | None = None) -> Prediction:
    """What would be stored if `rules` held; with `only`, of the events that this rule fits.

    By type and node, from the events of the last 7 days that the actor may read, each weighted by 1 / sample_rate.
    """
    span, since, groups = _counted(actor)
    chosen = [group for group in groups if only is None or only.fits(group.event_type, group.node)]
    days = span / timedelta(days=1)
    kinds: dict[str, list[Group]] = {}
    for group in chosen:
        kinds.setdefault(group.event_type, []).append(group)
    volumes = [_volume(name, found, rules, days) for name, found in kinds.items()]
    volumes.sort(key=lambda volume: (-volume.bytes_now, volume.name))
    return Prediction(since, span, _volume("", chosen, rules, days), tuple(volumes))


def with_tried(tried: Rule) -> list[Rule]:
    """The present rules with one more, in place of the one that has its id or its patterns."""
    patterns = (tried.event_type, tried.node)
    present = rules_of(current_sampling())
    return [
        *(rule for rule in present if rule.id != tried.id and (rule.event_type, rule.node) != patterns),
        tried,
    ]


def _counted(actor: Actor) -> tuple[timedelta, datetime | None, list[Group]]:
    for span in SPANS:
        since = timezone.now() - span
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                milliseconds = int(settings.SAMPLING_PREDICTION_SECONDS * 1000)
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
                return span, since, _groups(actor, since)
        except OperationalError as slow:
            if not isinstance(slow.__cause__, QueryCanceled):
                raise
    return SPANS[-1], None, []


def _groups(actor: Actor, since: datetime) -> list[Group]:
    rows = (
        Event.objects.filter(visible_types(actor), received_at__gte=since)
        .values("event_type", "node_id", coded=F("error_code"))
        .annotate(
            stored=Count("*"),
            happened=Sum(1.0 / Cast("sample_rate", FloatField())),
            bytes=Sum(Length("raw")),
        )
        .order_by()
    )
    return [
        Group(
            row["event_type"],
            row["node_id"],
            is_failure(row["event_type"], {"error_code": row["coded"]}),
            row["stored"],
            row["happened"],
            row["bytes"],
        )
        for row in rows
    ]


def _volume(name: str, groups: Sequence[Group], rules: Sequence[Rule], days: float) -> Volume:
    happened = now = after = bytes_now = bytes_after = variance = 0.0
    for group in groups:
        rate = _rate_of(group, rules)
        happened += group.happened
        now += group.stored
        after += group.happened * rate
        bytes_now += group.bytes
        bytes_after += group.bytes / group.stored * group.happened * rate
        # Of kept / rate, where each event is kept by its own with this probability.
        variance += group.happened / days * (1 - rate) / rate
    return Volume(
        name,
        happened / days,
        now / days,
        after / days,
        bytes_now / days,
        bytes_after / days,
        error=_Z95 * sqrt(variance),
    )


def _rate_of(group: Group, rules: Sequence[Rule]) -> float:
    found = effective(rules, group.event_type, group.node)
    if not found or (group.failed and found[0].keep_failures):
        return 1.0
    return found[0].rate
