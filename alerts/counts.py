"""Rules that count, live: finds what the evaluator has to see around new matches, and asks it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from alerts import episodes
from alerts.compiled import Compiled
from alerts.engine import Match, reach, step
from alerts.episodes import Change
from alerts.groups import Group
from alerts.matches import recount
from alerts.models import Episode, Rule
from alerts.pairing import found_near

Fresh = Mapping[Group, Sequence[Match]]
Seen = dict[str, list[Match]]
Stored = dict[str, dict[int, Episode]]


def count(
    rule: Rule,
    compiled: Compiled,
    fresh: Fresh,
    *,
    until: int,
    moment: datetime,
    stored_until: datetime | None,
) -> list[Change]:
    """What new matches, and the passing of time, change in the groups of a rule.

    `until` is the position up to which the log was read, `moment` the time up to which. No stored episode matters
    that closed after `stored_until`; None when there is none.
    """
    seen = _seen(rule, compiled, fresh, until) if fresh else {}
    stored = _near(rule, compiled, fresh, moment, stored_until)
    groups = {group.key: group for group in fresh}
    new = {group.key: frozenset(one.position for one in ones) for group, ones in fresh.items()}
    return [
        Change(
            groups.get(key),
            stored.get(key, {}),
            step(
                compiled.terms,
                episodes=[episodes.as_known(row) for row in stored.get(key, {}).values()],
                matches=seen.get(key, []),
                fresh=new.get(key, frozenset()),
                now=moment,
            ),
            seen.get(key, []),
            compiled.counts_after,
        )
        for key in sorted(groups.keys() | stored.keys())
    ]


def _seen(rule: Rule, compiled: Compiled, fresh: Fresh, until: int) -> Seen:
    """The new matches and those near them; what is new only once has none."""
    if compiled.remember is not None:
        return {group.key: sorted(matches) for group, matches in fresh.items()}
    instants = [match.at for matches in fresh.values() for match in matches]
    if compiled.pairing is not None:
        return found_near(rule, compiled, list(fresh), min(instants), max(instants))
    return recount(
        compiled,
        groups=list(fresh),
        first=min(instants),
        last=max(instants),
        after=rule.starts_after,
        until=until,
    )


def _near(
    rule: Rule, compiled: Compiled, fresh: Fresh, moment: datetime, stored_until: datetime | None
) -> Stored:
    """The episodes that new matches may touch, and those that end."""
    near = Q(state=Episode.State.FIRING, closes_at__lt=moment)
    near |= Q(state=Episode.State.PENDING) & (Q(closes_at__lt=moment) | Q(fired_at__lte=moment))
    first = moment
    if fresh:
        instants = [match.at for matches in fresh.values() for match in matches]
        before, behind = reach(compiled.terms)
        first, last = min(instants) - before, max(instants) + behind
        # One that somebody ended by pausing the rule is over for good: what comes later begins anew.
        touched = Q(closes_at__gte=first)
        if not compiled.terms.hold:
            # Else one that lasts by now may reach whatever had lapsed behind it, from one to the next.
            touched &= Q(started_at__lte=last)
        near |= Q(group_key__in=[group.key for group in fresh], ended_by="") & (
            Q(state=Episode.State.FIRING) | touched
        )
    if stored_until is None or stored_until < first:
        return {}
    return episodes.by_group(Episode.everything.filter(near, rule=rule))
