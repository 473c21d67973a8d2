"""Makes, edits, pauses and deletes rules. Every edit is a new edition; none is ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from alerts.condition import All, event_types
from alerts.episodes import end_open, forget_unfired
from alerts.errors import (
    ChannelNotFound,
    InvalidRule,
    RuleChangedMeanwhile,
    RuleNameTaken,
    RuleNotFound,
)
from alerts.models import (
    Channel,
    Finding,
    Kind,
    KnownGroup,
    Pane,
    Rule,
    RuleVersion,
)
from alerts.novelty import begin_silence, learn
from alerts.rule_check import check_fields
from alerts.rule_spec import RuleSpec, read_hits, read_spec, read_tree
from events import changes
from events.models import LogHead


@dataclass(frozen=True, slots=True)
class Saved:
    """`warnings` are sentences about fields that not every live version has."""

    rule: Rule
    warnings: tuple[str, ...] = ()


def check_spec(*, actor: Actor, spec: RuleSpec) -> tuple[str, ...]:
    """The warnings that saving it would give. Raises what saving would raise."""
    condition, hits = read_spec(spec), read_hits(spec)
    require_types(actor, event_types(spec.asked()))
    asked = condition if hits is None else All((condition, hits))
    grouped = {f"/group_by/{index}": name for index, name in enumerate(spec.group_by)}
    paired = {f"/pair_by/{index}": name for index, name in enumerate(spec.pair_by or ())}
    valued = {} if spec.field is None else {"/field": spec.field}
    if spec.then is None:
        return tuple(check_fields(asked, grouped | valued))
    # Groups are those of the event that counts: the one that follows, or the one that nothing followed.
    of_then = grouped if spec.kind == Kind.SEQUENCE else {}
    of_first = grouped if spec.kind == Kind.MISSING else {}
    warnings = check_fields(asked, of_first | paired)
    warnings += check_fields(read_tree(spec.then, "/then"), of_then | paired, place="/then")
    return tuple(dict.fromkeys(warnings))


def create_rule(*, actor: Actor, spec: RuleSpec) -> Saved:
    """A rule that counts the events stored from now on; those that are there already are for its preview.

    Raises Forbidden, InvalidCondition, InvalidRule, UnknownField, ChannelNotFound, RuleNameTaken.
    """
    warnings = check_spec(actor=actor, spec=spec)
    with transaction.atomic():
        head = LogHead.objects.get().position
        rule = _named(Rule(name=spec.name, starts_after=head, cursor=head, created_by=actor.label))
        _write_edition(rule, spec, actor)
        _set_told(actor, rule, spec)
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
        _set_told(actor, rule, spec)
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
            rule.troubled_at = rule.trouble_told_at = None
            rule.cursor = rule.starts_after = LogHead.objects.get().position
            rule.save(
                update_fields=[
                    "enabled",
                    "problem",
                    "retry_at",
                    "troubled_at",
                    "trouble_told_at",
                    "cursor",
                    "starts_after",
                ]
            )
            _begin_anew(rule)
            _record(actor, "rule.resume", rule, after_position=rule.cursor)
    return rule


def delete_rule(*, actor: Actor, rule_id: int) -> None:
    """Ends open episodes and frees the name; past episodes stay."""
    with transaction.atomic():
        rule = _locked(actor, rule_id)
        rule.enabled, rule.deleted_at = False, timezone.now()
        rule.save(update_fields=["enabled", "deleted_at"])
        _clear(rule)
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
    _clear(rule)
    rule.decided_at = rule.look_at = None
    rule.save(update_fields=["decided_at", "look_at"])
    now = timezone.now()
    if edition.kind in {Kind.NEW, Kind.ABSENCE}:
        learn(edition, until=rule.cursor, now=now)
    if edition.kind == Kind.ABSENCE:
        if not edition.group_by:
            begin_silence(edition, now)
        # Silence passes without an event, so the rule is looked at whether one comes or not.
        rule.look_at = now
        rule.save(update_fields=["look_at"])


def _clear(rule: Rule) -> None:
    forget_unfired(rule)
    for gathered in (Pane, Finding, KnownGroup):
        gathered.objects.filter(edition__rule=rule).delete()


def _set_told(actor: Actor, rule: Rule, spec: RuleSpec) -> None:
    """Whom it tells, and when again: no part of an edition."""
    rule.channels.set(_channels(spec.channels, "/channels"))
    rule.escalate_to.set(_channels(spec.escalate_to, "/escalate_to"))
    rule.flapping_after = spec.flapping_after
    rule.remind_minutes, rule.escalate_minutes = spec.remind_minutes, spec.escalate_minutes
    rule.inhibited_by.set(_inhibitors(actor, rule, spec))
    rule.inhibit_equal = list(spec.inhibit_equal)
    rule.save(update_fields=["flapping_after", "remind_minutes", "escalate_minutes", "inhibit_equal"])


def _inhibitors(actor: Actor, rule: Rule, spec: RuleSpec) -> list[Rule]:
    found = Rule.objects.living().visible_to(actor).exclude(pk=rule.pk).in_bulk(list(spec.inhibited_by))
    if missing := [pk for pk in spec.inhibited_by if pk not in found]:
        raise InvalidRule(
            f"There is no other rule {missing[0]} that could hold it back.", pointer="/inhibited_by"
        )
    return list(found.values())


def _channels(keys: Sequence[int], pointer: str) -> list[Channel]:
    found = Channel.objects.in_bulk(list(keys))
    if missing := [pk for pk in keys if pk not in found]:
        raise ChannelNotFound(f"There is no channel {missing[0]}.", channel=missing[0], pointer=pointer)
    return list(found.values())


def _facts(rule: Rule) -> dict[str, object]:
    assert rule.current is not None
    return {
        "edition": rule.current.number,
        "name": rule.name,
        "channels": sorted(rule.channels.values_list("name", flat=True)),
        "flapping_after": rule.flapping_after,
        "remind_minutes": rule.remind_minutes,
        "escalate_minutes": rule.escalate_minutes,
        "inhibited_by": sorted(rule.inhibited_by.values_list("name", flat=True)),
        "inhibit_equal": rule.inhibit_equal,
        "escalate_to": sorted(rule.escalate_to.values_list("name", flat=True)),
    }


def _record(actor: Actor, action: str, rule: Rule, **details: object) -> None:
    audit.record(actor=actor, action=action, target=f"rule/{rule.pk}", details=details)
