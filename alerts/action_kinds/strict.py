"""Makes a subject strict for a while: events that violate its schema are quarantined instead of stored with a mark."""

from dataclasses import replace

from access.actor import Actor
from alerts.action_kinds.kind import ActionKind, Begun, check_minutes
from alerts.errors import InvalidAction
from alerts.models import Action, ActionRun
from registry.edit_subject import SubjectSettings, edit_subject
from registry.models import Subject


def _require(actor: Actor, action: Action) -> None:
    actor.require("write", action.subject)
    check_minutes(action)
    if not Subject.objects.filter(name=action.subject).exists():
        raise InvalidAction(f"There is no subject '{action.subject}'.", pointer="/subject")


def _begin(actor: Actor, run: ActionRun) -> Begun:
    name = run.action.subject
    if _set(actor, name, strict=True):
        return Begun(f"{name} is strict.")
    return Begun(f"{name} was strict already.", lasts=False)


def _take_back(actor: Actor, run: ActionRun) -> str:
    name = run.action.subject
    if _set(actor, name, strict=False):
        return f"{name} is not strict any more."
    return f"{name} had been made not strict meanwhile."


def _set(actor: Actor, name: str, *, strict: bool) -> bool:
    """Whether that changed anything."""
    row = Subject.objects.select_for_update().filter(name=name).first()
    if row is None or row.strict == strict:
        return False
    settings = replace(SubjectSettings.of(row), strict=strict)
    edit_subject(actor=actor, subject=name, settings=settings)
    return True


KIND = ActionKind("strict", frozenset({"subject", "minutes"}), _require, _begin, _take_back)
