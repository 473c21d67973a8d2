"""Rules as a document that is kept beside code: all of them out, and what a document says in, told before it is done."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any, Literal

from django.db import transaction

from access.actor import Actor
from access.errors import ProductError
from alerts.edition_changes import Difference, in_words
from alerts.errors import ChannelNotFound, InvalidRule
from alerts.lists import rules_for
from alerts.models import Channel, Rule
from alerts.rule_spec import RuleSpec, read_spec
from alerts.rules import create_rule, delete_rule, edit_rule

What = Literal["created", "changed", "unchanged", "removed"]
_KNOWN = frozenset(field.name for field in fields(RuleSpec))
_TEXTS = frozenset({"name", "description", "kind", "severity", "field", "function", "compare"})


_OF_CHANNELS = frozenset({"channels", "escalate_to"})
_NAMED = _OF_CHANNELS | {"inhibited_by"}
_LISTS = ("group_by", "pair_by", "inhibit_equal")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a document says of one rule; `inhibited_by` are names."""

    spec: RuleSpec
    inhibited_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """What importing does to one rule; `changes` says what an edit changes."""

    name: str
    what: What
    changes: tuple[Difference, ...] = ()


def export_rules(*, actor: Actor, name: str = "") -> dict[str, Any]:
    """`{"rules": […]}` by name, all or the one of a name; channels are named. What is as by default is left out."""
    rules = rules_for(actor).order_by("name")
    chosen = rules.filter(name=name) if name else rules
    return {"rules": [_as_code(rule) for rule in chosen]}


def import_rules(
    *, actor: Actor, document: Any, remove: bool = False, dry_run: bool = False
) -> list[Planned]:
    """Makes the rules as the document says, found by name, in one transaction: all or none.

    With `remove`, rules that it does not name are deleted; only those that the actor may see are looked at. A dry run
    changes nothing. Raises InvalidRule with the place, ChannelNotFound, and what saving a rule raises.
    """
    wanted = _wanted(document)
    with transaction.atomic():
        planned = []
        for index, one in enumerate(wanted):
            with _at(f"/rules/{index}"):
                planned.append(_import(actor, one.spec))
        # Rules hold each other back by name, also those of further down.
        for index, one in enumerate(wanted):
            with _at(f"/rules/{index}"):
                planned[index] = _hold_back(actor, one, planned[index])
        if remove:
            named = {one.spec.name for one in wanted}
            for rule in rules_for(actor).exclude(name__in=named).order_by("name"):
                delete_rule(actor=actor, rule_id=rule.pk)
                planned.append(Planned(rule.name, "removed"))
        if dry_run:
            transaction.set_rollback(True)
    return planned


def _as_code(rule: Rule) -> dict[str, Any]:
    spec = RuleSpec.of(rule)
    usual = asdict(RuleSpec(name="", selector=None))
    said = {name: value for name, value in asdict(spec).items() if value != usual[name]}
    said |= {name: _plain(value) for name, value in said.items() if isinstance(value, Decimal)}
    said |= {name: list(said[name]) for name in _LISTS if name in said}
    for name in _NAMED & set(said):
        said[name] = sorted(getattr(rule, name).values_list("name", flat=True))
    return {name: str(value) if isinstance(value, str) else value for name, value in said.items()}


def _plain(number: Decimal) -> int | float:
    return int(number) if number == int(number) else float(number)


def _wanted(document: Any) -> list[_Wanted]:
    rules = document.get("rules") if isinstance(document, dict) and set(document) == {"rules"} else None
    if not isinstance(rules, list):
        raise InvalidRule("Rules as code are an object with the list 'rules', and nothing else.", pointer="")
    wanted = [_one(said, f"/rules/{index}") for index, said in enumerate(rules)]
    names = [one.spec.name for one in wanted]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidRule(f"Two rules are called '{twice[0]}'.", pointer="/rules")
    return wanted


def _one(said: Any, place: str) -> _Wanted:
    if not isinstance(said, dict) or not {"name", "selector"} <= set(said):
        raise InvalidRule("A rule is an object with a 'name' and a 'selector'.", pointer=place)
    if unknown := sorted(set(said) - _KNOWN):
        raise InvalidRule(f"'{unknown[0]}' is nothing that a rule says.", pointer=f"{place}/{unknown[0]}")
    for name in _TEXTS & set(said):
        if not isinstance(said[name], str):
            raise InvalidRule(f"'{name}' is a text.", pointer=f"{place}/{name}")
    for name in ("group_by", "inhibit_equal", *sorted(_NAMED)):
        value = said.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise InvalidRule(f"'{name}' is a list of texts.", pointer=f"{place}/{name}")
    keys = {name: _channels(said[name], f"{place}/{name}") for name in sorted(_OF_CHANNELS & set(said))}
    lists = {name: tuple(said.get(name, ())) for name in ("group_by", "inhibit_equal")}
    spec = RuleSpec(**{**said, **lists, **keys, "inhibited_by": ()})
    with _at(place):
        read_spec(spec)
    return _Wanted(spec, tuple(said.get("inhibited_by", ())))


@contextmanager
def _at(place: str) -> Iterator[None]:
    """What is wrong with a rule is told with its place in the document."""
    try:
        yield
    except ProductError as problem:
        problem.facts["pointer"] = f"{place}{problem.facts.get('pointer', '')}"
        raise


def _channels(names: list[str], pointer: str) -> tuple[int, ...]:
    found = dict(Channel.objects.filter(name__in=names).values_list("name", "pk"))
    if missing := sorted(set(names) - set(found)):
        raise ChannelNotFound(f"There is no channel '{missing[0]}'.", pointer=pointer)
    return tuple(found[name] for name in names)


def _import(actor: Actor, spec: RuleSpec) -> Planned:
    rule = rules_for(actor).filter(name=spec.name).first()
    if rule is None:
        # One of this name that the actor may not see is refused as taken.
        create_rule(actor=actor, spec=spec)
        return Planned(spec.name, "created")
    before = RuleSpec.of(rule)
    changes = [*_differences(before.edition(), spec.edition()), *_about_telling(before, spec)]
    if not changes:
        return Planned(spec.name, "unchanged")
    edit_rule(actor=actor, rule_id=rule.pk, spec=replace(spec, inhibited_by=before.inhibited_by))
    return Planned(spec.name, "changed", tuple(changes))


def _about_telling(before: RuleSpec, after: RuleSpec) -> Iterator[Difference]:
    for name in sorted(_OF_CHANNELS):
        old, new = getattr(before, name), getattr(after, name)
        if set(old) != set(new):
            yield Difference(name, _named(Channel, old), _named(Channel, new))
    for name in ("flapping_after", "remind_minutes", "escalate_minutes", "inhibit_equal"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Difference(name, in_words(name, old), in_words(name, new))


def _hold_back(actor: Actor, wanted: _Wanted, planned: Planned) -> Planned:
    """Has the rule held back by those that are named, which are there by now."""
    rules = rules_for(actor)
    found = dict(rules.filter(name__in=wanted.inhibited_by).values_list("name", "pk"))
    if missing := sorted(set(wanted.inhibited_by) - set(found)):
        raise InvalidRule(f"There is no rule '{missing[0]}'.", pointer="/inhibited_by")
    rule = rules.get(name=wanted.spec.name)
    before, after = RuleSpec.of(rule).inhibited_by, tuple(found.values())
    if set(before) == set(after):
        return planned
    change = Difference("inhibited_by", _named(Rule, before), _named(Rule, after))
    edit_rule(actor=actor, rule_id=rule.pk, spec=replace(wanted.spec, inhibited_by=after))
    if planned.what == "created":
        return planned
    return Planned(planned.name, "changed", (*planned.changes, change))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference(name, in_words(name, before[name]), in_words(name, value))
        for name, value in after.items()
        if name != "event_types" and before[name] != value
    ]


def _named(model: type[Channel] | type[Rule], keys: Any) -> str:
    names = model.objects.filter(pk__in=keys).order_by("name").values_list("name", flat=True)
    return ", ".join(names) or "nothing"
