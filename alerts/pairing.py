"""Rules about pairs, live: finds in the log what belongs to the events of a batch, and writes down what the rule counts.

What follows is found on arrival: an event that comes late only ever adds a pair. What is missing is decided once, when the watermark has
passed the instant at which its time was up, by what had arrived then. An event that arrives when that instant was decided already is
waited for from its arrival on, since what follows it may be as late.

What was found is kept, in one transaction with the rule's place in the log, so that an event is counted once whatever is killed, and
what was told is not taken back.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from alerts.compiled import Compiled
from alerts.condition import Condition
from alerts.condition_sql import Sql, value_sql
from alerts.engine import Match, reach
from alerts.groups import Group
from alerts.matches import FUTURE_ALLOWED, LoggedEvent, read_arrived, read_these
from alerts.models import Episode, Finding, Rule, RuleVersion
from alerts.pairs import Part, matches_of
from alerts.watermark import horizon, look_again

Fresh = dict[Group, list[Match]]
_SECOND = timedelta(seconds=1)
_EVER = timedelta(days=36_500)
# A worker that was away for so long counts with all that it needs.
_A_DAY = timedelta(days=1)
# Of so many of the newest events one has to be waited for, or none is.
_SOME = 1_000
_WRITE = """
INSERT INTO alerts_finding (edition_id, group_key, at, position, received_at, open_until)
SELECT %s, * FROM unnest(%s::text[], %s::timestamptz[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])
ON CONFLICT (edition_id, position) DO UPDATE SET open_until = NULL
    WHERE alerts_finding.open_until IS NOT NULL AND excluded.open_until IS NULL
RETURNING position
"""


def follow(rule: Rule, compiled: Compiled, parts: Sequence[Part], *, until: int) -> Fresh:
    """The events that belong to those of a batch and follow one, as far as they are not known yet."""
    keyed = [part for part in parts if part.pair is not None]
    if not keyed:
        return {}
    assert compiled.pairing is not None
    within = compiled.pairing.within
    first, last = min(part.match.at for part in keyed), max(part.match.at for part in keyed)
    near = _near(
        rule, compiled, compiled.asked, occurred=(first - within, last + within), until=until, others=keyed
    )
    return _write(rule, matches_of(compiled.pairing, near, until=last))


def miss(
    rule: Rule, compiled: Compiled, parts: Sequence[Part], *, until: int, moment: datetime
) -> tuple[Fresh, datetime]:
    """The events that nothing followed in their time, and the instant up to which that is decided.

    `rule.decided_at` and `rule.look_at` say how far, and are not saved yet.
    """
    assert compiled.pairing is not None
    within = compiled.pairing.within
    begun = [part for part in parts if part.begins and part.pair is not None]
    last = horizon(moment, wary=True).replace(microsecond=0)
    if rule.decided_at is None:
        rule.decided_at = last
    _wait_for(rule, [part for part in begun if part.match.at + within <= rule.decided_at], within)
    found: Fresh = {}
    if last >= rule.decided_at:
        found = _decide(rule, compiled, last, until)
        rule.decided_at = last
    waits = _is_waiting(rule, compiled, until)
    rule.look_at = look_again(rule.decided_at + _SECOND, moment) if waits else None
    return found, rule.decided_at


def found_near(
    rule: Rule, compiled: Compiled, groups: Collection[Group], first: datetime, last: datetime
) -> dict[str, list[Match]]:
    """What was found of these groups around two instants, as far as the evaluator needs to see it, in order of time."""
    before, behind = reach(compiled.terms)
    found: dict[str, list[Match]] = {group.key: [] for group in groups}
    rows = Finding.objects.filter(
        edition=rule.current,
        group_key__in=list(found),
        at__gte=first - before,
        at__lte=last + behind,
        open_until=None,
    )
    for row in rows.order_by("at", "position"):
        found[row.group_key].append(Match(row.at, row.position, row.received_at))
    return found


def forget_findings(now: datetime) -> int:
    """Removes what no event that is still waited for can be counted with; how many."""
    removed = 0
    for edition in RuleVersion.objects.filter(findings__isnull=False).distinct():
        spans = (
            edition.window_seconds,
            edition.window_seconds,
            edition.keep_firing_seconds,
            edition.within_seconds or 0,
        )
        since = now - timedelta(seconds=sum(spans)) - settings.ALERT_LATENESS - _A_DAY
        removed += Finding.objects.filter(edition=edition, at__lt=since, open_until=None).delete()[0]
    return removed


def _decide(rule: Rule, compiled: Compiled, last: datetime, until: int) -> Fresh:
    assert compiled.pairing is not None
    assert rule.decided_at is not None
    within = compiled.pairing.within
    since = rule.decided_at - within
    begun = (
        []
        if last == rule.decided_at
        else [
            part
            for part in _near(
                rule, compiled, compiled.condition, occurred=(since, last - within), until=until
            )
            if part.match.at > since
        ]
    )
    begun += _waited_for(rule, compiled, last)
    begun = [part for part in begun if part.begins and part.pair is not None]
    if not begun:
        return {}
    first, newest = min(part.match.at for part in begun), max(part.match.at for part in begun)
    answers = _near(
        rule, compiled, compiled.pairing.then, occurred=(first, newest + within), until=until, others=begun
    )
    # What may do either is asked as an answer here; what it begins is decided at its own time.
    alone = {part.match.position for part in begun}
    together = [*begun, *(part for part in answers if part.match.position not in alone)]
    counted = [
        (group, match)
        for group, match in matches_of(compiled.pairing, together, until=last)
        if match.position in alone
    ]
    found = _write(rule, counted)
    Finding.objects.filter(edition=rule.current, open_until__lte=last).delete()
    return found


def _near(
    rule: Rule,
    compiled: Compiled,
    condition: Condition,
    *,
    occurred: tuple[datetime, datetime],
    until: int,
    others: Sequence[Part] = (),
    most: int | None = None,
) -> list[Part]:
    """The events between two instants that a condition selects, up to a position; only those that may belong to others, where given."""
    narrowed = Sql(" AND position > %s AND position <= %s", (rule.starts_after, until))
    assert compiled.pairing is not None
    for index, name in enumerate(compiled.pairing.by if others else ()):
        values = [part.pair.values[index] for part in others if part.pair]
        if all(isinstance(value, str) for value in values):
            text = value_sql(name)
            narrowed = narrowed.then(f" AND {text.text} = ANY(%s)", *text.params, sorted(set(values)))
    events = read_arrived(
        compiled,
        since=occurred[0] - FUTURE_ALLOWED,
        until=occurred[1] + settings.ALERT_LATENESS,
        occurred=occurred,
        most=most,
        condition=condition,
        narrowed=narrowed,
    )
    return _parts(compiled, events)


def _parts(compiled: Compiled, events: Iterable[LoggedEvent]) -> list[Part]:
    on_time = (event for event in events if not event.late and compiled.matches(event.fields))
    return [part for event in on_time if (part := compiled.part_of(event.fields, event.match))]


def _wait_for(rule: Rule, late: Sequence[Part], within: timedelta) -> None:
    rows = [(part.group, part.match, part.match.at + within, part.match.received_at) for part in late]
    _insert(rule, rows)


def _waited_for(rule: Rule, compiled: Compiled, last: datetime) -> list[Part]:
    rows = list(Finding.objects.filter(edition=rule.current, open_until__lte=last))
    if not rows:
        return []
    arrived = [row.received_at for row in rows]
    events = read_these(
        [row.position for row in rows],
        first=min(arrived),
        last=max(arrived),
        documents=compiled.reads_documents,
    )
    return _parts(compiled, events.values())


def _is_waiting(rule: Rule, compiled: Compiled, until: int) -> bool:
    """Whether anything may still turn out to be missing, or an episode to be over."""
    assert compiled.pairing is not None
    assert rule.decided_at is not None
    if Finding.objects.filter(edition=rule.current, open_until__isnull=False).exists():
        return True
    if Episode.everything.open().filter(rule=rule).exists():
        return True
    since = rule.decided_at - compiled.pairing.within
    newest = _near(
        rule, compiled, compiled.condition, occurred=(since, since + _EVER), until=until, most=_SOME
    )
    return any(part.begins and part.pair is not None for part in newest)


def _write(rule: Rule, counted: Iterable[tuple[Group, Match]]) -> Fresh:
    """Keeps what was found; what was new of it."""
    rows = [(group, match, match.at, None) for group, match in counted]
    new = _insert(rule, rows)
    found: Fresh = {}
    for group, match, *_ in rows:
        if match.position in new:
            found.setdefault(group, []).append(match)
    return found


def _insert(rule: Rule, rows: Sequence[tuple[Group, Match, datetime, datetime | None]]) -> frozenset[int]:
    """The positions that were not there yet, or were still waited for."""
    if not rows:
        return frozenset()
    columns = zip(
        *(
            (group.key, at, match.position, match.received_at, open_until)
            for group, match, at, open_until in rows
        ),
        strict=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [rule.current_id, *(list(column) for column in columns)])
        return frozenset(position for (position,) in cursor.fetchall())
