"""What became of the events of a run, counted and grouped."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Count

from events.encrypted import gone_keys
from events.models import Replay


def counts_of(replay: Replay) -> dict[str, int]:
    """How many events had each outcome so far; jumped-over ones had none."""
    done = replay.items.exclude(outcome="").order_by().values_list("outcome").annotate(Count("pk"))
    return dict(sorted(done))


def undecryptable_of(replay: Replay) -> int:
    """How many of the events that were played have fields which nobody can decrypt any more."""
    return (
        replay.items.filter(details__has_key="undecryptable").count() if gone_keys(replay.event_types) else 0
    )


@dataclass(frozen=True, slots=True)
class Cause:
    """Violations of one keyword at one place, positions in arrays left out: `count` events have one."""

    event_type: str
    place: str
    keyword: str
    count: int
    # Of the first such event.
    event_id: str
    message: str


_CAUSES = """
WITH problem AS (
    SELECT DISTINCT ON (i.index, place, keyword) i.index, i.event_type, i.event_id, keyword, message,
        regexp_replace(pointer, '/[0-9]+(?=/|$)', '/*', 'g') AS place
    FROM events_replayitem AS i, jsonb_to_recordset(i.details -> 'violations') AS one(pointer text, keyword text, message text)
    WHERE i.replay_id = %s AND jsonb_typeof(i.details -> 'violations') = 'array'
)
SELECT event_type, place, keyword, count(*), (array_agg(event_id ORDER BY index))[1],
    (array_agg(message ORDER BY index))[1]
FROM problem GROUP BY event_type, place, keyword ORDER BY count(*) DESC, event_type, place, keyword LIMIT 100
"""


def causes_of(replay: Replay) -> list[Cause]:
    """Why events would fail, the most frequent cause first."""
    with connection.cursor() as cursor:
        cursor.execute(_CAUSES, [replay.pk])
        return [Cause(*row) for row in cursor.fetchall()]
