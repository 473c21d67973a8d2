"""What became of the events that producers emitted, as their processes tell it: who lost any, how many, and why."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from access.actor import Actor
from events import changes
from events.errors import ProducerNotFound
from events.models import ClientReport

DELIVERED = ("stored", "stored_with_violations", "duplicate")
_REFUSED = ("rejected", "conflict")
_DROPPED = "dropped_"
# A process that said nothing for so long has ended, or cannot reach the registry.
SILENT_AFTER = timedelta(minutes=5)
# The newest processes that are looked at.
PROCESSES = 1_000


@dataclass(frozen=True, slots=True)
class Tally:
    """How events ended: a part of `emitted` each, and the rest still waits where it was emitted."""

    emitted: int
    delivered: int
    quarantined: int
    refused: int
    sampled_out: int
    # By reason, the most first.
    dropped: dict[str, int]

    @property
    def lost(self) -> int:
        """Emitted, and nowhere any more; what was sampled out was not wanted."""
        return self.refused + sum(self.dropped.values())

    @property
    def waiting(self) -> int:
        known = self.delivered + self.quarantined + self.sampled_out + self.lost
        return max(0, self.emitted - known)


@dataclass(frozen=True, slots=True)
class Process:
    report: ClientReport
    # Of the types that the reader may read, and asks for.
    types: dict[str, dict[str, int]]
    tally: Tally
    silent: bool

    @property
    def counters(self) -> dict[str, int]:
        """What was counted beside events: those are told by type, to whoever may read it."""
        of_events = set().union(*self.report.types.values())
        return {name: count for name, count in self.report.counts.items() if name not in of_events}


@dataclass(frozen=True, slots=True)
class Producer:
    """The processes of one service under one account, the one heard of last first."""

    name: str
    service: str
    processes: tuple[Process, ...]
    tally: Tally

    @property
    def last(self) -> ClientReport:
        return self.processes[0].report

    @property
    def speaking(self) -> int:
        return sum(not process.silent for process in self.processes)

    def by_type(self) -> list[tuple[str, Tally]]:
        """The types, those that lost most first."""
        sums: dict[str, Counter[str]] = {}
        for process in self.processes:
            for name, counts in process.types.items():
                sums.setdefault(name, Counter()).update(counts)
        tallies = [(name, _tally(counts)) for name, counts in sums.items()]
        return sorted(tallies, key=lambda one: (-one[1].lost, -one[1].emitted, one[0]))


def find_producers(
    *, actor: Actor, service: str = "", account: str = "", event_type: str = ""
) -> list[Producer]:
    """Those that lost events first. Of each the event types that the actor may read; without one it is not there.

    Raises Forbidden.
    """
    actor.require("read")
    wanted = {"service": service, "producer": account, "types__has_key": event_type}
    rows = ClientReport.objects.filter(**{name: value for name, value in wanted.items() if value})
    groups: dict[tuple[str, str], list[Process]] = {}
    for report in rows.order_by("-reported_at", "-pk")[:PROCESSES]:
        process = _seen_by(actor, report, event_type)
        if process is not None:
            groups.setdefault((report.producer, report.service), []).append(process)
    producers = [_producer(processes) for processes in groups.values()]
    return sorted(producers, key=lambda one: (-one.tally.lost, one.service, one.name))


def find_producer(*, actor: Actor, report_id: int) -> Producer:
    """The one whose process sent this report. Raises Forbidden, and ProducerNotFound."""
    actor.require("read")
    report = ClientReport.objects.filter(pk=report_id).first()
    if report is not None:
        for producer in find_producers(actor=actor, service=report.service, account=report.producer):
            return producer
    raise ProducerNotFound(f"No producer has sent a report {report_id}.", report=report_id)


def never_arrived(*, actor: Actor, event_type: str) -> Tally:
    """What all producers say of one type together. Raises Forbidden."""
    found = find_producers(actor=actor, event_type=event_type)
    return _sum(counts for one in found for process in one.processes for counts in process.types.values())


def _seen_by(actor: Actor, report: ClientReport, event_type: str) -> Process | None:
    everything = actor.may_everywhere("read")
    types = {
        name: counts
        for name, counts in report.types.items()
        if event_type in ("", name) and (everything or changes.may(actor, "read", name))
    }
    if not types and not everything:
        return None
    silent = datetime.now(UTC) - report.reported_at > SILENT_AFTER
    return Process(report, types, _sum(types.values()), silent)


def _producer(processes: list[Process]) -> Producer:
    last = processes[0].report
    counts = [counts for process in processes for counts in process.types.values()]
    return Producer(last.producer, last.service, tuple(processes), _sum(counts))


def tally_of(types: Mapping[str, Mapping[str, int]]) -> Tally:
    """Of all event types of a report."""
    return _sum(types.values())


def _sum(counts: Iterable[Mapping[str, int]]) -> Tally:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return _tally(total)


def _tally(counts: Mapping[str, int]) -> Tally:
    dropped = {
        name.removeprefix(_DROPPED): count for name, count in counts.items() if name.startswith(_DROPPED)
    }
    return Tally(
        emitted=counts.get("emitted", 0),
        delivered=sum(counts.get(name, 0) for name in DELIVERED),
        quarantined=counts.get("quarantined", 0),
        refused=sum(counts.get(name, 0) for name in _REFUSED),
        sampled_out=counts.get("sampled_out", 0),
        dropped=dict(sorted(dropped.items(), key=lambda one: (-one[1], one[0]))),
    )
