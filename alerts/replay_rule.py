"""The target `rule` of replays: which events would a candidate rule have matched, and when would it have fired?

The same evaluator as live, over what was played so far: written are only the matches, episodes follow from them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from access.actor import Actor
from alerts.compiled import Compiled
from alerts.engine import Match
from alerts.fields import COLUMNS, StoredEvent
from alerts.groups import Group
from alerts.history import Matched, counted, episodes_of
from alerts.matches import LoggedEvent, read_these
from alerts.models import OF_KINDS, RuleVersion
from alerts.numbers import Numbers
from alerts.pairs import Part
from alerts.rule_spec import RuleSpec
from alerts.rules import check_spec
from events.documents import derived
from events.errors import ReplayInvalid
from events.models import Replay
from events.replay_targets import GONE, Due, Now, Prepared, Sent, Sink, Stored, Target, Wanted

_NUMBERS = ("threshold", "window_seconds", "for_seconds", "keep_firing_seconds")
_TEXTS = ("name", "description", "severity", "kind")
_EPISODES_TOLD = 20


def _prepare(actor: Actor, wanted: Wanted) -> Prepared:
    """Raises ReplayInvalid, and what saving such a rule would raise."""
    spec = _spec(wanted.rule)
    warnings = check_spec(actor=actor, spec=spec)
    edition = spec.edition()
    edition |= {name: str(value) for name, value in edition.items() if isinstance(value, Decimal)}
    return Prepared(f"the candidate rule '{spec.name}'", {"rule": edition, "warnings": list(warnings)})


def _spec(rule: Mapping[str, Any]) -> RuleSpec:
    if "selector" not in rule:
        raise ReplayInvalid("A candidate rule has a selector, as rules of the API have.", pointer="/rule")
    known = {"selector", "group_by", *_NUMBERS, *_TEXTS, *OF_KINDS}
    if unknown := sorted(set(rule) - known):
        raise ReplayInvalid(
            f"'{unknown[0]}' is nothing that a candidate rule says. There are: {', '.join(sorted(known))}.",
            pointer=f"/rule/{unknown[0]}",
        )
    for name in _NUMBERS:
        if name in rule and type(rule[name]) is not int:
            raise ReplayInvalid(f"'{name}' is a whole number.", pointer=f"/rule/{name}")
    for name in _TEXTS:
        if name in rule and not isinstance(rule[name], str):
            raise ReplayInvalid(f"'{name}' is a text.", pointer=f"/rule/{name}")
    group_by = rule.get("group_by", [])
    if not isinstance(group_by, list) or not all(isinstance(name, str) for name in group_by):
        raise ReplayInvalid("'group_by' is a list of fields.", pointer="/rule/group_by")
    return RuleSpec(**{"name": "candidate", **rule, "group_by": tuple(group_by)})


@contextmanager
def _open(replay: Replay, now: Now) -> Iterator[Sink]:
    yield _Rule(Compiled.of(RuleVersion(**replay.options["rule"])), now, reads=bool(replay.read_as))


class _Rule:
    batch, inside, pure = 500, False, True

    def __init__(self, rule: Compiled, now: Now, *, reads: bool) -> None:
        self._rule = rule
        self._now = now
        self.reads = reads

    def send(self, due: Sequence[Due]) -> list[Sent]:
        positions = [one.item.position for one in due]
        received = [one.item.received_at for one in due]
        events = read_these(
            positions, first=min(received), last=max(received), documents=self._rule.reads_documents
        )
        at = self._now()
        return [self._judge(at, events.get(one.item.position), one.event) for one in due]

    def _judge(self, at: datetime, event: LoggedEvent | None, stored: Stored | None) -> Sent:
        if event is None:
            return Sent(at, "missing", problem=GONE)
        fields = _fields(event, stored)
        if not self._rule.matches(fields):
            return Sent(at, "no_match")
        if event.late:
            return Sent(at, "late")
        one = counted(self._rule, replace(event, fields=fields))
        told: dict[str, Any] = {
            "key": one.group.key,
            "group": one.group.readable(self._rule.group_by),
            "at": one.match.at.isoformat(),
        }
        told["hit"], told["value"] = one.hit, one.match.value
        if one.number is not None:
            told["number"] = one.number.as_json()
        if one.part is not None:
            pair = None if one.part.pair is None else [one.part.pair.key, one.part.pair.as_json()]
            told["part"] = [pair, one.part.begins, one.part.follows]
        return Sent(at, "match", details=told)


def _fields(event: LoggedEvent, stored: Stored | None) -> StoredEvent:
    """Of an event that is read as another version, the document and the version are those that it has then."""
    if stored is None or stored.read is None or not stored.read.changed:
        return event.fields
    columns = {name: event.fields[name] for name in COLUMNS}
    text = derived(stored.raw, stored.lints)
    document = None if text is None else text.decode()
    return StoredEvent({**columns, "schema_version": stored.read.version}.items(), document)


def _summary(replay: Replay) -> dict[str, Any]:
    """The episodes that the matches so far make, the earliest first."""
    rule = Compiled.of(RuleVersion(**replay.options["rule"]))
    rows = replay.items.filter(outcome="match").order_by("position")
    played = [_matched(*row) for row in rows.values_list("details", "position", "received_at")]
    # What is new is new in the scope of the replay.
    episodes = episodes_of(rule, played, known={}, now=timezone.now())
    count = len(episodes)
    times = "once" if count == 1 else f"{count} times"
    return {
        "episodes": count,
        "first": [
            {
                "fired_at": episode.fired_at.isoformat(),
                "group": group.readable(rule.group_by),
                "matches": episode.matches,
            }
            for group, episode in episodes[:_EPISODES_TOLD]
        ],
        "sentences": [
            *replay.options["warnings"],
            f"The rule would have fired {times}, first at {episodes[0][1].fired_at:%Y-%m-%d %H:%M:%S} UTC."
            if episodes
            else "The rule would not have fired so far.",
        ],
    }


def _matched(told: dict[str, Any] | None, position: int, received_at: datetime) -> Matched:
    assert told is not None
    match = Match(datetime.fromisoformat(told["at"]), position, received_at, told.get("value"))
    number = Numbers.from_json(told["number"]) if "number" in told else None
    group = Group(told["key"], tuple(told["group"].values()))
    part = None
    if "part" in told:
        pair, begins, follows = told["part"]
        values = None if pair is None else Group(pair[0], tuple(json.loads(pair[1])))
        part = Part(group, match, values, begins, follows)
    return Matched(group, match, told.get("hit", False), number, part)


TARGET = Target(_prepare, _open, _summary)
