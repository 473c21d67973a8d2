"""What waits in quarantine: found by filters, and grouped by subject, producer, place and keyword."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from access.actor import Actor
from events.errors import InvalidQuery
from events.models import QuarantinedEvent
from events.query import pattern, visible_quarantine
from registry.figures import HOURS, Figures, Hour

# The newest waiting events that are grouped.
LOOKED_AT = 10_000
# In filters: the event as a whole as a place, and no event type as a type.
NOTHING = "#"
_PLACE = "regexp_replace(one.pointer, '/[0-9]+(?=/|$)', '/*', 'g')"
_PROBLEM = f"""EXISTS (
    SELECT FROM jsonb_to_recordset(errors) AS one(pointer text, keyword text)
    WHERE (%s = '' OR {_PLACE} = %s) AND (%s = '' OR one.keyword = %s)
)"""
_GROUPS = f"""
, problem AS (
    SELECT DISTINCT ON (id, place, one.keyword)
        id, event_type, producer, reason, received_at, last_seen_at, times_seen, {_PLACE} AS place,
        coalesce(one.keyword, '') AS keyword, one.message
    FROM waiting, jsonb_to_recordset(errors) AS one(pointer text, keyword text, message text)
)
SELECT event_type, producer, reason, place, keyword, count(*), sum(times_seen), min(received_at), max(last_seen_at),
    (array_agg(id ORDER BY id DESC))[1:5], (array_agg(message ORDER BY id DESC))[1],
    array_agg(floor(extract(epoch FROM received_at - %s) / 3600)::int) FILTER (WHERE received_at >= %s)
FROM problem GROUP BY event_type, producer, reason, place, keyword
ORDER BY count(*) DESC, event_type, producer, place, keyword LIMIT 200
"""  # noqa: S608 -- constants of this module


@dataclass(frozen=True, slots=True)
class HeldFilters:
    """Which of the waiting events; an empty filter asks for all of them."""

    # A name, a pattern in which `*` is any text, or `#` for events that say none.
    event_type: str = ""
    reason: str = ""
    # A JSON Pointer in which `*` is any member of an array, or `#` for the whole event.
    place: str = ""
    keyword: str = ""
    producer: str = ""
    # "yes": those that were set aside instead of those that wait.
    aside: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "HeldFilters":
        """From a query string or a form. Raises InvalidQuery for text that no database holds."""
        for name in ("type", "reason", "place", "keyword", "producer"):
            if "\0" in given.get(name, ""):
                raise InvalidQuery(
                    f"'{name}' holds the control character U+0000, which no name here has.", parameter=name
                )
        return cls(
            event_type=given.get("type", ""),
            reason=given.get("reason", ""),
            place=given.get("place", ""),
            keyword=given.get("keyword", ""),
            producer=given.get("producer", ""),
            aside="yes" if given.get("aside", "").lower() in {"yes", "true"} else "",
        )

    @property
    def chosen(self) -> dict[str, str]:
        """As in a query string, without what is empty."""
        named = {"type" if name == "event_type" else name: value for name, value in asdict(self).items()}
        return {name: value for name, value in named.items() if value}

    def condition(self) -> Q:
        found = Q(event_type="") if self.event_type == NOTHING else pattern("event_type", self.event_type)
        for column in ("reason", "producer"):
            if value := getattr(self, column):
                found &= Q(**{column: value})
        if self.place or self.keyword:
            place = "" if self.place == NOTHING else self.place
            asked = ["x" if self.place else "", place, self.keyword, self.keyword]
            found &= Q(RawSQL(_PROBLEM, asked, output_field=BooleanField()))  # noqa: S611 -- parameters are bound
        return found


def find_quarantined(*, actor: Actor, filters: HeldFilters | None = None) -> QuerySet[QuarantinedEvent]:
    """The events that wait in quarantine, or were set aside there, of the types that the actor may read; unordered."""
    filters = filters or HeldFilters()
    waiting = visible_quarantine(actor).filter(
        released_at__isnull=True, set_aside_at__isnull=not filters.aside
    )
    return waiting.filter(filters.condition())


def within(rows: QuerySet[QuarantinedEvent], prefixes: Sequence[str]) -> QuerySet[QuarantinedEvent]:
    """Those of the event types that begin with one of these."""
    allowed = Q(pk__in=[])
    for prefix in prefixes:
        allowed |= Q(event_type__startswith=prefix)
    return rows.filter(allowed)


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Waiting events that one producer sent, with the same problem at the same place."""

    event_type: str
    producer: str
    reason: str
    place: str
    keyword: str
    count: int
    # How often they were sent, repetitions included.
    times_seen: int
    first: datetime
    last: datetime
    # Numbers in the quarantine of up to five of them, the newest first, and what the newest was told.
    samples: list[int]
    message: str
    # How many came first in each of the last HOURS hours, the oldest first.
    figures: Figures
    # What was asked for when it was found.
    within: HeldFilters

    @property
    def filters(self) -> HeldFilters:
        """What finds exactly these events."""
        place, kind = self.place or NOTHING, self.event_type or NOTHING
        return replace(
            self.within,
            event_type=kind,
            reason=self.reason,
            place=place,
            keyword=self.keyword,
            producer=self.producer,
        )


def group_quarantined(*, actor: Actor, filters: HeldFilters) -> list[HeldGroup]:
    """The groups among the newest LOOKED_AT waiting events that the actor may read, the largest first.

    An event with several problems is in several groups.
    """
    since = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    columns = (
        "id",
        "event_type",
        "producer",
        "reason",
        "received_at",
        "last_seen_at",
        "times_seen",
        "errors",
    )
    rows = find_quarantined(actor=actor, filters=filters).order_by("-id").values_list(*columns)[:LOOKED_AT]
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        # Who may read nothing.
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"WITH waiting AS ({sql}) {_GROUPS}", [*params, since, since])
        return [_group(row[:-1], row[-1], since, filters) for row in cursor.fetchall()]


def count_by_hour(rows: QuerySet[QuarantinedEvent]) -> Figures:
    """When these came first, over the last HOURS hours."""
    since = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    came = rows.filter(received_at__gte=since).order_by().values_list("received_at", flat=True)[:LOOKED_AT]
    return _figures([int((at - since).total_seconds() // 3600) for at in came], since)


def _group(
    row: tuple[object, ...], hours: list[int] | None, since: datetime, asked: HeldFilters
) -> HeldGroup:
    figures = _figures(hours or [], since)
    return HeldGroup(*row, figures, asked)  # type: ignore[arg-type, call-arg]  # in the order of its fields


def _figures(hours: list[int], since: datetime) -> Figures:
    counted = Counter(hours)
    every = (Hour(since + timedelta(hours=n), counted[n], counted[n]) for n in range(HOURS))
    return Figures(tuple(every))
