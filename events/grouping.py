"""What goes wrong most: the violations of stored events, grouped by subject, place and keyword."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from access.actor import Actor
from events.changes import EVENT_TYPES

# The newest events with violations that are looked at.
LOOKED_AT = 10_000

_GROUPS = """
WITH recent AS (
    SELECT position, event_id, event_type, occurred_at, violations FROM events_event
    WHERE violations IS NOT NULL AND replay_id IS NULL AND (%(type)s = '' OR event_type = %(type)s) AND event_type <> ALL(%(hidden)s)
        AND EXISTS (SELECT FROM unnest(%(prefixes)s::text[]) AS prefix WHERE starts_with(event_type, prefix))
    ORDER BY position DESC LIMIT %(limit)s
), problem AS (
    SELECT DISTINCT ON (position, place, keyword)
        event_id, event_type, occurred_at, position, keyword, message,
        -- Members of one array share their cause.
        regexp_replace(pointer, '/[0-9]+(?=/|$)', '/*', 'g') AS place
    FROM recent, jsonb_to_recordset(violations) AS one(pointer text, keyword text, message text)
)
SELECT event_type, place, keyword, count(*), min(occurred_at), max(occurred_at),
    (array_agg(event_id ORDER BY position DESC))[1:3], (array_agg(message ORDER BY position DESC))[1]
FROM problem GROUP BY event_type, place, keyword ORDER BY count(*) DESC, event_type, place LIMIT 200
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Violations of one keyword at one place of one event type; a `*` in the place is any member of an array."""

    event_type: str
    place: str
    keyword: str
    count: int
    first: datetime
    last: datetime
    # Ids of up to three events, the newest first, and what the newest was told.
    examples: list[str]
    message: str

    @property
    def pointer(self) -> str | None:
        """The exact JSON Pointer, None when the place stands for many."""
        return None if "*" in self.place else self.place


def group_violations(*, actor: Actor, event_type: str = "") -> list[Group]:
    """The groups among the newest LOOKED_AT violating events that the actor may read, the largest first."""
    prefixes = list(actor.readable_prefixes("read"))
    hidden = [] if "" in prefixes else list(EVENT_TYPES)
    params: dict[str, Any] = {
        "type": event_type,
        "prefixes": prefixes,
        "hidden": hidden,
        "limit": LOOKED_AT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, params)
        return [Group(*row) for row in cursor.fetchall()]
