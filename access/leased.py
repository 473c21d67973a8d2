"""Work that goes on in the background: a row for each, held by one worker at a time through a lease.

A worker takes a row by raising its `epoch`. What it writes there from then on goes through `mine`, so that one that was thought
dead is fenced out, and cancelling raises it as well. A lease that ended belongs to a worker that was killed.
"""

from datetime import timedelta
from typing import Self, TypeVar, cast

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from access.actor import SYSTEM, Actor
from access.tokens import actor_of_user

RUNNING = "running"
# So many rows are tried for: who loses all of these races finds other workers at work on them.
_TRIED = 10

Row = TypeVar("Row", bound="Leased")


class LeasedQuerySet(models.QuerySet[Row]):
    """Of rows with a `state` of which one is "running"."""

    def running(self) -> Self:
        return self.filter(state=RUNNING)

    def waiting(self) -> Self:
        """Those that want a worker and have none."""
        return self.running().filter(Q(leased_until=None) | Q(leased_until__lt=Now()))

    def take_next(self, lease: timedelta) -> Row | None:
        """Takes the one that was asked for first. The update decides between workers; losing is finding nothing."""
        return next((row for row in self.waiting().order_by("pk")[:_TRIED] if row.take(lease)), None)


class Leased(models.Model):
    epoch = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def take(self, lease: timedelta) -> bool:
        """Whether this worker holds it now, for as long as that; the row is read anew then."""
        free = self._rows().waiting()
        taken = free.update(epoch=F("epoch") + 1, leased_until=Now() + lease)
        if taken:
            self.refresh_from_db()
        return bool(taken)

    def mine(self) -> "LeasedQuerySet[Self]":
        """This row as long as it is this worker's and runs; empty when another one has it, or it was cancelled."""
        return self._rows().running()

    def give_back(self) -> None:
        """Whoever is free goes on with it."""
        self.mine().update(leased_until=None)

    def _rows(self) -> "LeasedQuerySet[Self]":
        rows = type(self)._default_manager.filter(pk=self.pk, epoch=self.epoch)
        return cast("LeasedQuerySet[Self]", rows)


def starter_of(user_id: int | None, label: str) -> Actor:
    """Who asked for work, with the rights of now: none where the account is gone or shut, all for the product itself."""
    user = User.objects.filter(pk=user_id, is_active=True).first() if user_id else None
    if user is not None:
        return actor_of_user(user)
    return SYSTEM if label == SYSTEM.label else Actor(label=label, roles=())
