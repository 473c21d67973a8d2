"""Rules about absence, live: notes of which groups an event was heard, and decides behind the watermark which are silent.

What an edition knows begins with what is stored when it is written. Without groups there is one, and its silence begins with the rule.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Min

from alerts import absence, episodes
from alerts.absence import Absence
from alerts.compiled import Compiled
from alerts.engine import Match, Step
from alerts.episodes import Change
from alerts.groups import Group
from alerts.matches import recount
from alerts.models import Episode, KnownGroup, Rule
from alerts.novelty import remember, require_few
from alerts.watermark import horizon, look_again

Fresh = Mapping[Group, Sequence[Match]]


def listen(rule: Rule, compiled: Compiled, fresh: Fresh, *, until: int, moment: datetime) -> list[Change]:
    """What new events, and the passing of time, say about the silence of groups. Raises InvalidRule when there are too many.

    `rule.decided_at` and `rule.look_at` say how far, and are not saved yet.
    """
    assert compiled.absence is not None
    before = _known(rule, fresh)
    _note(rule, fresh, before)
    last = horizon(moment, wary=True)
    rule.decided_at = last if rule.decided_at is None else max(rule.decided_at, last)
    stored = episodes.by_group(rule.episodes.filter(state=Episode.State.FIRING))
    changes = [
        *_over(rule, compiled.absence, fresh, stored),
        *_passed(rule, compiled.absence, fresh, before, stored),
        *_silent(rule, compiled, stored.keys(), until),
    ]
    _forget(rule, compiled.absence)
    rule.look_at = _next_look(rule, compiled.absence, moment)
    return changes


def _known(rule: Rule, fresh: Fresh) -> dict[str, datetime]:
    """When the groups were heard of last, before."""
    rows = KnownGroup.objects.filter(edition=rule.current, group_key__in=[group.key for group in fresh])
    return dict(rows.values_list("group_key", "last_at")) if fresh else {}


def _note(rule: Rule, fresh: Fresh, before: Mapping[str, datetime]) -> None:
    assert rule.current is not None
    heard = {group: max(match.at for match in matches) for group, matches in fresh.items()}
    if len(heard) > len(before):
        known = KnownGroup.objects.filter(edition=rule.current).count()
        require_few(known + len(heard) - len(before))
    remember(rule.current, {group: max(at, before.get(group.key, at)) for group, at in heard.items()})


def _passed(
    rule: Rule,
    terms: Absence,
    fresh: Fresh,
    before: Mapping[str, datetime],
    stored: Mapping[str, Mapping[int, Episode]],
) -> list[Change]:
    """The silences that lie between new events: whoever reads a stretch of the log at once tells of them all the same."""
    assert rule.decided_at is not None
    changes = []
    for group, matches in fresh.items():
        last = before.get(group.key)
        times = [match.at for match in matches if last is None or match.at > last]
        # The one that is told already began with the event before.
        told = {row.started_at for row in stored.get(group.key, {}).values()}
        heard = times if last is None else [last, *times]
        passed = [
            one
            for one in absence.silences_of(terms, heard, until=max(heard))
            if one.fired_at <= rule.decided_at and one.started_at not in told
        ]
        if passed:
            steps = [Step(replace(one, firing=False), fired=True, resolved=True) for one in passed]
            changes.append(Change(group, {}, steps, sorted(matches)))
    return changes


def _over(
    rule: Rule, terms: Absence, fresh: Fresh, stored: Mapping[str, Mapping[int, Episode]]
) -> list[Change]:
    """The open episodes that end, since their group was heard of or is forgotten."""
    assert rule.decided_at is not None
    rows = KnownGroup.objects.filter(edition=rule.current, group_key__in=list(stored))
    last = dict(rows.values_list("group_key", "last_at"))
    heard = {group.key: [match.at for match in matches] for group, matches in fresh.items()}
    changes = []
    for key, mine in stored.items():
        for row in mine.values():
            known = episodes.as_known(row)
            after = [at for at in heard.get(key, ()) if at > known.started_at]
            step = absence.end(
                terms, known, last=last.get(key), heard=min(after, default=None), instant=rule.decided_at
            )
            if step is not None:
                changes.append(Change(None, mine, [step], ()))
    return changes


def _silent(rule: Rule, compiled: Compiled, firing: Collection[str], until: int) -> list[Change]:
    """The groups that are silent and of which that is not told yet."""
    terms = compiled.absence
    assert terms is not None
    assert rule.decided_at is not None
    silent = KnownGroup.objects.filter(
        edition=rule.current,
        last_at__lte=rule.decided_at - terms.window,
        last_at__gt=rule.decided_at - terms.forget_after,
    )
    rows = list(silent.exclude(group_key__in=list(firing)).order_by("last_at", "group_key"))
    changes = []
    for row in rows:
        group = Group(row.group_key, tuple(row.values))
        step = Step(absence.begin(terms, row.last_at), fired=True, resolved=False)
        changes.append(Change(group, {}, [step], _last_event(rule, compiled, group, row.last_at, until)))
    return changes


def _last_event(rule: Rule, compiled: Compiled, group: Group, last: datetime, until: int) -> list[Match]:
    """What was heard last, as far as it is still there."""
    found = recount(compiled, groups=[group], first=last, last=last, after=0, until=until)
    return [match for match in found[group.key] if match.at == last][:1]


def _forget(rule: Rule, terms: Absence) -> None:
    assert rule.decided_at is not None
    KnownGroup.objects.filter(
        edition=rule.current, last_at__lte=rule.decided_at - terms.forget_after
    ).delete()


def _next_look(rule: Rule, terms: Absence, moment: datetime) -> datetime | None:
    assert rule.decided_at is not None
    known = KnownGroup.objects.filter(edition=rule.current)
    to_come = known.filter(last_at__gt=rule.decided_at - terms.window).aggregate(first=Min("last_at"))[
        "first"
    ]
    told = known.aggregate(first=Min("last_at"))["first"]
    instants = [
        *([to_come + terms.window] if to_come else []),
        *([told + terms.forget_after] if told else []),
    ]
    return look_again(min(instants), moment) if instants else None
