"""How every kind of rule is spoken of: what it says, when it fires, how far an episode went, and what a window held."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alerts.condition import parse
from alerts.models import Compare, Episode, Function, Kind, RuleVersion
from alerts.words import duration, plain, say


@dataclass(frozen=True, slots=True)
class Held:
    """What the window of one group held. `hits` matters to shares, `values` to different values, `value` to what a field amounts to."""

    group: dict[str, Any]
    counted: int
    hits: int
    values: int | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class _Words:
    # `5 or more within 1 min`, before the groups and the condition; and what stands after the groups.
    fires: Callable[[RuleVersion], str]
    # `5 within 1 min`.
    fires_at: Callable[[RuleVersion], str]
    # Of an episode: `7 events within 1 min`.
    measured: Callable[[Episode], str]
    # After "The 5 min before held": `7 matching events of this group; it fires at 5`.
    held: Callable[[RuleVersion, Held], str]


def say_rule(edition: RuleVersion) -> str:
    """`5 or more within 1 min, for each node_id: event_type is NODE_FAILURE`. Raises InvalidCondition."""
    condition = say(parse(edition.selector))
    apart = f", for each {_names(edition)}" if edition.group_by else ""
    fires = _WORDS[Kind(edition.kind)].fires(edition) + _lasting(edition)
    match edition.kind:
        case Kind.SHARE:
            return f"{fires}{apart}{_of_enough(edition)}: {say(parse(edition.hits))}, among {condition}"
        case Kind.VALUE:
            return f"{fires}{apart}{_of_enough(edition)}: {condition}"
        case Kind.NEW:
            return f"{fires}: {condition}"
        case Kind.SEQUENCE | Kind.MISSING:
            return f"{condition}, {fires}{apart}"
    return f"{fires}{apart}: {condition}"


def fires_at(edition: RuleVersion) -> str:
    """What is too much: `5 within 1 min`, `more than 5 % within 5 min`, `not seen in 30 d`."""
    return _WORDS[Kind(edition.kind)].fires_at(edition) + _lasting(edition)


def _lasting(edition: RuleVersion) -> str:
    return f", for {duration(edition.for_seconds)}" if edition.for_seconds else ""


def measured(episode: Episode) -> str:
    """How far an episode went: `7 events within 1 min`."""
    return _WORDS[Kind(episode.rule_version.kind)].measured(episode)


def held(edition: RuleVersion, window: Held) -> str:
    """A sentence about what the window of a group held, and what it takes."""
    said = _WORDS[Kind(edition.kind)].held(edition, window)
    return f"The {_window(edition)} before held {said}."


def events(count: int) -> str:
    """`1 event`, `7 events`."""
    return "1 event" if count == 1 else f"{count:,} events"


def _window(edition: RuleVersion) -> str:
    return duration(edition.window_seconds)


def _names(edition: RuleVersion) -> str:
    return ", ".join(edition.group_by)


def _of_enough(edition: RuleVersion) -> str:
    return f" (of {edition.threshold} at least)" if edition.threshold > 1 else ""


def _count_fires(edition: RuleVersion) -> str:
    count = f"{edition.threshold} or more" if edition.threshold > 1 else "any"
    return f"{count} within {_window(edition)}"


def _share_held(edition: RuleVersion, window: Held) -> str:
    share = f"{100 * window.hits / window.counted:.3g} %" if window.counted else "none"
    return f"{window.counted:,} events of this group, {window.hits:,} of them hits ({share}); it fires at {fires_at(edition)}"


def _beyond(edition: RuleVersion) -> str:
    """`the average of metadata.execution_time_ms is above 500`."""
    function, compare = Function(str(edition.function)).label, Compare(str(edition.compare)).label
    return f"{function} of {edition.field} {compare} {plain(edition.limit)}"


def _value_measured(episode: Episode) -> str:
    edition = episode.rule_version
    function = Function(str(edition.function)).label
    return f"{function} of {edition.field} within {_window(edition)} was {episode.value or 0:.6g}"


def _value_held(edition: RuleVersion, window: Held) -> str:
    amounts = "nothing" if window.value is None else f"{window.value:.6g}"
    return (
        f"{window.counted:,} events of this group with a number in {edition.field}, which amount to {amounts}; "
        f"it fires when {fires_at(edition)}"
    )


def _than_before(edition: RuleVersion) -> str:
    """`more than 3 times as many within 5 min as in the 12 windows before`."""
    often = plain(edition.factor)
    far = f"more than {often} times as many" if edition.compare == Compare.ABOVE else f"fewer than 1/{often}"
    return f"{far} within {_window(edition)} as in each of the {edition.baseline_windows} windows before on average"


def _followed(edition: RuleVersion) -> str:
    """`followed within 30 s by one of the same correlation_id for which event_type is "NODE_SUCCESS"`."""
    same = " and ".join(edition.pair_by or ())
    return f"{_in_time(edition)} by one of the same {same} for which {say(parse(edition.then))}"


def _in_time(edition: RuleVersion) -> str:
    """`not followed within 30 s`."""
    word = "not followed" if edition.kind == Kind.MISSING else "followed"
    return f"{word} within {duration(edition.within_seconds or 0)}"


def _pairs_fire(edition: RuleVersion) -> str:
    times = f", {edition.threshold} or more within {_window(edition)}" if edition.threshold > 1 else ""
    return f"{_followed(edition)}{times}"


def _pairs_measured(episode: Episode) -> str:
    edition = episode.rule_version
    word = "that nothing followed" if edition.kind == Kind.MISSING else "that followed"
    return f"{events(episode.peak)} {word} within {duration(edition.within_seconds or 0)}"


def _pairs_held(edition: RuleVersion, window: Held) -> str:
    word = "that nothing followed" if edition.kind == Kind.MISSING else "that followed one"
    within = duration(edition.within_seconds or 0)
    return f"{events(window.counted)} of this group {word} within {within}; it fires at {edition.threshold:,}"


_PAIRS = _Words(
    _pairs_fire,
    lambda edition: f"{edition.threshold} within {_window(edition)}, {_in_time(edition)}",
    _pairs_measured,
    _pairs_held,
)
_WORDS: dict[Kind, _Words] = {
    Kind.COUNT: _Words(
        _count_fires,
        lambda edition: f"{edition.threshold} within {_window(edition)}",
        lambda episode: f"{events(episode.peak)} within {_window(episode.rule_version)}",
        lambda edition, window: (
            f"{window.counted:,} matching events of this group; it fires at {edition.threshold:,}"
        ),
    ),
    Kind.DISTINCT: _Words(
        lambda edition: (
            f"{edition.threshold} or more different values of {edition.field} within {_window(edition)}"
        ),
        lambda edition: f"{edition.threshold} different values of {edition.field} within {_window(edition)}",
        lambda episode: (
            f"{episode.peak} different values of {episode.rule_version.field} within {_window(episode.rule_version)}"
        ),
        lambda edition, window: (
            f"{window.counted:,} matching events of this group with {window.values or 0:,} different values "
            f"of {edition.field}; it fires at {edition.threshold:,}"
        ),
    ),
    Kind.SHARE: _Words(
        lambda edition: f"more than {plain(edition.percent)} % within {_window(edition)}",
        lambda edition: (
            f"more than {plain(edition.percent)} % of {edition.threshold} or more within {_window(edition)}"
        ),
        lambda episode: f"{episode.share or 0:.3g} % of the events within {_window(episode.rule_version)}",
        _share_held,
    ),
    Kind.VALUE: _Words(
        lambda edition: f"{_beyond(edition)} within {_window(edition)}",
        lambda edition: f"{_beyond(edition)} of {edition.threshold} events or more within {_window(edition)}",
        _value_measured,
        _value_held,
    ),
    Kind.CHANGE: _Words(
        _than_before,
        lambda edition: f"{_than_before(edition)}, of {edition.threshold} or more",
        lambda episode: (
            f"{episode.value or 0:.3g} times as many within {_window(episode.rule_version)} as in the windows before"
        ),
        lambda edition, window: (
            f"{window.counted:,} matching events of this group; it fires at {fires_at(edition)}"
        ),
    ),
    Kind.NEW: _Words(
        lambda edition: f"{_names(edition)} not seen in {edition.remember_days} d",
        lambda edition: f"not seen in {edition.remember_days} d; open for {_window(edition)}",
        lambda episode: f"not seen in the {episode.rule_version.remember_days} days before",
        lambda edition, window: (
            f"{window.counted:,} events of this group; it fires when none was seen in the {edition.remember_days} days "
            "before the first of them"
        ),
    ),
    Kind.ABSENCE: _Words(
        lambda edition: f"nothing for {_window(edition)}, forgotten after {edition.remember_days} d",
        lambda edition: f"nothing for {_window(edition)}; forgotten after {edition.remember_days} d",
        lambda episode: (
            f"nothing for {_window(episode.rule_version)}, the last at {episode.last_match_at:%Y-%m-%d %H:%M:%S} UTC"
        ),
        lambda _edition, window: f"{events(window.counted)} of this group; it fires when there is none",
    ),
    Kind.SEQUENCE: _PAIRS,
    Kind.MISSING: _PAIRS,
}
