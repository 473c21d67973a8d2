"""Could events come in? Every web process says so every few seconds in one row; where that was silent for too long there was an outage.

Who judges by what did not come has to know: while the registry is away everything is silent, and nothing is wrong with those who send.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import Error, connection, transaction
from psycopg_pool import PoolTimeout

from events.models import Doors, Outage

log = logging.getLogger(__name__)
# Seconds between two words of a process.
EVERY = 5.0
#: Silence that is longer is an outage. Restarting the web processes takes less.
GAP = timedelta(seconds=30)
_SAID = "SELECT open_until, clock_timestamp() FROM events_doors WHERE id = 1 FOR UPDATE"
_SAY = """
INSERT INTO events_doors (id, open_until) VALUES (1, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET open_until = greatest(events_doors.open_until, excluded.open_until)
"""


def say_open() -> None:
    """Events can come in now; if they could not for a while, that was an outage.

    The row lock makes one outage of one gap, however many processes come back together.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SAID)
        said = cursor.fetchone()
        if said and said[1] - said[0] > GAP:
            Outage.objects.create(began_at=said[0], ended_at=said[1])
        cursor.execute(_SAY)


def say_regularly(*, stopped: Callable[[float], bool] | None = None) -> threading.Thread:
    """A thread of this process that says so as long as the process lives and reaches the database."""
    wait = stopped or threading.Event().wait
    thread = threading.Thread(target=_say_until, args=(wait,), name="doors", daemon=True)
    thread.start()
    return thread


def _say_until(wait: Callable[[float], bool]) -> None:
    while True:
        try:
            say_open()
        except (Error, PoolTimeout) as problem:
            log.warning("Nobody was told that events can come in: %s", problem)
        finally:
            with suppress(Error):
                connection.close()
        if wait(EVERY):
            return


def open_until() -> datetime | None:
    """The last moment at which events could come in, as far as anybody has said; None when nobody ever has."""
    return Doors.objects.values_list("open_until", flat=True).first()


def outage_at(moment: datetime, *, grace: timedelta) -> Outage | None:
    """The earliest outage that lay around a moment or had ended so shortly before that what it held back may still be on its way."""
    near = Outage.objects.filter(began_at__lt=moment, ended_at__gt=moment - grace)
    return near.order_by("began_at").first()
