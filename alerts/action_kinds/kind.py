"""What a kind of action is: what has to be known of it, who may have it done, and how it is done and taken back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from access.actor import Actor
from alerts.errors import InvalidAction
from alerts.models import Action, ActionRun

Part = Literal["subject", "minutes", "rate", "channel"]
MAX_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Begun:
    """What was done, in a sentence, and what is needed to take it back. `lasts` is whether there is anything to take back."""

    said: str
    before: dict[str, Any] = field(default_factory=dict)
    lasts: bool = True


@dataclass(frozen=True, slots=True)
class ActionKind:
    """`needs` are the parts that such an action must have; the others of Part must be left out, but for a channel of a replay.

    `require` raises Forbidden for who may not do the same by hand, and InvalidAction for what cannot be. `begin` and
    `take_back` go on in the caller's transaction; `take_back` answers what became of it, in a sentence.
    """

    name: str
    needs: frozenset[Part]
    require: Callable[[Actor, Action], None]
    begin: Callable[[Actor, ActionRun], Begun]
    take_back: Callable[[Actor, ActionRun], str]


def check_minutes(action: Action) -> None:
    if action.minutes is None or not 1 <= action.minutes <= MAX_MINUTES:
        raise InvalidAction(f"minutes is a whole number from 1 to {MAX_MINUTES}.", pointer="/minutes")
