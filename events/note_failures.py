"""Counting failures by what they say, as the statistics are counted and in the same transaction.

Of one day FAILURES_MAX different ones are kept apart; what would be one more counts as OTHER of its event type, so that
a program whose messages are all different fills no table.
"""

from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from events.models import Event

OTHER = "(other messages)"


def note_failures(rows: QuerySet[Event], *, weight: int) -> None:
    """Those among these events, within the caller's transaction, who sees to it that each is counted once.

    `weight` is what one event that was not sampled weighs.
    """
    failures: QuerySet[Event, Any] = (
        rows.filter(error_pattern__isnull=False)
        .order_by()
        .values(
            "position",
            "received_at",
            "event_id",
            "event_type",
            "error_code",
            "error_pattern",
            "node_id",
            "sample_rate",
        )
    )
    sql, parameters = failures.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(events=sql), [weight, *parameters, settings.FAILURES_MAX, OTHER])


_NAMES = "event_type, error_code, pattern, node_id"
_COUNT = f"""
WITH found AS (
    SELECT (received_at AT TIME ZONE 'UTC')::date AS received_on, event_type, coalesce(error_code, '') AS error_code,
        error_pattern AS pattern, node_id, count(*) AS events, sum(round(%s / sample_rate))::bigint AS weight,
        min(received_at) AS first_seen, max(received_at) AS last_seen,
        (array_agg(event_id ORDER BY position DESC))[1] AS last_event_id
    FROM ({{events}}) AS event GROUP BY received_on, {_NAMES}
),
keyed AS (SELECT *, md5(concat_ws(E'\\x1f', {_NAMES}))::uuid AS key FROM found),
placed AS (
    SELECT keyed.*, kept.key IS NOT NULL AS known,
        row_number() OVER (PARTITION BY received_on, kept.key IS NULL ORDER BY keyed.first_seen, key) AS place
    FROM keyed LEFT JOIN events_failure AS kept USING (received_on, key)
),
taken AS (
    SELECT received_on, count(*) AS taken FROM events_failure WHERE received_on IN (SELECT received_on FROM found) GROUP BY received_on
),
named AS (
    SELECT received_on, event_type, events, weight, first_seen, last_seen, last_event_id, given.*
    FROM placed LEFT JOIN taken USING (received_on), LATERAL (SELECT known OR place + coalesce(taken, 0) <= %s AS fits) AS room,
        LATERAL (SELECT CASE WHEN fits THEN error_code ELSE '' END AS error_code, CASE WHEN fits THEN pattern ELSE %s END AS pattern,
            CASE WHEN fits THEN node_id ELSE '' END AS node_id) AS given
)
INSERT INTO events_failure AS kept
    (key, "group", received_on, {_NAMES}, events, weight, first_seen, last_seen, last_event_id)
SELECT md5(concat_ws(E'\\x1f', {_NAMES}))::uuid, md5(concat_ws(E'\\x1f', error_code, pattern))::uuid, received_on, {_NAMES},
    sum(events), sum(weight), min(first_seen), max(last_seen), (array_agg(last_event_id ORDER BY last_seen DESC))[1]
FROM named GROUP BY received_on, {_NAMES}
ON CONFLICT (received_on, key) DO UPDATE SET events = kept.events + excluded.events, weight = kept.weight + excluded.weight,
    first_seen = least(kept.first_seen, excluded.first_seen), last_seen = greatest(kept.last_seen, excluded.last_seen),
    last_event_id = CASE WHEN excluded.last_seen >= kept.last_seen THEN excluded.last_event_id ELSE kept.last_event_id END
"""  # noqa: S608 -- constants of this module
