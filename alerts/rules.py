"""Makes, edits, pauses and deletes rules. Every edit is a new edition; none is ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from alerts.condition import MAX_TEXT, All, Condition, check_field, event_types, parse
from alerts.episodes import end_open
from alerts.errors import (
    ChannelNotFound,
    InvalidCondition,
    InvalidRule,
    RuleChangedMeanwhile,
    RuleNameTaken,
    RuleNotFound,
)
from alerts.models import Channel, Kind, KnownGroup, Pane, Rule, RuleVersion, Severity
from alerts.novelty import learn
from alerts.rule_check import check_fields
from alerts.share import FINE_WINDOW
from events import changes
from events.models import LogHead

MAX_THRESHOLD = 100_000
MAX_WINDOW_SECONDS = 7 * 24 * 3600
MAX_GROUP_BY = 5
MAX_SHARE_WINDOW_SECONDS = 24 * 3600
MAX_REMEMBER_DAYS = 365


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """What somebody wants a rule to say. `selector` is the JSON condition tree, `channels` their ids.

    `hits` and `percent` belong to the kind `share`, `remember_days` to `new`; elsewhere they are None.
    """

    name: str
    selector: Any
    description: str = ""
    kind: str = Kind.COUNT
    hits: Any = None
    percent: Decimal | float | None = None
    remember_days: int | None = None
    threshold: int = 1
    window_seconds: int = 300
    group_by: Sequence[str] = ()
    keep_firing_seconds: int = 0
    severity: str = Severity.WARNING
    channels: Sequence[int] = ()

    @classmethod
    def of(cls, rule: Rule) -> "RuleSpec":
        """What a stored rule says now."""
        edition = rule.current
        assert edition is not None
        return cls(
            name=rule.name,
            selector=edition.selector,
            description=edition.description,
            kind=edition.kind,
            hits=edition.hits,
            percent=edition.percent,
            remember_days=edition.remember_days,
            threshold=edition.threshold,
            window_seconds=edition.window_seconds,
            group_by=tuple(edition.group_by),
            keep_firing_seconds=edition.keep_firing_seconds,
            severity=edition.severity,
            channels=tuple(rule.channels.values_list("pk", flat=True)),
        )

    def edition(self) -> dict[str, Any]:
        """What an edition keeps of it."""
        types = event_types(parse(self.selector))
        return {
            "description": self.description,
            "selector": self.selector,
            "kind": self.kind,
            "hits": self.hits,
            "percent": None if self.percent is None else exact_percent(self.percent),
            "remember_days": self.remember_days,
            "event_types": None if types is None else sorted(types),
            "threshold": self.threshold,
            "window_seconds": self.window_seconds,
            "group_by": list(self.group_by),
            "keep_firing_seconds": self.keep_firing_seconds,
            "severity": self.severity,
        }


@dataclass(frozen=True, slots=True)
class Saved:
    """`warnings` are sentences about fields that not every live version has."""

    rule: Rule
    warnings: tuple[str, ...] = ()


def check_spec(*, actor: Actor, spec: RuleSpec) -> tuple[str, ...]:
    """The warnings that saving it would give. Raises what saving would raise."""
    condition, hits = _read(spec), _read_hits(spec)
    require_types(actor, event_types(condition))
    asked = condition if hits is None else All((condition, hits))
    return tuple(check_fields(asked, spec.group_by))


def read_spec(spec: RuleSpec) -> Condition:
    """Its condition. Raises what saving would raise, but for rights and what schemas declare."""
    condition = _read(spec)
    _read_hits(spec)
    return condition


def create_rule(*, actor: Actor, spec: RuleSpec) -> Saved:
    """A rule that counts the events stored from now on; those that are there already are for its preview.

    Raises Forbidden, InvalidCondition, InvalidRule, UnknownField, ChannelNotFound, RuleNameTaken.
    """
    warnings = check_spec(actor=actor, spec=spec)
    with transaction.atomic():
        head = LogHead.objects.get().position
        rule = _named(Rule(name=spec.name, starts_after=head, cursor=head, created_by=actor.label))
        _write_edition(rule, spec, actor)
        rule.channels.set(_channels(spec))
        _record(actor, "rule.create", rule, **_facts(rule))
    return Saved(rule, warnings)


def edit_rule(*, actor: Actor, rule_id: int, spec: RuleSpec, expected: int | None = None) -> Saved:
    """Writes a new edition when what the rule says changes. An open episode goes on if its group still matches.

    `expected` is the edition that was edited: when it is not the newest any more, RuleChangedMeanwhile is raised.
    """
    warnings = check_spec(actor=actor, spec=spec)
    with transaction.atomic():
        rule = _locked(actor, rule_id)
        assert rule.current is not None
        if expected is not None and rule.current.number != expected:
            raise RuleChangedMeanwhile(
                f"{rule.current.created_by} has saved edition {rule.current.number} of this rule meanwhile. "
                "Look at it and edit that one.",
                edition=rule.current.number,
            )
        before = RuleSpec.of(rule)
        if before.name != spec.name:
            rule.name = spec.name
            _named(rule)
        if before.edition() != spec.edition():
            _write_edition(rule, spec, actor)
        rule.channels.set(_channels(spec))
        _record(actor, "rule.edit", rule, **_facts(rule))
    return Saved(rule, warnings)


def pause_rule(*, actor: Actor, rule_id: int) -> Rule:
    """Stops evaluation and ends open episodes, saying why."""
    with transaction.atomic():
        rule = _locked(actor, rule_id)
        if rule.enabled:
            rule.enabled = False
            rule.save(update_fields=["enabled"])
            ended = end_open(rule=rule, why=f"The rule was paused by {actor.label}.", now=timezone.now())
            _record(actor, "rule.pause", rule, ended_episodes=ended)
    return rule


def resume_rule(*, actor: Actor, rule_id: int) -> Rule:
    """Goes on at the head of the log: what was stored during the pause is not counted."""
    with transaction.atomic():
        rule = _locked(actor, rule_id)
        if not rule.enabled:
            rule.enabled, rule.problem, rule.retry_at = True, "", None
            rule.cursor = rule.starts_after = LogHead.objects.get().position
            rule.save(update_fields=["enabled", "problem", "retry_at", "cursor", "starts_after"])
            _begin_anew(rule)
            _record(actor, "rule.resume", rule, after_position=rule.cursor)
    return rule


def delete_rule(*, actor: Actor, rule_id: int) -> None:
    """Ends open episodes and frees the name; past episodes stay."""
    with transaction.atomic():
        rule = _locked(actor, rule_id)
        rule.enabled, rule.deleted_at = False, timezone.now()
        rule.save(update_fields=["enabled", "deleted_at"])
        ended = end_open(rule=rule, why=f"The rule was deleted by {actor.label}.", now=rule.deleted_at)
        _record(actor, "rule.delete", rule, ended_episodes=ended)


def require_types(actor: Actor, types: frozenset[str] | None) -> None:
    """A rule shows what it counts: it takes the scopes alert and read on all it can match.

    Raises Forbidden.
    """
    for scope in ("alert", "read"):
        if types is None:
            actor.require_everywhere(scope)
        for name in types or ():
            changes.require(actor, scope, name)


def exact_percent(percent: Decimal | float) -> Decimal:
    """As it was written: 0.1 is a tenth of a per cent."""
    return Decimal(str(percent))


def _read(spec: RuleSpec) -> Condition:
    condition = _parsed(spec.selector, "/selector")
    for index, name in enumerate(spec.group_by):
        check_field(name, f"/group_by/{index}")
    _check_numbers(spec)
    return condition


def _parsed(tree: Any, place: str) -> Condition:
    try:
        return parse(tree)
    except InvalidCondition as error:
        error.facts["pointer"] = f"{place}{error.facts['pointer']}"
        raise


def _read_hits(spec: RuleSpec) -> Condition | None:
    """Which events are hits, of a rule about a share. Raises InvalidRule for what another kind needs, or lacks."""
    _check_kind(spec)
    if spec.kind == Kind.NEW:
        _check_new(spec)
    if spec.kind != Kind.SHARE:
        return None
    _check_share(spec)
    return _parsed(spec.hits, "/hits")


_NEEDED = {Kind.COUNT: (), Kind.SHARE: ("hits", "percent"), Kind.NEW: ("remember_days",)}


def _check_kind(spec: RuleSpec) -> None:
    if spec.kind not in Kind.values:
        raise InvalidRule(f"A kind is one of {', '.join(Kind.values)}.", pointer="/kind")
    needed = _NEEDED[Kind(spec.kind)]
    for name in ("hits", "percent", "remember_days"):
        given = getattr(spec, name) is not None
        if given and name not in needed:
            raise InvalidRule(f"A rule of the kind {spec.kind} has no {name}.", pointer=f"/{name}")
        if not given and name in needed:
            raise InvalidRule(f"A rule of the kind {spec.kind} needs {name}.", pointer=f"/{name}")


def _check_share(spec: RuleSpec) -> None:
    percent = spec.percent
    if isinstance(percent, bool) or not isinstance(percent, int | float | Decimal) or not 0 <= percent < 100:
        raise InvalidRule("A percentage is a number from 0 to less than 100.", pointer="/percent")
    if exact_percent(percent) * 1000 % 1:
        raise InvalidRule("A percentage has at most three decimals.", pointer="/percent")
    window = spec.window_seconds
    if window > MAX_SHARE_WINDOW_SECONDS:
        raise InvalidRule("The window of a share is a day at most.", pointer="/window_seconds")
    if timedelta(seconds=window) > FINE_WINDOW and window % 60:
        raise InvalidRule(
            "The window of a share that is longer than two minutes is a number of whole minutes.",
            pointer="/window_seconds",
        )


def _check_new(spec: RuleSpec) -> None:
    days = spec.remember_days
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_REMEMBER_DAYS:
        raise InvalidRule(
            f"remember_days is a whole number from 1 to {MAX_REMEMBER_DAYS}.", pointer="/remember_days"
        )
    if not spec.group_by:
        raise InvalidRule(
            "Say in group_by what would be new, as in error_code or node_id.", pointer="/group_by"
        )


def _check_numbers(spec: RuleSpec) -> None:
    if not spec.name.strip() or len(spec.name) > 200:
        raise InvalidRule("A rule has a name of 1 to 200 characters.", pointer="/name")
    if len(spec.description) > 10 * MAX_TEXT:
        raise InvalidRule(f"A description has at most {10 * MAX_TEXT} characters.", pointer="/description")
    if spec.severity not in Severity.values:
        raise InvalidRule(f"A severity is one of {', '.join(Severity.values)}.", pointer="/severity")
    if len(set(spec.group_by)) != len(spec.group_by) or len(spec.group_by) > MAX_GROUP_BY:
        raise InvalidRule(f"A rule groups by at most {MAX_GROUP_BY} different fields.", pointer="/group_by")
    for name, low, high in (
        ("threshold", 1, MAX_THRESHOLD),
        ("window_seconds", 1, MAX_WINDOW_SECONDS),
        ("keep_firing_seconds", 0, MAX_WINDOW_SECONDS),
    ):
        value = getattr(spec, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InvalidRule(f"{name} is a whole number from {low} to {high}.", pointer=f"/{name}")


def _locked(actor: Actor, rule_id: int) -> Rule:
    """The rule with its row locked against the evaluator and other edits, if the actor may change it."""
    rules = Rule.objects.living().visible_to(actor)
    try:
        rule = rules.select_for_update(no_key=True, of=("self",)).select_related("current").get(pk=rule_id)
    except Rule.DoesNotExist:
        raise RuleNotFound.of(rule_id) from None
    assert rule.current is not None
    types = rule.current.event_types
    require_types(actor, None if types is None else frozenset(types))
    return rule


def _named(rule: Rule) -> Rule:
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError:
        raise RuleNameTaken(f"There is a rule named '{rule.name}' already.", pointer="/name") from None
    return rule


def _write_edition(rule: Rule, spec: RuleSpec, actor: Actor) -> None:
    number = rule.current.number + 1 if rule.current else 1
    rule.current = RuleVersion.objects.create(
        rule=rule, number=number, created_by=actor.label, **spec.edition()
    )
    rule.problem, rule.retry_at = "", None
    rule.save(update_fields=["current", "problem", "retry_at"])
    _begin_anew(rule)


def _begin_anew(rule: Rule) -> None:
    """What earlier editions, or the time before a pause, have gathered counts no more; what is stored is known."""
    edition = rule.current
    assert edition is not None
    Pane.objects.filter(edition__rule=rule).delete()
    KnownGroup.objects.filter(edition__rule=rule).delete()
    rule.decided_at = rule.look_at = None
    rule.save(update_fields=["decided_at", "look_at"])
    if edition.kind == Kind.NEW:
        learn(edition, until=rule.cursor, now=timezone.now())


def _channels(spec: RuleSpec) -> list[Channel]:
    found = Channel.objects.in_bulk(list(spec.channels))
    if missing := [pk for pk in spec.channels if pk not in found]:
        raise ChannelNotFound(f"There is no channel {missing[0]}.", channel=missing[0], pointer="/channels")
    return list(found.values())


def _facts(rule: Rule) -> dict[str, object]:
    assert rule.current is not None
    return {
        "edition": rule.current.number,
        "name": rule.name,
        "channels": sorted(rule.channels.values_list("name", flat=True)),
    }


def _record(actor: Actor, action: str, rule: Rule, **details: object) -> None:
    audit.record(actor=actor, action=action, target=f"rule/{rule.pk}", details=details)
