"""How deliveries through a target go: since when they fail, and whether the receiver is gone."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from access.models import Delivery, DeliveryTarget

# One statement, so that two workers that write down attempts at once lose neither.
_KEEP = """
    INSERT INTO access_deliverytarget AS known (name, succeeded_at, failing_since, failures, problem, gone_at)
    VALUES (%(name)s, %(good)s, %(bad)s, %(failures)s, %(problem)s, %(gone)s)
    ON CONFLICT (name) DO UPDATE SET
        succeeded_at = coalesce(excluded.succeeded_at, known.succeeded_at),
        failing_since = CASE WHEN excluded.failures > 0 THEN coalesce(known.failing_since, excluded.failing_since) END,
        failures = CASE WHEN excluded.failures > 0 THEN known.failures + 1 ELSE 0 END,
        problem = excluded.problem,
        gone_at = CASE WHEN excluded.failures > 0 THEN coalesce(known.gone_at, excluded.gone_at) END
"""


def keep_health(delivery_id: int, *, now: datetime, problem: str, gone: bool) -> None:
    """Notes an attempt, in the transaction that writes it down. A success says that the receiver is there again."""
    # As it is stored by now: the target may have been forgotten while the attempt was under way.
    target = Delivery.objects.values_list("target", flat=True).get(pk=delivery_id)
    if not target:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            {
                "name": target,
                "good": None if problem else now,
                "bad": now if problem else None,
                "failures": int(bool(problem)),
                "problem": problem,
                "gone": now if gone else None,
            },
        )


def health_of(targets: Iterable[str]) -> dict[str, DeliveryTarget]:
    """By name; a target through which nothing was sent yet has none."""
    return DeliveryTarget.objects.in_bulk(list(targets))


def expect_again(target: str) -> None:
    """A receiver that was gone is told again."""
    DeliveryTarget.objects.filter(name=target).update(gone_at=None)


def forget_health(target: str) -> None:
    """Of a target that is no more. What waits is still sent, but says nothing about it: an attempt under way holds its row
    while it is written down, so it is either forgotten here or finds no target."""
    Delivery.objects.filter(target=target, state=Delivery.State.DUE).update(target="")
    DeliveryTarget.objects.filter(name=target).delete()
