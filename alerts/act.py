"""Does what rules want done when they fire, and takes it back when its time is over.

    due ──▶ active ──time is over, or by hand──▶ reverted
     │ └──▶ done      (there is nothing to take back)
     └────▶ failed    (a sentence says why)

Every step is one transaction of this database together with what it does, so that a worker that is killed has done nothing,
and what was done once is not done again.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from access import audit
from access.actor import SYSTEM, Actor
from access.errors import ProductError
from access.leased import starter_of
from alerts.action_kinds import KINDS
from alerts.action_kinds.kind import Begun
from alerts.actions import require_allowed, require_rule, runs_for
from alerts.errors import ActionNotFound, ActionOver, ActionRunNotFound
from alerts.models import Action, ActionRun

Clock = Callable[[], datetime]
# What cannot be taken back now is tried again then, and says why meanwhile.
TRY_AGAIN_AFTER = timedelta(minutes=1)
# One step at a time, so that two that change the same thing see what the other did. Any number does that only this module takes.
_STEP_LOCK = 7_265_013
log = logging.getLogger(__name__)


def run_actions(*, clock: Clock = timezone.now, most: int = 1000) -> int:
    """Does what is due and takes back what is over; how many steps that were."""
    for step in range(most):
        if not _step(clock()):
            return step
    return most


def undo_run(*, actor: Actor, run_id: int) -> ActionRun:
    """Takes back what an action did before its time is over. Raises ActionRunNotFound, ActionOver, Forbidden."""
    with transaction.atomic():
        _one_at_a_time()
        run = runs_for(actor).filter(pk=run_id).first()
        if run is None:
            raise ActionRunNotFound.of(run_id)
        if not run.can_be_undone:
            raise ActionOver(f"There is nothing to take back: the action is {run.state}.", run=run_id)
        kind = KINDS[run.action.kind]
        require_rule(actor, run.action.rule)
        kind.require(actor, run.action)
        _ended(run, kind.take_back(actor, run), timezone.now(), actor=actor)
    return run


def _step(now: datetime) -> bool:
    """Whether there was anything to do."""
    with transaction.atomic():
        _one_at_a_time()
        rows = ActionRun.objects.select_related("action__rule__current", "action__channel", "episode")
        due = rows.filter(state=ActionRun.State.DUE).order_by("id").first()
        if due is not None:
            _begin(due, now)
            return True
        over = rows.filter(state=ActionRun.State.ACTIVE, until__lte=now).order_by("until").first()
        if over is not None:
            _take_back(over, now)
        return over is not None


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_STEP_LOCK])


def _begin(run: ActionRun, now: datetime) -> None:
    action = run.action
    actor = starter_of(action.user_id, action.created_by)
    run.began_at = now
    run.until = now + timedelta(minutes=action.minutes) if action.minutes else None
    try:
        with transaction.atomic():
            begun = _prolonged(run) or _done(actor, run)
    except Exception as problem:  # noqa: BLE001 - one action's trouble is written on it, the others go on
        _failed(run, problem, now, actor)
        return
    run.said, run.before = begun.said, begun.before
    run.state = ActionRun.State.ACTIVE if begun.lasts else ActionRun.State.DONE
    if not begun.lasts:
        run.until, run.ended_at = None, now
    run.save()
    _record(actor, "action.run", run)


def _prolonged(run: ActionRun) -> Begun | None:
    """Of two that change the same, the second only makes it last longer: what was there before the first is put back."""
    if not run.holds:
        return None
    held = ActionRun.objects.filter(holds=run.holds, state=ActionRun.State.ACTIVE).first()
    if held is None:
        return None
    assert run.until is not None
    assert held.until is not None
    held.until = max(held.until, run.until)
    held.save(update_fields=["until"])
    return Begun(
        f"In force already for episode {held.episode_id}; it lasts until {held.until:%Y-%m-%d %H:%M} UTC.",
        lasts=False,
    )


def _done(actor: Actor, run: ActionRun) -> Begun:
    action = run.action
    if action.deleted_at is not None:
        raise ActionNotFound("The action was removed before it could be done.", action=action.pk)
    require_allowed(action.kind)
    kind = KINDS[action.kind]
    # The rights of the moment: whoever lost them since has it done no more.
    kind.require(actor, action)
    return kind.begin(actor, run)


def _failed(run: ActionRun, problem: Exception, now: datetime, actor: Actor) -> None:
    if not isinstance(problem, ProductError):
        log.error("action %s could not be done", run.action_id, exc_info=problem)
    run.state, run.ended_at, run.until = ActionRun.State.FAILED, now, None
    run.said = _sentence(problem)
    run.save()
    _record(actor, "action.failed", run)


def _take_back(run: ActionRun, now: datetime) -> None:
    try:
        with transaction.atomic():
            # Not with the rights of who added it: what they may do no more must end all the same.
            said = KINDS[run.action.kind].take_back(SYSTEM, run)
    except Exception as problem:
        log.warning("action run %s could not be taken back", run.pk, exc_info=problem)
        run.said = f"It could not be taken back, and is tried again every minute: {_sentence(problem)}"
        run.until = now + TRY_AGAIN_AFTER
        run.save(update_fields=["said", "until"])
        return
    _ended(run, said, now, actor=SYSTEM)


def _ended(run: ActionRun, said: str, now: datetime, *, actor: Actor) -> None:
    run.state, run.ended_at = ActionRun.State.REVERTED, now
    run.said = said if actor is SYSTEM else f"{said} Undone by {actor.label}."
    run.save(update_fields=["state", "ended_at", "said"])
    _record(actor, "action.revert", run)


def _sentence(problem: Exception) -> str:
    if isinstance(problem, ProductError):
        return problem.message
    return "It could not be done because of an error of this server; see its log."


def _record(actor: Actor, action: str, run: ActionRun) -> None:
    done: Action = run.action
    details: dict[str, object] = {
        "run": run.pk,
        "does": done.in_words,
        "rule": done.rule_id,
        "said": run.said,
    }
    audit.record(actor=actor, action=action, target=f"episode/{run.episode_id}", details=details)
