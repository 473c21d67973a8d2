"""Tells the channels of a rule that it could not be evaluated, or left groups out: who relies on it has to know.

The evaluator writes down what went wrong; this says so, at most once an hour while it lasts, and once more when it has been well for a while. An outage
of the whole registry is nothing that it can tell of: monitoring has to (`onex_alert_evaluation_lag_seconds`).
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse

from access.delivery import withdraw_held
from alerts.models import Channel, Rule, Severity
from alerts.notify import write_messages
from alerts.quiet import held_until
from alerts.told import Link, Told

# What deliveries about a rule are found by, beside its number.
ABOUT_RULE = "alerts.rule"
_AGAIN_AFTER = timedelta(hours=1)
_WELL_AFTER = timedelta(minutes=10)


def tell_of_rules(now: datetime) -> int:
    """What there is to say about rules; of how many."""
    return _tell_each(_well(now), now, well=True) + _tell_each(_troubled(now), now, well=False)


def _tell_each(due: QuerySet[Rule], now: datetime, *, well: bool) -> int:
    told = 0
    for key in list(due.values_list("pk", flat=True)):
        with transaction.atomic():
            rows = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
            rule = rows.filter(pk=key).first()
            if rule is not None:
                _tell(rule, now, well=well)
                told += 1
    return told


def _troubled(now: datetime) -> QuerySet[Rule]:
    """Those whose trouble was not told yet, or an hour ago and again since."""
    again = Q(trouble_told_at__lt=now - _AGAIN_AFTER, troubled_at__gt=F("trouble_told_at"))
    return _running().filter(Q(trouble_told_at=None) | again)


def _well(now: datetime) -> QuerySet[Rule]:
    """Those whose trouble was told, and that have been without for a while."""
    return _running().filter(trouble_told_at__isnull=False, problem="", troubled_at__lt=now - _WELL_AFTER)


def _running() -> QuerySet[Rule]:
    return Rule.objects.living().filter(enabled=True, troubled_at__isnull=False)


def _tell(rule: Rule, now: datetime, *, well: bool) -> None:
    told = _about(rule, well=well, now=now)
    for channel in Channel.objects.told().filter(rules=rule):
        if well and withdraw_held(about=ABOUT_RULE, about_id=rule.pk, target=channel.target):
            continue
        write_messages(
            channel=channel,
            told=told,
            message_id=f"{told.thread}-{told.what}-{now:%Y%m%dT%H%M%S}-{channel.pk}",
            about=ABOUT_RULE,
            about_id=rule.pk,
            hold=None if well else held_until(channel, told.severity, now),
            in_its_words=False,
        )
    rule.trouble_told_at, rule.troubled_at = (None, None) if well else (now, rule.troubled_at)
    rule.save(update_fields=["trouble_told_at", "troubled_at"])


def _about(rule: Rule, *, well: bool, now: datetime) -> Told:
    assert rule.troubled_at is not None
    page = settings.PUBLIC_URL + reverse("rule", args=[rule.pk])
    since = f"{rule.troubled_at:%Y-%m-%d %H:%M:%S} UTC"
    sentence = (
        f"It has been evaluated without trouble since {since}." if well else f"{rule.trouble} (at {since})"
    )
    return Told(
        what="resolved" if well else "firing",
        at=now,
        thread=f"rule-{rule.pk}-trouble",
        severity=Severity.ERROR,
        title=f"The alert rule {rule.name} {'works again' if well else 'has a problem'}",
        sentence=sentence,
        facts=(),
        links=(Link("Rule", page),),
        payload={
            "type": "alert.rule_recovered" if well else "alert.rule_troubled",
            "timestamp": now,
            "data": {
                "rule": {"id": rule.pk, "name": rule.name, "url": page},
                "severity": Severity.ERROR,
                "problem": "" if well else rule.trouble,
                "troubled_at": rule.troubled_at,
            },
        },
    )
