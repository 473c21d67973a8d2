"""Where the events of a replay go: the contract of a target, and the two that only write down what left when.

A target is a record of two functions. settings.REPLAY_TARGETS names those there are by kind; layers above add theirs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from access.actor import Actor
from events.errors import ReplayInvalid
from events.models import Replay
from events.upcast import Unmigrated, Upcast

GONE = "Retention removed this event after the replay was started."
Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request says of its target."""

    kind: str
    # Of a webhook.
    address: str = ""
    secret: str = ""
    # Of a candidate schema: a version of a subject, or a text that is no version yet.
    subject: str = ""
    version: str = ""
    schema: str = ""
    # Of a candidate rule.
    rule: Mapping[str, Any] = field(default_factory=dict)
    event_types: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """How a run keeps its target: in one line, and what the sink needs to know."""

    label: str
    options: dict[str, Any] = field(default_factory=dict)
    # What the audit log may keep of it; None: the label.
    place: str | None = None


class Stored(NamedTuple):
    """What the log holds of an event; of one that is read as another version, what it is then."""

    occurred_at: datetime
    raw: bytes
    lints: list[str] | None
    # How it was read, or why it could not be; None when the run plays events as they were sent.
    read: Upcast | None = None
    # Fields whose key is revoked or destroyed, as events.encrypted tells them.
    undecryptable: Sequence[dict[str, Any]] = ()

    @property
    def obstacle(self) -> Unmigrated | None:
        """Why it cannot be read as the run wants it."""
        return self.read.problem if self.read is not None else None


@dataclass(frozen=True, slots=True)
class Item:
    """An event of a run; named as the columns of ReplayItem are."""

    index: int
    event_id: str
    event_type: str
    position: int
    received_at: datetime
    virtual: float


class Due(NamedTuple):
    """An event whose moment has come. `event` is None when retention removed it, or when the sink reads none."""

    item: Item
    event: Stored | None
    planned_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one event."""

    at: datetime
    outcome: str
    status: int | None = None
    problem: str = ""
    details: dict[str, Any] | None = None
    # A sentence that ends the whole run.
    fatal: str = ""


class Sink(Protocol):
    """Takes what is due, in order, and says what became of each: fewer than it was given after a fatal one."""

    # Most events between two checkpoints: how many an external target may get twice after a kill.
    batch: int
    # It writes rows of this database, in one transaction with the checkpoint: exactly once.
    inside: bool
    # Whether it has no effect but what is written down of it: the checkpoint waits for no disk then, since a crash of
    # PostgreSQL costs moments that are played again.
    pure: bool
    # Whether it needs the producers' bytes.
    reads: bool

    def send(self, due: Sequence[Due]) -> list[Sent]: ...


@dataclass(frozen=True, slots=True)
class Target:
    """`prepare` raises a ProductError for what cannot be played there; `open` is called once for each slice."""

    prepare: Callable[[Actor, Wanted], Prepared]
    open: Callable[[Replay, Now], AbstractContextManager[Sink]]
    # What there is to say about all events together, beside their outcomes.
    summary: Callable[[Replay], dict[str, Any]] = lambda _: {}


def target_of(kind: str) -> Target:
    """Raises ReplayInvalid."""
    name = settings.REPLAY_TARGETS.get(kind)
    if name is None:
        raise ReplayInvalid(
            f"'{kind}' is no target of replays. There are: {', '.join(settings.REPLAY_TARGETS)}.",
            pointer="/to",
        )
    target: Target = import_string(name)
    return target


def summary_of(replay: Replay) -> dict[str, Any]:
    """{} also for a target that is not there any more."""
    return target_of(replay.kind).summary(replay) if replay.kind in settings.REPLAY_TARGETS else {}


def hand_over(sink: Sink, due: Sequence[Due], now: Now) -> list[Sent]:
    """What became of each, in order; what cannot be read as the run wants it does not reach the sink, and says why."""
    readable = [one for one in due if one.event is None or one.event.obstacle is None]
    answers = iter(sink.send(readable) if readable else [])
    sent: list[Sent] = []
    for one in due:
        if one.event is not None and one.event.obstacle is not None:
            told = one.event.obstacle.message
            sent.append(Sent(now(), "not_migrated", problem=told, details=marks_of(one.event)))
        elif (answer := next(answers, None)) is None:
            break
        else:
            marks = marks_of(one.event)
            sent.append(replace(answer, details={**(answer.details or {}), **marks}) if marks else answer)
            if answer.fatal:
                break
    return sent


def marks_of(event: Stored | None) -> dict[str, Any]:
    """Which version it is read as and which one it was written as, and what of it nobody can decrypt any more; empty for
    an event as it was sent."""
    if event is None:
        return {}
    marks: dict[str, Any] = {"undecryptable": list(event.undecryptable)} if event.undecryptable else {}
    if event.read is None:
        return marks
    read = event.read
    marks |= {"as": read.version, "migrated_from": read.written_as}
    return {**marks, "not_migrated": read.problem.as_dict()} if read.problem else marks


class _Notebook:
    """Nothing leaves the server: that an event's moment came is all that happens, and whoever watches sees it."""

    batch, inside, pure = 500, False, True

    def __init__(self, now: Now, outcome: str, *, reads: bool) -> None:
        self._now = now
        self._outcome = outcome
        self.reads = reads

    def send(self, due: Sequence[Due]) -> list[Sent]:
        at = self._now()
        return [
            Sent(at, "missing", problem=GONE) if self.reads and one.event is None else Sent(at, self._outcome)
            for one in due
        ]


@contextmanager
def _shown(_: Replay, now: Now) -> Iterator[Sink]:
    yield _Notebook(now, "shown", reads=False)


@contextmanager
def _written(_: Replay, now: Now) -> Iterator[Sink]:
    yield _Notebook(now, "written", reads=True)


BROWSER = Target(lambda _actor, _wanted: Prepared("whoever watches"), _shown)
FILE = Target(lambda _actor, _wanted: Prepared("a file of NDJSON"), _written)
