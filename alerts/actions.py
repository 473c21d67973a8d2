"""Which actions a rule takes by itself when it fires. None unless an operator opened the kind (ALERT_ACTIONS).

Who adds one must be allowed to do the same by hand, and it is done with their rights of the moment.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from access import audit
from access.actor import Actor
from alerts.action_kinds import KINDS
from alerts.errors import ActionNotAllowed, ActionNotFound, InvalidAction
from alerts.lists import episodes_for, find_channel, find_rule
from alerts.models import Action, ActionRun, Rule
from alerts.rules import require_types

MOST_PER_RULE = 10


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """What somebody wants done. `channel` is the id of a webhook, of the kind replay; the rest is as in `alerts.models`."""

    kind: str
    subject: str = ""
    minutes: int | None = None
    rate: float | None = None
    channel: int | None = None


def add_action(*, actor: Actor, rule_id: int, spec: ActionSpec) -> Action:
    """Raises RuleNotFound, Forbidden, ActionNotAllowed, InvalidAction, ChannelNotFound."""
    with transaction.atomic():
        rule = _changeable(actor, rule_id)
        if spec.kind not in KINDS:
            raise InvalidAction(f"A kind of action is one of {', '.join(KINDS)}.", pointer="/kind")
        require_allowed(spec.kind)
        if actions_of(rule).count() >= MOST_PER_RULE:
            raise InvalidAction(f"A rule takes at most {MOST_PER_RULE} actions.")
        action = _unsaved(actor, rule, spec)
        KINDS[spec.kind].require(actor, action)
        action.save()
        _record(actor, "action.add", action)
    return action


def remove_action(*, actor: Actor, rule_id: int, action_id: int) -> None:
    """It is not done any more. What it changed stays until its time is over, or somebody undoes it."""
    with transaction.atomic():
        rule = _changeable(actor, rule_id)
        action = actions_of(rule).select_for_update().filter(pk=action_id).first()
        if action is None:
            raise ActionNotFound(f"The rule has no action {action_id}.", action=action_id)
        action.deleted_at = timezone.now()
        action.save(update_fields=["deleted_at"])
        _record(actor, "action.remove", action)


def actions_of(rule: Rule) -> QuerySet[Action]:
    return rule.actions.filter(deleted_at=None)


def runs_for(actor: Actor) -> QuerySet[ActionRun]:
    """What was done for episodes that the actor may see, the newest first."""
    rows = ActionRun.objects.select_related("action__channel", "action__rule__current")
    return rows.filter(episode__in=episodes_for(actor))


def require_allowed(kind: str) -> None:
    """Raises ActionNotAllowed, naming the setting."""
    if kind not in settings.ALERT_ACTIONS:
        raise ActionNotAllowed(
            f"Rules of this registry do not {Action.Kind(kind).label} by themselves. "
            f"An operator can allow it: add '{kind}' to ALERT_ACTIONS.",
            pointer="/kind",
        )


def _changeable(actor: Actor, rule_id: int) -> Rule:
    rule = find_rule(actor, rule_id)
    require_rule(actor, rule)
    return rule


def require_rule(actor: Actor, rule: Rule) -> None:
    """Raises Forbidden for who may not change the rule."""
    assert rule.current is not None
    types = rule.current.event_types
    require_types(actor, None if types is None else frozenset(types))


def _unsaved(actor: Actor, rule: Rule, spec: ActionSpec) -> Action:
    needs = KINDS[spec.kind].needs
    for name in ("subject", "minutes", "rate"):
        given = getattr(spec, name) not in {None, ""}
        if given and name not in needs:
            raise InvalidAction(f"An action of the kind {spec.kind} has no {name}.", pointer=f"/{name}")
        if not given and name in needs:
            raise InvalidAction(f"An action of the kind {spec.kind} needs {name}.", pointer=f"/{name}")
    if spec.channel is not None and spec.kind != Action.Kind.REPLAY:
        raise InvalidAction(f"An action of the kind {spec.kind} has no channel.", pointer="/channel")
    return Action(
        rule=rule,
        kind=spec.kind,
        subject=spec.subject,
        minutes=spec.minutes,
        rate=spec.rate,
        channel=None if spec.channel is None else find_channel(actor, spec.channel),
        to_channel=spec.channel is not None,
        created_by=actor.label,
        user=actor.user,
    )


def _record(actor: Actor, action: str, changed: Action) -> None:
    details: dict[str, object] = {
        "action": changed.pk,
        "kind": changed.kind,
        "does": changed.in_words,
    }
    audit.record(actor=actor, action=action, target=f"rule/{changed.rule_id}", details=details)
