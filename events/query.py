"""Finding stored events: the filters of the explorer and of the API, and what an actor may see of the log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Field, Lookup, Q, QuerySet

from access.actor import Actor
from events.changes import EVENT_TYPES
from events.code_filter import carrying
from events.day_bounds import received_when
from events.errors import EventNotFound, InvalidQuery
from events.field_filter import fields_fit
from events.models import Event, QuarantinedEvent
from events.signatures import SENTENCES
from events.type_pattern import types_like
from registry.models import Version

# The filters of the explorer, by their names in its address.
FILTERS = (
    "type",
    "node",
    "correlation_id",
    "trace_id",
    "error_code",
    "error_pattern",
    "valid",
    "since",
    "until",
    "where",
    "pointer",
    "keyword",
    "signature",
)


class Like(Lookup):
    """SQL's LIKE, for patterns with `*`."""

    lookup_name = "like"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} LIKE {right}", [*left_params, *right_params]


Field.register_lookup(Like)


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for; an empty filter asks for everything."""

    # A name, or a pattern in which `*` is any text.
    event_type: str = ""
    # The beginning of the node's name.
    node: str = ""
    correlation_id: str = ""
    trace_id: str = ""
    # A code in any spelling, which asks for those below it, too; or an area.
    error_code: str = ""
    # What a failure says, as its event has it.
    error_pattern: str = ""
    # None: both.
    valid: bool | None = None
    # By the producers' clocks.
    since: datetime | None = None
    until: datetime | None = None
    # Problems that stand at this pointer, of this keyword.
    pointer: str | None = None
    keyword: str = ""
    # What was found about their signatures.
    signature: str = ""
    # On any field of the event.
    where: Q = field(default_factory=Q)

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filters":
        """From a query string. Raises InvalidQuery, naming the parameter, for a value that cannot be one."""
        return cls(
            event_type=given.get("type", ""),
            node=given.get("node", ""),
            correlation_id=given.get("correlation_id", ""),
            trace_id=given.get("trace_id", ""),
            error_code=given.get("error_code", ""),
            error_pattern=given.get("error_pattern", ""),
            valid=yes_or_no("valid", given.get("valid", "")),
            since=time_of("since", given.get("since", "")),
            until=time_of("until", given.get("until", "")),
            pointer=given.get("pointer"),
            keyword=given.get("keyword", ""),
            signature=_state_of(given.get("signature", "")),
            where=fields_fit(given.get("where", "")),
        )

    def condition(self, actor: Actor) -> Q:
        """What codes mean depends on the taxonomies that the actor may read."""
        condition = self._types()
        if self.error_code:
            condition &= carrying(actor=actor, text=self.error_code)
        if self.node:
            condition &= Q(node_id__startswith=self.node)
        for column in ("correlation_id", "trace_id", "error_pattern"):
            if value := getattr(self, column):
                condition &= Q(**{column: value})
        if self.signature:
            condition &= Q(signature_verdict=self.signature)
        if self.valid is not None:
            condition &= Q(violations__isnull=self.valid)
        if self.since is not None:
            condition &= Q(occurred_at__gte=self.since)
        if self.until is not None:
            condition &= Q(occurred_at__lt=self.until)
        condition &= received_when(self.since, self.until)
        return condition & self._problem() & self.where

    def _types(self) -> Q:
        if self.event_type.startswith("*"):
            return types_like(as_like(self.event_type))
        return pattern("event_type", self.event_type)

    def _problem(self) -> Q:
        """One and the same violation has to have the pointer and the keyword."""
        wanted = {} if self.pointer is None else {"pointer": self.pointer}
        if self.keyword:
            wanted["keyword"] = self.keyword
        return Q(violations__contains=[wanted]) if wanted else Q()


def visible_to(actor: Actor) -> Q:
    """The stored events that the actor may see: those whose type it may read, and of the product's own those that
    tell of a subject that it may read, whatever it may read beside that."""
    prefixes = actor.readable_prefixes("read")
    if "" in prefixes:
        return Q()
    about = Q(event_type__in=[])
    for prefix in prefixes:
        about |= Q(document__metadata__subject__startswith=prefix)
    return visible_types(actor) | (Q(event_type__in=EVENT_TYPES) & about)


def visible_types(actor: Actor) -> Q:
    """The rows, stored or quarantined, of those types of which the actor may see every event."""
    prefixes = actor.readable_prefixes("read")
    if "" in prefixes:
        return Q()
    # Nothing readable is the empty choice, not the absent one.
    condition = Q(event_type__in=[])
    for prefix in prefixes:
        condition |= Q(event_type__startswith=prefix)
    return condition & ~Q(event_type__in=EVENT_TYPES)


def find_events(*, actor: Actor, filters: Filters) -> QuerySet[Event]:
    """The events that match, of those the actor may read; unordered."""
    return Event.objects.filter(filters.condition(actor), visible_to(actor))


def find_event(*, actor: Actor, event_id: str) -> Event:
    """Raises EventNotFound for one that is not stored, and for one that the actor may not read."""
    found = Event.everything.filter(visible_to(actor), event_id=event_id).order_by("position").first()
    if found is None:
        raise EventNotFound(
            f"No event with id '{event_id}' is stored, or you may not read its type.", event_id=event_id
        )
    return found


class StoredEvent(NamedTuple):
    """What is shown of a stored event, for thousands of them: instances of the model would take most of the time."""

    position: int
    received_at: datetime
    occurred_at: datetime
    event_id: str
    event_type: str
    schema_version: str
    content_id: int | None
    node_id: str
    correlation_id: str | None
    parent_correlation_id: str | None
    trace_id: str | None
    span_id: str | None
    error_code: str | None
    sample_rate: float
    violations: list[dict[str, Any]] | None
    lints: list[str] | None
    producer: str
    raw: bytes
    signature_verdict: str | None


def versions_that_judged(events: Iterable[Event | StoredEvent]) -> dict[int, Version]:
    """By the position of the event; without those that no schema judged. One query for all of them.

    Where a subject has the content under several labels it is the one that the event named, else the one for events
    that name none, else the newest.
    """
    judged = [event for event in events if event.content_id is not None]
    found = Version.objects.filter(
        subject__name__in={event.event_type for event in judged},
        content__in={event.content_id for event in judged},
    ).select_related("subject")
    labels: dict[tuple[str, int], list[Version]] = {}
    for version in found.order_by("number"):
        labels.setdefault((version.subject.name, version.content_id), []).append(version)
    # Of thousands of events, few differ in these.
    chosen: dict[tuple[str, int | None, str], Version | None] = {}
    judges = {}
    for event in judged:
        same = (event.event_type, event.content_id, event.schema_version)
        if same not in chosen:
            versions = labels.get((event.event_type, event.content_id or 0))
            chosen[same] = _chosen(event, versions) if versions else None
        if judge := chosen[same]:
            judges[event.position] = judge
    return judges


def _chosen(event: Event | StoredEvent, versions: list[Version]) -> Version:
    named = event.schema_version or versions[0].subject.version_when_absent
    return next((version for version in versions if version.semver == named), versions[-1])


def visible_quarantine(actor: Actor) -> QuerySet[QuarantinedEvent]:
    """All that was ever quarantined, the released included, of the types that the actor may read."""
    return QuarantinedEvent.objects.filter(visible_types(actor))


def pattern(column: str, pattern: str) -> Q:
    if not pattern:
        return Q()
    if "*" not in pattern:
        return Q(**{column: pattern})
    return Q(**{f"{column}__like": as_like(pattern)})


def as_like(pattern: str) -> str:
    """A pattern in which `*` is any text, for LIKE."""
    escaped = pattern.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.replace("*", "%")


def yes_or_no(name: str, text: str) -> bool | None:
    """Raises InvalidQuery, naming the parameter, for what is neither."""
    if not text:
        return None
    if text.lower() not in {"true", "false"}:
        raise InvalidQuery(f"'{name}' is true or false, not '{text}'.", parameter=name)
    return text.lower() == "true"


def _state_of(text: str) -> str:
    if text and text not in SENTENCES:
        raise InvalidQuery(
            f"'signature' is one of {', '.join(SENTENCES)}, not '{text[:60]}'.", parameter="signature"
        )
    return text


def time_of(name: str, text: str) -> datetime | None:
    """ISO 8601; without a zone it means UTC."""
    if not text:
        return None
    try:
        # A plus sign that was not percent-encoded arrives as a space.
        read = datetime.fromisoformat(text.replace(" ", "+") if text.count(":") > 2 else text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as bad:
        raise InvalidQuery(
            f"'{name}' is a time such as 2026-11-23T14:00:00Z, not '{text}'.", parameter=name
        ) from bad
