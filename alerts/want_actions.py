"""Writes down what rules want done when they fire."""

from functools import partial

from django.conf import settings
from django.db import transaction

from alerts.models import ActionRun, Episode
from alerts.signals import actions_wanted


def want_actions(episode: Episode) -> None:
    """What the rule of an episode that fires wants done, in the caller's transaction; a worker does it (`alerts.act`).

    An episode that was over when it was found wants nothing.
    """
    if not settings.ALERT_ACTIONS or episode.state != Episode.State.FIRING:
        return
    wanted = episode.rule.actions.filter(deleted_at=None, kind__in=settings.ALERT_ACTIONS)
    runs = [ActionRun(action=action, episode=episode, holds=action.holds) for action in wanted]
    if runs:
        ActionRun.objects.bulk_create(runs, ignore_conflicts=True)
        transaction.on_commit(partial(actions_wanted.send, sender=ActionRun))
