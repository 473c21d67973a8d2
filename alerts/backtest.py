"""Backtests: what a rule, or a draft of one, would have done with a stretch of the log, before anybody is told by it.

The events are read in pieces, narrowed down by the database and asked again by the live condition; the live evaluators then say
which episodes they make. Nothing is written but the row of the backtest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Max, Min
from django.db.models.functions import Now
from django.utils import timezone

from access import audit
from access.actor import Actor
from access.errors import ProductError
from access.leased import starter_of
from alerts.backtest_result import Found, difference_of, result_of
from alerts.compiled import Compiled
from alerts.errors import BacktestNotFound, InvalidBacktest
from alerts.groups import Group
from alerts.history import Matched, episodes_of, matched
from alerts.lists import find_rule
from alerts.matches import read, received_at
from alerts.models import Backtest, RuleVersion
from alerts.novelty import seen_before
from alerts.rule_spec import RuleSpec
from alerts.rules import check_spec, require_types
from alerts.signals import backtest_wanted
from events.models import Event, LogHead

_LEASE = timedelta(seconds=60)
# Positions read at once.
PIECE = 50_000


class _NotMine(Exception):
    """Another worker owns it by now, it was cancelled, or this worker is to stop."""


@dataclass(frozen=True, slots=True)
class _Tried:
    """One edition over the whole stretch. `full`: there were more matches than are kept, and it ends before the stretch does."""

    rule: Compiled
    events: list[Matched]
    late: int
    found: Found
    full: bool


def start_backtest(
    *,
    actor: Actor,
    spec: RuleSpec,
    rule_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Backtest:
    """Of what the spec says, compared with what the rule says now where that differs; at once where there is little to read.

    Events count that arrived at `since` or later and before `until`. Raises what saving the rule would raise, RuleNotFound,
    InvalidBacktest.
    """
    if since and until and since >= until:
        raise InvalidBacktest("A stretch begins before it ends.", pointer="/since")
    warnings = check_spec(actor=actor, spec=spec)
    rule = find_rule(actor, rule_id) if rule_id is not None else None
    edition = _as_json(spec.edition())
    before = None if rule is None else _as_json(RuleSpec.of(rule).edition())
    after, head = _positions(since, until)
    with transaction.atomic():
        asked = Backtest.objects.create(
            rule=rule,
            name=spec.name,
            edition=edition,
            baseline=None if before == edition else before,
            since=since,
            until=until,
            after=after,
            head=head,
            warnings=list(warnings),
            created_by=actor.label,
            user=actor.user,
        )
        details = {"rule": spec.name, "events": head - after}
        audit.record(actor=actor, action="backtest.started", target=f"backtest/{asked.pk}", details=details)
        transaction.on_commit(partial(backtest_wanted.send, sender=Backtest))
    if asked.total <= settings.BACKTEST_AT_ONCE and asked.take(_LEASE):
        _see_through(asked, lambda: False)
    asked.refresh_from_db()
    return asked


def find_backtest(actor: Actor, backtest_id: int) -> Backtest:
    """Raises BacktestNotFound, also for one of somebody else."""
    found = Backtest.objects.visible_to(actor).select_related("rule").filter(pk=backtest_id).first()
    if found is None:
        raise BacktestNotFound(f"There is no backtest {backtest_id} that you may see.", backtest=backtest_id)
    return found


def cancel_backtest(*, actor: Actor, backtest_id: int) -> Backtest:
    """Ends it. Cancelling an ended one changes nothing. Raises BacktestNotFound."""
    found = find_backtest(actor, backtest_id)
    with transaction.atomic():
        running = Backtest.objects.running().filter(pk=found.pk)
        if running.update(state=Backtest.State.CANCELLED, finished_at=Now()):
            target = f"backtest/{found.pk}"
            audit.record(actor=actor, action="backtest.cancelled", target=target, details={})
    found.refresh_from_db()
    return found


def work_on_next(*, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Takes a backtest that waits and sees it through; whether there was one."""
    row = Backtest.objects.take_next(_LEASE)
    if row is None:
        return False
    _see_through(row, stopping)
    return True


def forget_old() -> int:
    """Deletes those that ended long enough ago; how many."""
    old = Backtest.objects.filter(finished_at__lt=timezone.now() - settings.BACKTESTS_KEPT)
    return old.delete()[0]


def _see_through(row: Backtest, stopping: Callable[[], bool]) -> None:
    try:
        result = _result(row, stopping)
    except _NotMine:
        row.give_back()
    except (ProductError, OperationalError) as problem:
        row.mine().update(state=Backtest.State.FAILED, problem=str(problem)[:2000], finished_at=Now())
    except Exception:
        told = "The backtest failed; the server's log says how."
        row.mine().update(state=Backtest.State.FAILED, problem=told, finished_at=Now())
        raise
    else:
        row.mine().update(
            state=Backtest.State.COMPLETED,
            result=result,
            done=row.total,
            finished_at=Now(),
            leased_until=None,
        )


def _result(row: Backtest, stopping: Callable[[], bool]) -> dict[str, Any]:
    types = row.edition["event_types"]
    require_types(starter_of(row.user_id, row.created_by), None if types is None else frozenset(types))
    new = _try(row, row.edition, stopping)
    result = result_of(
        group_by=new.rule.group_by,
        looked_at=row.head - row.after,
        late=new.late,
        events=new.events,
        found=new.found,
    ).as_json()
    result["full"] = new.full
    if row.baseline is None:
        return result | {"difference": None}
    old = _try(row, row.baseline, stopping)
    difference = difference_of(
        group_by=new.rule.group_by, new=new.found, old=old.found, old_group_by=old.rule.group_by
    )
    return result | {"difference": difference.as_json()}


def _try(row: Backtest, edition: Mapping[str, Any], stopping: Callable[[], bool]) -> _Tried:
    rule = Compiled.of(edition_of(edition))
    events: list[Matched] = []
    groups: dict[str, Group] = {}
    late, full = 0, False
    for after in range(row.after, row.head, PIECE):
        until = min(after + PIECE, row.head)
        found = read(
            after=after,
            until=until,
            types=rule.event_types,
            documents=rule.reads_documents,
            narrowed_by=rule.asked,
        )
        found = [event for event in found if rule.matches(event.fields)]
        late += sum(event.late for event in found)
        for one in matched(rule, found):
            # Many events, few groups: each is held once.
            group = groups.setdefault(one.group.key, one.group)
            events.append(replace(one, group=group))
        _note(row, until - after, stopping)
        if len(events) > settings.BACKTEST_MAX_MATCHES:
            full = True
            break
    moment = _end_of(row)
    known = seen_before(rule, until=row.after, now=moment) if rule.remember else {}
    return _Tried(rule, events, late, episodes_of(rule, events, known=known, now=moment), full)


def _note(row: Backtest, read_now: int, stopping: Callable[[], bool]) -> None:
    row.done += read_now
    if stopping() or not row.mine().update(done=row.done, leased_until=Now() + _LEASE):
        raise _NotMine


def _end_of(row: Backtest) -> datetime:
    """The moment up to which the stretch was read: an episode that is open then is not over."""
    if row.head < LogHead.objects.get().position:
        return row.until or received_at(row.head) or timezone.now()
    return timezone.now()


def _positions(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The one before the first event, and that of the last; equal when there is none."""
    rows = Event.everything.all()
    if since is not None:
        rows = rows.filter(received_at__gte=since)
    if until is not None:
        rows = rows.filter(received_at__lt=until)
    ends = rows.aggregate(first=Min("position"), last=Max("position"))
    if ends["first"] is None:
        return 0, 0
    return ends["first"] - 1, ends["last"]


def edition_of(stored: Mapping[str, Any]) -> RuleVersion:
    """What a backtest keeps of an edition, as one that is not stored."""
    exact = {
        name: Decimal(stored[name]) for name in ("percent", "limit", "factor") if stored.get(name) is not None
    }
    return RuleVersion(**{**stored, **exact})


def _as_json(edition: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in edition.items()}
