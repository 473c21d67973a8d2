"""What a rule says, and whether it can be said at all: nothing here asks the database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from alerts.cel import read_cel
from alerts.condition import MAX_TEXT, AnyOf, Condition, check_field, event_types, parse
from alerts.errors import InvalidCondition, InvalidRule
from alerts.looks import FINE_WINDOW
from alerts.models import LOOKING, NEEDED, OF_KINDS, Compare, Function, Kind, Rule, Severity

MAX_THRESHOLD = 100_000
MAX_WINDOW_SECONDS = 7 * 24 * 3600
MAX_GROUP_BY = 5
MAX_LOOKING_WINDOW_SECONDS = 24 * 3600
MAX_LIMIT, LIMIT_DECIMALS = Decimal("1e20"), 9
MAX_REMEMBER_DAYS = 365
MAX_WITHIN_SECONDS = 24 * 3600
MAX_MINUTES = 7 * 24 * 60
MAX_FLAPPING = 1_000
MAX_FACTOR, MAX_BASELINE_WINDOWS = 100_000, 100


#: What a spec says about whom a rule tells and when: no part of an edition.
TELLING: dict[str, Any] = {
    "channels": (),
    "flapping_after": None,
    "remind_minutes": None,
    "escalate_minutes": None,
    "escalate_to": (),
    "inhibited_by": (),
    "inhibit_equal": (),
}


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """What somebody wants a rule to say. `selector`, `hits` and `then` are JSON condition trees, or CEL text that is read into
    one; `channels`, `escalate_to` and `inhibited_by` are ids.

    What only some kinds say (`models.NEEDED`) is None in others.
    """

    name: str
    selector: Any
    description: str = ""
    kind: str = Kind.COUNT
    hits: Any = None
    percent: Decimal | float | None = None
    remember_days: int | None = None
    field: str | None = None
    function: str | None = None
    compare: str | None = None
    limit: Decimal | float | None = None
    factor: Decimal | float | None = None
    baseline_windows: int | None = None
    then: Any = None
    within_seconds: int | None = None
    pair_by: Sequence[str] | None = None
    threshold: int = 1
    window_seconds: int = 300
    group_by: Sequence[str] = ()
    for_seconds: int = 0
    keep_firing_seconds: int = 0
    severity: str = Severity.WARNING
    channels: Sequence[int] = ()
    flapping_after: int | None = None
    remind_minutes: int | None = None
    escalate_minutes: int | None = None
    escalate_to: Sequence[int] = ()
    inhibited_by: Sequence[int] = ()
    inhibit_equal: Sequence[str] = ()

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
            field=edition.field,
            function=edition.function,
            compare=edition.compare,
            limit=edition.limit,
            factor=edition.factor,
            baseline_windows=edition.baseline_windows,
            then=edition.then,
            within_seconds=edition.within_seconds,
            pair_by=None if edition.pair_by is None else tuple(edition.pair_by),
            threshold=edition.threshold,
            window_seconds=edition.window_seconds,
            group_by=tuple(edition.group_by),
            for_seconds=edition.for_seconds,
            keep_firing_seconds=edition.keep_firing_seconds,
            severity=edition.severity,
            channels=tuple(rule.channels.values_list("pk", flat=True)),
            flapping_after=rule.flapping_after,
            remind_minutes=rule.remind_minutes,
            escalate_minutes=rule.escalate_minutes,
            escalate_to=tuple(rule.escalate_to.values_list("pk", flat=True)),
            inhibited_by=tuple(rule.inhibited_by.values_list("pk", flat=True)),
            inhibit_equal=tuple(rule.inhibit_equal),
        )

    def asked(self) -> Condition:
        """Which events it is about at all. Raises InvalidCondition."""
        condition = read_tree(self.selector, "/selector")
        return condition if self.then is None else AnyOf((condition, read_tree(self.then, "/then")))

    def edition(self) -> dict[str, Any]:
        """What an edition keeps of it. Raises InvalidCondition."""
        types = event_types(self.asked())
        return {
            "description": self.description,
            "selector": _tree(self.selector, "/selector"),
            "kind": self.kind,
            "hits": _tree(self.hits, "/hits"),
            "percent": None if self.percent is None else exact(self.percent),
            "remember_days": self.remember_days,
            "field": self.field,
            "function": self.function,
            "compare": self.compare,
            "limit": None if self.limit is None else exact(self.limit),
            "factor": None if self.factor is None else exact(self.factor),
            "baseline_windows": self.baseline_windows,
            "then": _tree(self.then, "/then"),
            "within_seconds": self.within_seconds,
            "pair_by": None if self.pair_by is None else list(self.pair_by),
            "event_types": None if types is None else sorted(types),
            "threshold": self.threshold,
            "window_seconds": self.window_seconds,
            "group_by": list(self.group_by),
            "for_seconds": self.for_seconds,
            "keep_firing_seconds": self.keep_firing_seconds,
            "severity": self.severity,
        }


def read_spec(spec: RuleSpec) -> Condition:
    """Its condition. Raises what saving would raise, but for rights and what schemas declare."""
    condition = read_condition(spec)
    read_hits(spec)
    return condition


def exact(number: Decimal | float) -> Decimal:
    """As it was written: 0.1 is a tenth."""
    return Decimal(str(number))


def read_condition(spec: RuleSpec) -> Condition:
    condition = read_tree(spec.selector, "/selector")
    for index, name in enumerate(spec.group_by):
        check_field(name, f"/group_by/{index}")
    _check_numbers(spec)
    return condition


def read_tree(said: Any, place: str) -> Condition:
    """A condition that stands at `place`, a tree or CEL text. Raises InvalidCondition with the whole pointer."""
    with _at(place):
        return parse(_tree(said, ""))


def _tree(said: Any, place: str) -> Any:
    """The tree itself, also of CEL text."""
    with _at(place):
        return read_cel(said) if isinstance(said, str) else said


@contextmanager
def _at(place: str) -> Iterator[None]:
    try:
        yield
    except InvalidCondition as error:
        error.facts["pointer"] = f"{place}{error.facts['pointer']}"
        raise


def read_hits(spec: RuleSpec) -> Condition | None:
    """Which events are hits, of a rule about a share. Raises InvalidRule for what another kind needs, or lacks."""
    _check_kind(spec)
    if spec.remember_days is not None:
        _check_memory(spec)
    if spec.kind == Kind.NEW:
        _check_new(spec)
    if spec.field is not None:
        check_field(spec.field, "/field")
    if spec.kind == Kind.VALUE:
        _check_value(spec)
    if spec.kind == Kind.CHANGE:
        _check_change(spec)
    if spec.kind in LOOKING:
        _check_window(spec)
    if spec.then is not None:
        _check_pair(spec)
    if spec.kind != Kind.SHARE:
        return None
    _check_share(spec)
    return read_tree(spec.hits, "/hits")


def _check_kind(spec: RuleSpec) -> None:
    if spec.kind not in Kind.values:
        raise InvalidRule(f"A kind is one of {', '.join(Kind.values)}.", pointer="/kind")
    if spec.for_seconds and spec.kind in {Kind.NEW, Kind.ABSENCE}:
        instead = "a longer window" if spec.kind == Kind.ABSENCE else "the kind count"
        raise InvalidRule(
            f"A rule of the kind {spec.kind} fires at once: use {instead} instead of for_seconds.",
            pointer="/for_seconds",
        )
    needed = NEEDED[Kind(spec.kind)]
    for name in OF_KINDS:
        given = getattr(spec, name) is not None
        if given and name not in needed:
            raise InvalidRule(f"A rule of the kind {spec.kind} has no {name}.", pointer=f"/{name}")
        if not given and name in needed:
            raise InvalidRule(f"A rule of the kind {spec.kind} needs {name}.", pointer=f"/{name}")


def _check_share(spec: RuleSpec) -> None:
    percent = spec.percent
    if isinstance(percent, bool) or not isinstance(percent, int | float | Decimal) or not 0 <= percent < 100:
        raise InvalidRule("A percentage is a number from 0 to less than 100.", pointer="/percent")
    if exact(percent) * 1000 % 1:
        raise InvalidRule("A percentage has at most three decimals.", pointer="/percent")


def _check_value(spec: RuleSpec) -> None:
    _check_choice(spec, "function", Function.values)
    _check_choice(spec, "compare", Compare.values)
    limit = spec.limit
    if (
        isinstance(limit, bool)
        or not isinstance(limit, int | float | Decimal)
        or not exact(limit).is_finite()
    ):
        raise InvalidRule("A limit is a number.", pointer="/limit")
    if abs(exact(limit)) >= MAX_LIMIT or exact(limit).scaleb(LIMIT_DECIMALS) % 1:
        raise InvalidRule(
            f"A limit has at most {LIMIT_DECIMALS} decimals and is below {MAX_LIMIT:.0e}.", pointer="/limit"
        )


def _check_choice(spec: RuleSpec, name: str, choices: Sequence[str]) -> None:
    if getattr(spec, name) not in choices:
        raise InvalidRule(f"{name} is one of {', '.join(choices)}.", pointer=f"/{name}")


def _check_change(spec: RuleSpec) -> None:
    _check_choice(spec, "compare", Compare.values)
    factor, windows = spec.factor, spec.baseline_windows
    if (
        isinstance(factor, bool)
        or not isinstance(factor, int | float | Decimal)
        or not 1 < factor <= MAX_FACTOR
    ):
        raise InvalidRule(f"factor is a number above 1, and {MAX_FACTOR:,} at most.", pointer="/factor")
    if exact(factor) * 1000 % 1:
        raise InvalidRule("factor has at most three decimals.", pointer="/factor")
    if isinstance(windows, bool) or not isinstance(windows, int) or not 1 <= windows <= MAX_BASELINE_WINDOWS:
        raise InvalidRule(
            f"baseline_windows is a whole number from 1 to {MAX_BASELINE_WINDOWS}.",
            pointer="/baseline_windows",
        )
    if (windows + 1) * spec.window_seconds > MAX_WINDOW_SECONDS:
        raise InvalidRule(
            "The window and those before it are seven days at most, all together.",
            pointer="/baseline_windows",
        )


def _check_pair(spec: RuleSpec) -> None:
    read_tree(spec.then, "/then")
    within = spec.within_seconds
    if isinstance(within, bool) or not isinstance(within, int) or not 1 <= within <= MAX_WITHIN_SECONDS:
        raise InvalidRule(
            f"within_seconds is a whole number from 1 to {MAX_WITHIN_SECONDS}.", pointer="/within_seconds"
        )
    by = spec.pair_by
    if (
        not isinstance(by, list | tuple)
        or not 1 <= len(by) <= MAX_GROUP_BY
        or len(set(map(str, by))) != len(by)
    ):
        raise InvalidRule(
            f"pair_by is a list of 1 to {MAX_GROUP_BY} different fields in which both events have the same values.",
            pointer="/pair_by",
        )
    for index, name in enumerate(by):
        check_field(name, f"/pair_by/{index}")


def _check_window(spec: RuleSpec) -> None:
    window = spec.window_seconds
    if window > MAX_LOOKING_WINDOW_SECONDS:
        raise InvalidRule(
            "The window of this kind is a day at most.",
            pointer="/window_seconds",
        )
    if timedelta(seconds=window) > FINE_WINDOW and window % 60:
        raise InvalidRule(
            "A window of this kind that is longer than two minutes is a number of whole minutes.",
            pointer="/window_seconds",
        )


def _check_new(spec: RuleSpec) -> None:
    if not spec.group_by:
        raise InvalidRule(
            "Say in group_by what would be new, as in error_code or node_id.", pointer="/group_by"
        )


def _check_memory(spec: RuleSpec) -> None:
    days = spec.remember_days
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MAX_REMEMBER_DAYS:
        raise InvalidRule(
            f"remember_days is a whole number from 1 to {MAX_REMEMBER_DAYS}.", pointer="/remember_days"
        )
    if spec.kind == Kind.ABSENCE and timedelta(days=days) <= timedelta(seconds=spec.window_seconds):
        raise InvalidRule(
            "What is forgotten before the window is over is never missed: remember more days.",
            pointer="/remember_days",
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
        ("for_seconds", 0, MAX_WINDOW_SECONDS),
        ("keep_firing_seconds", 0, MAX_WINDOW_SECONDS),
    ):
        value = getattr(spec, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InvalidRule(f"{name} is a whole number from {low} to {high}.", pointer=f"/{name}")
    _check_telling(spec)


def _check_telling(spec: RuleSpec) -> None:
    often = spec.flapping_after
    if often is not None and (
        isinstance(often, bool) or not isinstance(often, int) or not 1 <= often <= MAX_FLAPPING
    ):
        raise InvalidRule(
            f"flapping_after is a whole number from 1 to {MAX_FLAPPING}.", pointer="/flapping_after"
        )
    for name in ("remind_minutes", "escalate_minutes"):
        value = getattr(spec, name)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_MINUTES
        ):
            raise InvalidRule(f"{name} is a whole number from 1 to {MAX_MINUTES}.", pointer=f"/{name}")
    if (spec.escalate_minutes is None) != (not spec.escalate_to):
        lacks = "escalate_minutes" if spec.escalate_minutes is None else "escalate_to"
        raise InvalidRule("Say both when somebody else is told, and who.", pointer=f"/{lacks}")
    for index, name in enumerate(spec.inhibit_equal):
        if name not in spec.group_by:
            raise InvalidRule(
                f"The rule does not group by '{name}', so no episode of it could be equal to another in that.",
                pointer=f"/inhibit_equal/{index}",
            )
