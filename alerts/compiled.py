"""An edition of a rule, ready to be asked about events."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from alerts.absence import Absence
from alerts.aggregate import Aggregate
from alerts.change import Change
from alerts.condition import All, AnyOf, Condition, Predicate, Test, event_types, fields, parse, predicate
from alerts.engine import Match, Terms
from alerts.fields import StoredEvent, is_column
from alerts.groups import Group
from alerts.models import Compare, Kind, RuleVersion
from alerts.numbers import Numbers
from alerts.pairs import Pairing, Part
from alerts.share import Share


@dataclass(frozen=True)
class Compiled:
    """An edition of a rule, ready to be asked."""

    condition: Condition
    terms: Terms
    group_by: tuple[str, ...]
    # Of what looks at whole windows: when it fires; of a share, which of the matches are hits.
    judge: Share | Aggregate | Change | None = None
    hits: Condition | None = None
    # Of different values and of what they amount to: where they are. An event without it does not match.
    field: str | None = None
    # Of pairs: what has to follow, and how.
    pairing: Pairing | None = None
    # Of something new, or of absence: for how long a group is known once it was seen.
    remember: timedelta | None = None
    absence: Absence | None = None

    @classmethod
    def of(cls, edition: RuleVersion) -> "Compiled":
        window = timedelta(seconds=edition.window_seconds)
        keep_firing = timedelta(seconds=edition.keep_firing_seconds)
        rule = cls(
            parse(edition.selector),
            Terms(edition.threshold, window, keep_firing, hold=timedelta(seconds=edition.for_seconds)),
            tuple(edition.group_by),
        )
        match edition.kind:
            case Kind.DISTINCT | Kind.VALUE:
                return rule._about_field(edition)
            case Kind.SHARE | Kind.CHANGE:
                return rule._about_windows(edition)
            case Kind.SEQUENCE | Kind.MISSING:
                return rule._about_pairs(edition)
            case Kind.NEW | Kind.ABSENCE:
                return rule._about_memory(edition)
        return rule

    def _about_windows(self, edition: RuleVersion) -> "Compiled":
        """About how many of the events there are beside others."""
        terms = self.terms
        if edition.kind == Kind.SHARE:
            percent = Decimal(edition.percent or 0)
            share = Share(percent, terms.threshold, terms.window, terms.keep_firing, terms.hold)
            return replace(self, hits=parse(edition.hits), judge=share)
        factor, baseline = Decimal(edition.factor or 1), edition.baseline_windows or 1
        below = edition.compare == Compare.BELOW
        change = Change(factor, below, baseline, terms.threshold, terms.window, terms.keep_firing, terms.hold)
        return replace(self, judge=change)

    def _about_pairs(self, edition: RuleVersion) -> "Compiled":
        """About what follows them."""
        within, by = timedelta(seconds=edition.within_seconds or 0), tuple(edition.pair_by or ())
        pairing = Pairing(parse(edition.then), by, within, missing=edition.kind == Kind.MISSING)
        return replace(self, pairing=pairing)

    def _about_memory(self, edition: RuleVersion) -> "Compiled":
        """About what is known of groups."""
        remember, terms = timedelta(days=edition.remember_days or 0), self.terms
        if edition.kind == Kind.ABSENCE:
            return replace(self, remember=remember, absence=Absence(terms.window, remember))
        return replace(self, remember=remember, terms=replace(terms, threshold=1))

    def _about_field(self, edition: RuleVersion) -> "Compiled":
        """About what a field of the events holds: those without it are none of the rule's."""
        assert edition.field is not None
        condition = All((self.condition, Test(edition.field, "exists", True)))
        rule = replace(self, condition=condition, field=edition.field)
        if edition.kind == Kind.DISTINCT:
            return replace(rule, terms=replace(rule.terms, distinct=True))
        assert edition.function is not None
        assert edition.limit is not None
        below = edition.compare == Compare.BELOW
        judge = Aggregate(
            edition.function,
            Decimal(edition.limit),
            below,
            edition.threshold,
            rule.terms.window,
            rule.terms.keep_firing,
            rule.terms.hold,
        )
        return replace(rule, judge=judge)

    def counting(self) -> "Compiled":
        """The rule that counts what episodes of this one count: the hits, where there are any."""
        condition = self.condition if self.hits is None else All((self.condition, self.hits))
        return Compiled(condition, self.terms, self.group_by)

    def value_of(self, event: StoredEvent) -> str | None:
        """Of what counts different values, the one of an event, as a text that two equal ones share."""
        if not self.terms.distinct or self.field is None:
            return None
        return Group.of((event[self.field],)).key

    def number_of(self, event: Mapping[str, Any]) -> Numbers | None:
        """Of what a field amounts to, the number in it, if it is one."""
        if not isinstance(self.judge, Aggregate) or self.field is None:
            return None
        return self.judge.number(event[self.field])

    def part_of(self, event: StoredEvent, match: Match) -> Part | None:
        """Of pairs, what part an event of the rule has in them."""
        if self.pairing is None:
            return None
        values = tuple(event[name] for name in self.pairing.by)
        pair = None if None in values else Group.of(values)
        begins = self._begins(event) is True
        follows = self._follows(event) is True
        return Part(self.group_of(event), match, pair, begins, follows)

    @property
    def is_wary(self) -> bool:
        """Whether it judges by what did not come."""
        missing = self.pairing is not None and self.pairing.missing
        return (
            missing
            or self.absence is not None
            or (isinstance(self.judge, Aggregate | Change) and self.judge.below)
        )

    @property
    def counts_after(self) -> timedelta:
        """How long after it occurred an event counts: what is missing, when its time is up."""
        return self.pairing.within if self.pairing and self.pairing.missing else timedelta()

    @cached_property
    def _begins(self) -> Predicate:
        return predicate(self.condition)

    @cached_property
    def _follows(self) -> Predicate:
        assert self.pairing is not None
        return predicate(self.pairing.then)

    @cached_property
    def asked(self) -> Condition:
        """Which events the rule is about at all."""
        return self.condition if self.pairing is None else AnyOf((self.condition, self.pairing.then))

    @cached_property
    def matches(self) -> Predicate:
        selected = predicate(self.asked)
        if isinstance(self.judge, Aggregate):
            return lambda event: selected(event) is True and self.number_of(event) is not None
        return selected

    @cached_property
    def is_hit(self) -> Predicate:
        assert self.hits is not None
        return predicate(self.hits)

    @cached_property
    def event_types(self) -> frozenset[str] | None:
        return event_types(self.asked)

    @cached_property
    def reads_documents(self) -> bool:
        asked = (*fields(self.asked), *(fields(self.hits) if self.hits else ()), *self.group_by)
        further = () if self.pairing is None else self.pairing.by
        return not all(is_column(name) for name in (*asked, *further))

    def group_of(self, event: StoredEvent) -> Group:
        return Group.of(tuple(event[name] for name in self.group_by))
