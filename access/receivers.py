"""After commit, ring for a worker; a bell nobody hears costs the seconds until the next sweep."""

from access.bell import ring
from access.signals import deliveries_due


def connect() -> None:
    deliveries_due.connect(_ring_for_deliveries, dispatch_uid="access.deliveries_due")


def _ring_for_deliveries(**_: object) -> None:
    ring("access.tasks.deliver_due")
