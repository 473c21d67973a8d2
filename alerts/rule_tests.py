"""Tests of rules as data: a rule, events as they would be sent, and the episodes that they have to make.

Events are read as ingest reads them and judged by the live evaluator, without a database: what holds here holds live.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from alerts.compiled import Compiled
from alerts.condition import kind_of
from alerts.engine import Episode, Match
from alerts.errors import InvalidRuleTest
from alerts.fields import COLUMNS, StoredEvent
from alerts.history import episodes_of, matched
from alerts.matches import FUTURE_ALLOWED, LoggedEvent
from alerts.models import RuleVersion
from alerts.rule_spec import RuleSpec, read_spec
from events.envelope import Envelope, Limits, Unacceptable, read_event
from events.scan import Piece, depth_of

_INSTANTS = ("started_at", "fired_at", "last_match_at", "closes_at")
_FIGURES = ("peak", "matches", "share", "value", "firing")
_TEXTS = frozenset({"name", "description", "kind", "severity", "field", "function", "compare"})
_RULE = {field.name for field in fields(RuleSpec)} - {
    "channels",
    "escalate_to",
    "escalate_minutes",
    "remind_minutes",
    "flapping_after",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test. `differences` are sentences; none when the episodes are those that were expected."""

    name: str
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


def run_tests(document: Any) -> list[Outcome]:
    """Runs every test of `{"rule": …, "tests": [{"name", "events", "expect", "until"}]}`.

    Raises InvalidRuleTest, with the place, for what cannot be read, and what saving the rule would raise.
    """
    if not isinstance(document, dict) or not {"rule", "tests"} <= set(document):
        raise InvalidRuleTest("A file of rule tests has a 'rule' and a list of 'tests'.", pointer="")
    if extra := sorted(set(document) - {"rule", "tests"}):
        raise InvalidRuleTest(f"'{extra[0]}' says nothing beside 'rule' and 'tests'.", pointer=f"/{extra[0]}")
    rule = Compiled.of(RuleVersion(**_spec(document["rule"]).edition()))
    tests = document["tests"]
    if not isinstance(tests, list) or not tests:
        raise InvalidRuleTest("'tests' is a list with at least one test.", pointer="/tests")
    return [_run(rule, test, f"/tests/{index}") for index, test in enumerate(tests)]


def _spec(said: Any) -> RuleSpec:
    """The rule as the API takes it, without channels."""
    if not isinstance(said, dict) or "selector" not in said:
        raise InvalidRuleTest("A rule is an object with a 'selector'.", pointer="/rule")
    if unknown := sorted(set(said) - _RULE):
        raise InvalidRuleTest(
            f"'{unknown[0]}' is nothing that a rule of a test says. There are: {', '.join(sorted(_RULE))}.",
            pointer=f"/rule/{unknown[0]}",
        )
    for name in _TEXTS & set(said):
        if not isinstance(said[name], str):
            raise InvalidRuleTest(f"'{name}' is a text.", pointer=f"/rule/{name}")
    grouped = said.get("group_by", [])
    if not isinstance(grouped, list) or not all(isinstance(name, str) for name in grouped):
        raise InvalidRuleTest("'group_by' is a list of fields.", pointer="/rule/group_by")
    spec = RuleSpec(**{"name": "tested", **said, "group_by": tuple(grouped)})
    read_spec(spec)
    return spec


def _run(rule: Compiled, test: Any, place: str) -> Outcome:
    if not isinstance(test, dict) or not isinstance(test.get("events"), list):
        raise InvalidRuleTest(
            "A test has a list of 'events', and 'expect', a list of episodes.", pointer=place
        )
    if extra := sorted(set(test) - {"name", "events", "expect", "until"}):
        raise InvalidRuleTest(f"A test has no '{extra[0]}'.", pointer=f"{place}/{extra[0]}")
    expected = test.get("expect", [])
    if not isinstance(expected, list):
        raise InvalidRuleTest("'expect' is a list of episodes.", pointer=f"{place}/expect")
    events = [
        _logged(one, number, f"{place}/events/{number - 1}")
        for number, one in enumerate(test["events"], start=1)
    ]
    # In the order of the log, which is that of arrival.
    events.sort(key=lambda event: (event.match.received_at, event.match.position))
    now = _until(rule, test, events, place)
    found = [
        _told(group.readable(rule.group_by), episode)
        for group, episode in episodes_of(rule, matched(rule, events), known={}, now=now)
    ]
    wanted = [_wanted(one, f"{place}/expect/{index}") for index, one in enumerate(expected)]
    return Outcome(str(test.get("name", place)), tuple(_differences(wanted, found)))


def _until(rule: Compiled, test: Mapping[str, Any], events: Sequence[LoggedEvent], place: str) -> datetime:
    """Up to when time passes: as the test says, else until every episode is over."""
    if "until" in test:
        return _instant(test["until"], f"{place}/until")
    last = max((event.match.received_at for event in events), default=datetime.now(UTC))
    return (
        last
        + FUTURE_ALLOWED
        + rule.counts_after
        + 3 * rule.terms.window
        + rule.terms.hold
        + rule.terms.keep_firing
        + timedelta(days=1)
    )


def _logged(said: Any, position: int, place: str) -> LoggedEvent:
    """An event as sent, or `{"event", "received_at", "valid", "deprecated_version"}`; without `received_at` it arrived when it occurred."""
    around = said if isinstance(said, dict) and "event" in said else {"event": said}
    if extra := sorted(set(around) - {"event", "received_at", "valid", "deprecated_version"}):
        raise InvalidRuleTest(f"Beside an event there is no '{extra[0]}'.", pointer=f"{place}/{extra[0]}")
    envelope = _envelope(around["event"], place)
    occurred = envelope.occurred_at
    if occurred is None:
        raise InvalidRuleTest("An event of a test has a timestamp.", pointer=f"{place}/timestamp")
    received = (
        _instant(around["received_at"], f"{place}/received_at") if "received_at" in around else occurred
    )
    columns = {name: getattr(envelope, name, None) or None for name in COLUMNS}
    columns |= {"valid": around.get("valid", True) is True, "producer": "test"}
    columns["deprecated_version"] = around.get("deprecated_version", False) is True
    return LoggedEvent(
        Match(min(occurred, received + FUTURE_ALLOWED), position, received),
        late=occurred < received - settings.ALERT_LATENESS,
        fields=StoredEvent(columns.items(), envelope.raw.decode()),
    )


def _envelope(document: Any, place: str) -> Envelope:
    raw = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        return read_event(Piece(raw, depth_of(raw)), now=datetime.now(UTC), limits=Limits.of_settings())
    except Unacceptable as bad:
        raise InvalidRuleTest(bad.message, pointer=place) from bad


def _told(group: Mapping[str, Any], episode: Episode) -> dict[str, Any]:
    return {"group": dict(group)} | {name: getattr(episode, name) for name in (*_INSTANTS, *_FIGURES)}


def _wanted(said: Any, place: str) -> dict[str, Any]:
    """What a test says of an episode; only that is compared."""
    if not isinstance(said, dict) or not isinstance(said.get("group", {}), dict):
        raise InvalidRuleTest("An expected episode is an object; its 'group' is one, too.", pointer=place)
    known = ("group", *_INSTANTS, *_FIGURES)
    if extra := sorted(set(said) - set(known)):
        raise InvalidRuleTest(
            f"An episode has no '{extra[0]}'. There are: {', '.join(known)}.", pointer=f"{place}/{extra[0]}"
        )
    return {
        name: _instant(value, f"{place}/{name}") if name in _INSTANTS else value
        for name, value in said.items()
    }


def _instant(text: Any, place: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise InvalidRuleTest(f"{text!r} is no time such as 2026-03-02T12:00:00Z.", pointer=place) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _differences(wanted: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]]) -> list[str]:
    """Sentences; episodes are paired in order, the earliest first."""
    told = []
    for number in range(max(len(wanted), len(found))):
        if number >= len(found):
            told.append(f"Episode {number + 1} was expected and did not fire: {_say(wanted[number])}.")
        elif number >= len(wanted):
            told.append(f"Episode {number + 1} fired and was not expected: {_say(found[number])}.")
        else:
            told += [
                f"Episode {number + 1}: {name} is {_text(found[number][name])}, expected {_text(value)}."
                for name, value in wanted[number].items()
                if (kind_of(found[number][name]), found[number][name]) != (kind_of(value), value)
            ]
    return told


def _say(episode: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_text(value)}" for name, value in episode.items() if value is not None)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else json.dumps(value, ensure_ascii=False)
