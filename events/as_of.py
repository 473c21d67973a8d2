"""What a batch was judged by: everybody's rights and the catalogue, each as a number that any change of it raises."""

from typing import NamedTuple

from access import prepared, tokens
from events import judging


class AsOf(NamedTuple):
    """The authority epoch and the revision of the catalogue."""

    epoch: int
    revision: int


_NOW = f"SELECT ({tokens.EPOCH}), ({judging.REVISION})"


def now() -> AsOf:
    """As committed when it is asked for."""
    with prepared.cursor() as cursor:
        cursor.execute(_NOW)
        epoch, revision = cursor.fetchone()
    return AsOf(epoch or 0, revision)
