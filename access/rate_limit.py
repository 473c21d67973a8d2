"""How much one token may do in a while, over all processes: decided in the database, in one statement.

The generic cell rate algorithm: whatever is admitted moves a time ahead by what it costs, and one may be ahead of the clock by the
burst. So a quiet while is not saved up beyond the burst, and a single large request is never impossible, only followed by
a longer wait.
"""

import math

from django.db import connection, transaction

from access.actor import Actor
from access.errors import RateLimited

# Nobody is admitted while ahead of the clock by the whole burst.
_SPEND = """
INSERT INTO access_allowance (who, spent_until) VALUES (%(who)s, clock_timestamp() + %(cost)s * interval '1 second')
ON CONFLICT (who) DO UPDATE SET spent_until = greatest(access_allowance.spent_until, clock_timestamp()) + %(cost)s * interval '1 second'
    WHERE access_allowance.spent_until < clock_timestamp() + %(burst)s * interval '1 second'
RETURNING who
"""
_WAIT = "SELECT extract(epoch FROM spent_until - clock_timestamp())::float8 - %s FROM access_allowance WHERE who = %s"


def spend(*, actor: Actor, amount: int, per_second: float, burst_seconds: float, setting: str) -> None:
    """Counts `amount` against the rate. Raises RateLimited, with `retry_after`, when it is used up: then nothing was counted."""
    cost = amount / per_second
    # Durable: a transaction around it would be committed as carelessly.
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        # A count that a crash of the database loses is no loss: it need not wait for the disk.
        cursor.execute("SET LOCAL synchronous_commit TO OFF")
        cursor.execute(_SPEND, {"who": actor.label, "cost": cost, "burst": burst_seconds})
        if cursor.fetchone():
            return
        cursor.execute(_WAIT, [burst_seconds, actor.label])
        wait = cursor.fetchone()[0]
    seconds = max(1, math.ceil(wait))
    raise RateLimited(
        f"'{actor.label}' sends more than {per_second:g} events a second ({setting}); nothing was stored. "
        f"Try again in {seconds} s.",
        retry_after=seconds,
        per_second=per_second,
    )
