"""Live evaluation: reads the log once for all rules and turns matches into episodes.

One pass is one transaction: it claims rules that stand at the same place of the log, reads the next events, and
writes episodes, evidence, notifications and the new cursors. Killed anywhere, it has done nothing; run
twice at once, each rule belongs to one of the two. A rule that cannot be evaluated keeps its place, says
why, and holds up nobody.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from alerts import episodes
from alerts.engine import Match, reach, step
from alerts.matches import Compiled, Group, LoggedEvent, read, received_at, recount
from alerts.models import Episode, Rule
from events.models import LogHead

# Events read in one pass, and rules claimed by it.
BATCH = 5_000
CLAIM = 500
RETRY_AFTER = timedelta(seconds=30)
# A recount that takes longer is given up: the rule then says so.
STATEMENT_SECONDS = 15

Clock = Callable[[], datetime]
Fresh = dict[Group, list[Match]]
Seen = dict[str, list[Match]]
Stored = dict[str, dict[int, Episode]]
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Done:
    """What one call did."""

    passes: int = 0
    events: int = 0
    rules: int = 0
    troubled: int = 0


def evaluate_rules(*, clock: Clock = timezone.now, seconds: float = 20.0) -> Done:
    """Brings all enabled rules up to the head of the log, or as far as `seconds` allow; the next call goes on."""
    done = Done()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not _one_pass(clock(), done):
            break
    return done


def _one_pass(now: datetime, done: Done) -> bool:
    """Whether there was anything to do."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{STATEMENT_SECONDS}s"])
        rules = _claim(now)
        if not rules:
            return False
        batch = _Batch.of(rules, now)
        done.passes += 1
        done.events += len(batch.events)
        done.rules += len(rules)
        for member in batch.members:
            done.troubled += not _advance(member, batch)
    return True


def _claim(now: datetime) -> list[Rule]:
    """Rules that have events to read or episodes to close and that no other worker holds, all at one cursor."""
    overdue = Episode.objects.filter(rule=OuterRef("pk"), state=Episode.State.FIRING, closes_at__lt=now)
    due = (
        Rule.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .living()
        .filter(Q(retry_at=None) | Q(retry_at__lte=now), enabled=True, current__isnull=False)
        .filter(Q(cursor__lt=LogHead.objects.values("position")[:1]) | Exists(overdue))
        .order_by("cursor", "id")
        .select_related("current")[:CLAIM]
    )
    found = list(due)
    return [rule for rule in found if rule.cursor == found[0].cursor]


@dataclass(slots=True)
class _Member:
    """A claimed rule with what the batch holds for it."""

    rule: Rule
    compiled: Compiled | None = None
    problem: Exception | None = None
    matches: Fresh = field(default_factory=dict)
    late: int = 0

    @classmethod
    def of(cls, rule: Rule) -> "_Member":
        assert rule.current is not None
        try:
            return cls(rule, Compiled.of(rule.current))
        except Exception as problem:  # noqa: BLE001 - one rule's trouble is written on it, the others go on
            return cls(rule, problem=problem)

    def take(self, event: LoggedEvent) -> None:
        assert self.compiled is not None
        if not self.compiled.matches(event.fields):
            return
        if event.late:
            self.late += 1
        else:
            self.matches.setdefault(self.compiled.group_of(event.fields), []).append(event.match)


@dataclass(frozen=True, slots=True)
class _Batch:
    members: list[_Member]
    events: list[LoggedEvent]
    until: int
    # The moment up to which the log was read: now, or when the last event of the batch arrived.
    moment: datetime
    now: datetime

    @classmethod
    def of(cls, rules: list[Rule], now: datetime) -> "_Batch":
        members = [_Member.of(rule) for rule in rules]
        compiled = [member.compiled for member in members if member.compiled]
        after, head = rules[0].cursor, LogHead.objects.get().position
        until = min(after + BATCH, head)
        events = read(
            after=after,
            until=until,
            types=_union(one.event_types for one in compiled),
            documents=any(one.reads_documents for one in compiled),
        )
        moment = now if until == head else received_at(until) or now
        batch = cls(members, events, until, moment, now)
        batch._deal()
        return batch

    def _deal(self) -> None:
        """Shows every event to the rules it may concern."""
        by_type: dict[str, list[_Member]] = {}
        to_all = []
        for member in self.members:
            if member.compiled is None:
                continue
            if member.compiled.event_types is None:
                to_all.append(member)
            for name in member.compiled.event_types or ():
                by_type.setdefault(name, []).append(member)
        for event in self.events:
            for member in by_type.get(event.fields["event_type"], ()):
                member.take(event)
            for member in to_all:
                member.take(event)


def _union(types: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """None as soon as one rule wants every type."""
    union: set[str] = set()
    for one in types:
        if one is None:
            return None
        union |= one
    return frozenset(union)


def _advance(member: _Member, batch: _Batch) -> bool:
    """Moves one rule to the end of the batch; False when it could not be evaluated."""
    rule = Rule.objects.filter(pk=member.rule.pk)
    if member.compiled is None:
        return _give_up(rule, member.problem, batch.now)
    try:
        with transaction.atomic():
            note = _update_episodes(member.rule, member.compiled, member.matches, batch)
    except Exception as problem:  # noqa: BLE001 - as in _Member.of
        return _give_up(rule, problem, batch.now)
    rule.update(
        cursor=batch.until,
        evaluated_at=batch.now,
        problem=note,
        retry_at=None,
        late_ignored=F("late_ignored") + member.late,
    )
    return True


def _give_up(rule: QuerySet[Rule], problem: Exception | None, now: datetime) -> bool:
    log.error("A rule could not be evaluated", exc_info=problem)
    reason = (str(problem).splitlines() or [type(problem).__name__])[0]
    sentence = f"The rule could not be evaluated, and is tried again in {RETRY_AFTER.seconds} s: {reason}"
    rule.update(problem=sentence[:1000], retry_at=now + RETRY_AFTER, evaluated_at=now)
    return False


def _update_episodes(rule: Rule, compiled: Compiled, fresh: Fresh, batch: _Batch) -> str:
    """Runs the evaluator for every group with new matches or an episode to close; what has to be said about it."""
    groups = {group.key: group for group in fresh}
    new = {group.key: frozenset(match.position for match in matches) for group, matches in fresh.items()}
    seen, stored = _surroundings(rule, compiled, fresh, batch)
    channels = list(rule.channels.filter(enabled=True))
    refused = 0
    room = settings.ALERT_MAX_GROUPS - rule.episodes.filter(state=Episode.State.FIRING).count()
    for key in sorted(groups.keys() | stored.keys()):
        rows, matches = stored.get(key, {}), seen.get(key, [])
        steps = step(
            compiled.terms,
            episodes=[episodes.as_known(row) for row in rows.values()],
            matches=matches,
            fresh=new.get(key, frozenset()),
            now=batch.moment,
        )
        opened = sum(one.fired and one.episode.firing for one in steps)
        if opened > max(room, 0):
            refused += 1
            continue
        room -= opened
        place = episodes.Place(rule, groups.get(key), rows, channels, batch.now)
        episodes.save(place, steps, matches)
    return _overflow(refused)


def _surroundings(rule: Rule, compiled: Compiled, fresh: Fresh, batch: _Batch) -> tuple[Seen, Stored]:
    """What the evaluator has to see: the matches near the new ones, and the episodes they may touch or that end."""
    overdue = rule.episodes.filter(state=Episode.State.FIRING, closes_at__lt=batch.moment)
    if not fresh:
        return {}, episodes.by_group(overdue)
    instants = [match.at for matches in fresh.values() for match in matches]
    first, last = min(instants), max(instants)
    before, behind = reach(compiled.terms)
    keys = [group.key for group in fresh]
    # One that somebody ended by pausing the rule is over for good: what comes later begins anew.
    touching = Q(group_key__in=keys, ended_by="") & (
        Q(state=Episode.State.FIRING) | Q(closes_at__gte=first - before, started_at__lte=last + behind)
    )
    seen = recount(
        compiled,
        groups=list(fresh),
        first=first,
        last=last,
        after=rule.starts_after,
        until=batch.until,
    )
    return seen, episodes.by_group(rule.episodes.filter(touching)) | episodes.by_group(
        overdue.exclude(group_key__in=keys)
    )


def _overflow(refused: int) -> str:
    if not refused:
        return ""
    most = settings.ALERT_MAX_GROUPS
    return (
        f"{refused} groups were left out, since the rule had {most} open episodes already (ALERT_MAX_GROUPS). "
        "Group by fewer fields, or raise the threshold."
    )
