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
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Least
from django.utils import timezone

from access import prepared
from alerts import engine, episodes
from alerts.auditor import note_read
from alerts.compiled import Compiled
from alerts.counts import count
from alerts.engine import NEW, Match
from alerts.episodes import Change
from alerts.groups import Group
from alerts.heard import listen
from alerts.history import counted
from alerts.looks import pane_of
from alerts.matches import LoggedEvent, read, received_at
from alerts.models import DELAYED, Episode, Kind, Rule
from alerts.novelty import take_note
from alerts.pairing import follow, miss
from alerts.pairs import Part
from alerts.panes import Tally, is_past, weigh
from events.models import LogHead

# Events read in one pass, and rules claimed by it.
BATCH = 5_000
CLAIM = 500
_HAS_RULES = "SELECT EXISTS (SELECT FROM alerts_rule WHERE deleted_at IS NULL AND enabled)"
RETRY_AFTER = timedelta(seconds=30)
# A recount that takes longer is given up: the rule then says so.
STATEMENT_SECONDS = 15

Clock = Callable[[], datetime]
Fresh = dict[Group, list[Match]]
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
    if not _has_rules():
        return done
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not _one_pass(clock(), done):
            break
    return done


def _has_rules() -> bool:
    """Asked with every bell, which ring several times a second while events come in: composing the claim takes ten times as long."""
    with prepared.cursor() as cursor:
        cursor.execute(_HAS_RULES)
        return bool(cursor.fetchone()[0])


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
        done.troubled += _advance_all(batch)
    return True


def _claim(now: datetime) -> list[Rule]:
    """Rules that have events to read or episodes to close and that no other worker holds, all at one cursor."""
    mine = Episode.everything.filter(rule=OuterRef("pk"))
    pending = mine.filter(state=Episode.State.PENDING)
    overdue = Exists(mine.filter(state=Episode.State.FIRING, closes_at__lt=now)) | Exists(
        pending.filter(Q(closes_at__lt=now) | Q(fired_at__lt=now))
    )
    # What is decided behind the watermark ends there, too, at an instant that `look_at` knows.
    ends = (overdue & ~Q(current__kind__in=DELAYED)) | Q(look_at__lte=now)
    due = (
        Rule.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .living()
        .filter(Q(retry_at=None) | Q(retry_at__lte=now), enabled=True, current__isnull=False)
        .filter(Q(cursor__lt=LogHead.objects.values("position")[:1]) | ends)
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
    # Instead of them, of a rule that looks at whole windows.
    tally: Tally = field(default_factory=Tally)
    # Likewise, of a rule about pairs.
    parts: list[Part] = field(default_factory=list)
    late: int = 0
    # How many episodes are open or pending, when time alone changes the first of them, and when the last of all closes or closed.
    open: int = 0
    moves_on: datetime | None = None
    last_to_close: datetime | None = None

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
        judge = self.compiled.judge
        if event.late or (judge and is_past(self.rule, judge, pane_of(judge, event.match.at))):
            self.late += 1
            return
        one = counted(self.compiled, event)
        if judge:
            self.tally.add(one.group, pane_of(judge, one.match.at), hit=one.hit, number=one.number)
        elif one.part:
            self.parts.append(one.part)
        else:
            self.matches.setdefault(one.group, []).append(one.match)


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
        types = _union(one.event_types for one in compiled)
        documents = any(one.reads_documents for one in compiled)
        events = read(after=after, until=until, types=types, documents=documents)
        note_read(after=after, until=until, types=types, seen=len(events), now=now)
        moment = now if until == head else received_at(until) or now
        _look_at_episodes(members)
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


# When time alone changes something about an open episode: what is pending fires, or lapses.
_MOVES_ON = Case(
    When(state=Episode.State.PENDING, then=Least("fired_at", "closes_at")), default=F("closes_at")
)


def _look_at_episodes(members: list[_Member]) -> None:
    """Asks once, after the rules are locked, so that rules without episodes near by need no further queries."""
    rules = [member.rule.pk for member in members]
    open_ones = Episode.everything.open().filter(rule__in=rules).order_by().values_list("rule")
    standing = {pk: rest for pk, *rest in open_ones.annotate(n=Count("pk"), first=Min(_MOVES_ON))}
    newest = Episode.everything.filter(rule=OuterRef("pk")).order_by("-closes_at").values("closes_at")[:1]
    last = dict(Rule.objects.filter(pk__in=rules).values_list("pk", Subquery(newest)))
    for member in members:
        member.open, member.moves_on = standing.get(member.rule.pk, (0, None))
        member.last_to_close = last[member.rule.pk]


def _advance_all(batch: _Batch) -> int:
    """Moves every rule to the end of the batch; how many could not be."""
    troubled, moved = 0, []
    for member in batch.members:
        rule = Rule.objects.filter(pk=member.rule.pk)
        note, problem = _advance(member, batch)
        if problem is not None:
            _give_up(rule, problem, batch.now)
            troubled += 1
            continue
        moved.append(member.rule.pk)
        if member.late or note or member.rule.problem:
            rule.update(problem=note, late_ignored=F("late_ignored") + member.late)
        if note:
            rule.update(trouble=note, troubled_at=batch.now)
    Rule.objects.filter(pk__in=moved).update(cursor=batch.until, evaluated_at=batch.now, retry_at=None)
    return troubled


def _advance(member: _Member, batch: _Batch) -> tuple[str, Exception | None]:
    """What has to be said about the rule, and why it could not be evaluated."""
    if member.compiled is None:
        return "", member.problem
    if not _has_work(member, batch):
        return "", None
    try:
        with transaction.atomic():
            changes, note = _within_limit(member, _changes(member, member.compiled, batch))
            episodes.save(member.rule, changes, batch.now)
    except Exception as problem:  # noqa: BLE001 - as in _Member.of
        return "", problem
    return note, None


def _has_work(member: _Member, batch: _Batch) -> bool:
    if member.matches or member.tally.counts or member.parts:
        return True
    if member.rule.current and member.rule.current.kind in DELAYED:
        return member.rule.look_at is not None and member.rule.look_at <= batch.moment
    return member.moves_on is not None and member.moves_on < batch.moment


def _give_up(rule: QuerySet[Rule], problem: Exception, now: datetime) -> None:
    log.error("A rule could not be evaluated", exc_info=problem)
    reason = (str(problem).splitlines() or [type(problem).__name__])[0]
    sentence = f"The rule could not be evaluated, and is tried again in {RETRY_AFTER.seconds} s: {reason}"
    told = {"problem": sentence[:1000], "trouble": sentence[:1000], "troubled_at": now}
    rule.update(**told, retry_at=now + RETRY_AFTER, evaluated_at=now)


def _changes(member: _Member, compiled: Compiled, batch: _Batch) -> list[Change]:
    """What the batch, and the passing of time, change in the groups of a rule, as its kind has it."""
    rule, edition = member.rule, member.rule.current
    assert edition is not None
    if compiled.judge:
        changes = weigh(rule, compiled, member.tally, until=batch.until, moment=batch.moment)
        rule.save(update_fields=["decided_at", "look_at"])
        return changes
    if compiled.absence:
        changes = listen(rule, compiled, member.matches, until=batch.until, moment=batch.moment)
        rule.save(update_fields=["decided_at", "look_at"])
        return changes
    fresh, moment = _fresh(member, compiled, batch)
    since = datetime.max.replace(tzinfo=UTC) if member.open else member.last_to_close
    return count(rule, compiled, fresh, until=batch.until, moment=moment, stored_until=since)


def _fresh(member: _Member, compiled: Compiled, batch: _Batch) -> tuple[Fresh, datetime]:
    """The new matches of a rule that counts, and the moment up to which it has counted."""
    rule, edition = member.rule, member.rule.current
    assert edition is not None
    if edition.kind == Kind.SEQUENCE:
        return follow(rule, compiled, member.parts, until=batch.until), batch.moment
    if edition.kind == Kind.MISSING:
        found = miss(rule, compiled, member.parts, until=batch.until, moment=batch.moment)
        rule.save(update_fields=["decided_at", "look_at"])
        return found
    if edition.kind == Kind.NEW:
        return take_note(edition, compiled, member.matches), batch.moment
    return member.matches, batch.moment


def _within_limit(member: _Member, changes: list[Change]) -> tuple[list[Change], str]:
    """Without the groups that would be too many, and what has to be said about those."""
    ended = sum(_was_open(change, one) and not _is_open(one) for change in changes for one in change.episodes)
    kept, room = [], settings.ALERT_MAX_GROUPS - member.open + ended
    for change in changes:
        opened = sum(_is_open(one) and not _was_open(change, one) for one in change.episodes)
        if opened <= max(room, 0):
            kept.append(change)
            room -= opened
    return kept, _overflow(len(changes) - len(kept))


def _is_open(episode: engine.Episode) -> bool:
    return episode.firing or (episode.pending and not episode.lapsed)


def _was_open(change: Change, episode: engine.Episode) -> bool:
    return episode.key is not NEW and _is_open(episodes.as_known(change.stored[episode.key]))


def _overflow(refused: int) -> str:
    if not refused:
        return ""
    most = settings.ALERT_MAX_GROUPS
    return (
        f"{refused} groups were left out, since the rule had {most} open episodes already (ALERT_MAX_GROUPS). "
        "Group by fewer fields, or raise the threshold."
    )
