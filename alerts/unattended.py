"""Episodes that fire while nobody sees to them: their channels are reminded, and after a while others are told; and those of which nobody was
told, since another one fired, are told of when that is over.

Nobody is reminded of what is acknowledged, or silenced, or in a channel's quiet hours; when that ends and the episode still fires, it is due at once.
An episode is claimed by its row, so that two workers tell nobody twice.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from alerts.models import Channel, Episode, EpisodeEntry, Silence
from alerts.notify import notify, remind
from alerts.silences import reaches

# Episodes that one call tells about; the next sweep goes on.
MOST = 200


def tell_again(now: datetime) -> int:
    """Reminds and escalates what is due; of how many episodes."""
    told = 0
    for key in _due(now).values_list("pk", flat=True)[:MOST]:
        with transaction.atomic():
            episode = (
                _due(now)
                .select_related("rule", "rule_version")
                .select_for_update(skip_locked=True, of=("self",))
                .filter(pk=key)
                .first()
            )
            if episode is not None:
                told += _tell(episode, now)
    return told


def _due(now: datetime) -> QuerySet[Episode]:
    open_ones = Episode.objects.unattended(now).filter(rule__enabled=True, rule__deleted_at=None)
    to_escalate = Q(escalated_at=None, created_at__lte=Value(now) - _minutes("rule__escalate_minutes"))
    last = Coalesce("reminded_at", "created_at")
    return open_ones.annotate(last_told=last).filter(
        Q(inhibited_at__isnull=False)
        | to_escalate
        | Q(last_told__lte=Value(now) - _minutes("rule__remind_minutes"))
    )


def _minutes(field: str) -> Combinable:
    """null where the rule says nothing, so that nothing is due."""
    return ExpressionWrapper(F(field) * Value(timedelta(minutes=1)), output_field=DurationField())


def _tell(episode: Episode, now: datetime) -> bool:
    rule = episode.rule
    if episode.inhibited_at is not None:
        channels = list(Channel.objects.told_about(episode))
        silences = list(Silence.objects.active(now))
        notify(episode=episode, what="firing", channels=channels, now=now, silences=silences)
        return episode.inhibited_at is None
    if any(reaches(one, episode) for one in Silence.objects.active(now)):
        return False
    # Who is told only now needs no reminder.
    told = list(Channel.objects.told_about(episode))
    if _is_up(rule.escalate_minutes, episode.created_at, now) and episode.escalated_at is None:
        episode.escalated_at = now
        EpisodeEntry.objects.create(episode=episode, kind=EpisodeEntry.Kind.ESCALATED)
        channels = list(Channel.objects.told().filter(escalated_rules=rule))
        notify(episode=episode, what="firing", channels=channels, now=now)
    if _is_up(rule.remind_minutes, episode.reminded_at or episode.created_at, now):
        episode.reminders, episode.reminded_at = episode.reminders + 1, now
        remind(episode=episode, channels=told, now=now)
    episode.save(update_fields=["escalated_at", "reminders", "reminded_at"])
    return True


def _is_up(minutes: int | None, since: datetime, now: datetime) -> bool:
    return minutes is not None and since + timedelta(minutes=minutes) <= now
