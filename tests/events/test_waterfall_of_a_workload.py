"""What is shown of a generated fleet with lying clocks and late parents is what really happened, by its own record."""

from datetime import timedelta
from typing import Any

import pytest

from events.correlation import correlate, correlate_trace
from events.waterfall import Row
from tests.conftest import Person
from tests.events.conftest import Send
from tests.events.workload import LOCAL_TIME, Operation, Work, Workload, skew, workload

pytestmark = pytest.mark.django_db
BATCH = 100


@pytest.fixture
def fleet(send: Send, settings: Any) -> Workload:
    settings.UNKNOWN_EVENT_TYPE = "accept"
    made = workload(8, operations=12, failures=0.02)
    for first in range(0, len(made.events), BATCH):
        send(*made.events[first : first + BATCH])
    return made


def key(thing: Row | Work) -> tuple[str, str]:
    if isinstance(thing, Row):
        return thing.correlation_id, thing.span.named.kind
    return thing.correlation, thing.kind


def facts_of(work: Work) -> tuple[Any, ...]:
    took = 0.0 if work.status == "running" else round(work.took, 3)
    return (*key(work), work.node, work.operation, work.status, took)


def shown(row: Row) -> tuple[Any, ...]:
    took = 0.0 if row.span.is_open else row.duration_ms
    return (*key(row), row.node_id, row.span.named.operation, row.span.status, took)


def rows_of(owner: Person, operation: Operation, **options: Any) -> list[Row]:
    return list(correlate(actor=owner.actor, correlation_id=operation.root).waterfall(**options).rows)


def test_every_operation_is_shown_with_what_its_nodes_did(fleet: Workload, owner: Person) -> None:
    for operation in fleet.operations:
        assert sorted(map(shown, rows_of(owner, operation))) == sorted(map(facts_of, operation.record))


def test_everything_stands_under_what_started_it(fleet: Workload, owner: Person) -> None:
    for operation in fleet.operations:
        rows = rows_of(owner, operation)
        above = {key(row): None if row.parent is None else key(rows[row.parent]) for row in rows}
        assert above == {
            key(work): (work.correlation, "NODE")
            if work.kind != "NODE"
            else work.parent and (work.parent, "NODE")
            for work in operation.record
        }


def test_times_are_exact_by_right_clocks_and_within_what_started_it_by_wrong_ones(
    fleet: Workload, owner: Person
) -> None:
    """The first node's clock is believed, so that everything is told relative to it. What started others and never
    ended does not say when these must have ended."""
    judged = 0
    for operation in fleet.operations:
        started_others = {work.parent for work in operation.record}
        if any(work.status == "running" and work.correlation in started_others for work in operation.record):
            continue
        judged += 1
        truth = {key(work): work for work in operation.record}
        first = operation.record[0]
        for row in rows_of(owner, operation):
            work = truth[key(row)]
            wrong = skew(work.node) != skew(first.node)
            assert (row.node_id, bool(row.shift) != wrong) == (row.node_id, False)
            around = truth[work.parent, "NODE"] if work.parent else work
            while around.parent and skew(around.node) != skew(first.node):
                around = truth[around.parent, "NODE"]
            assert row.began_ms == pytest.approx(work.began, abs=around.took if wrong else 0.01)
    assert judged >= 5


def test_local_time_of_starts_is_told_and_left_out(fleet: Workload, owner: Person) -> None:
    seen: dict[str, float] = {}
    for operation in fleet.operations:
        found = correlate(actor=owner.actor, correlation_id=operation.root).waterfall()
        seen |= {node: round(ahead / 3_600_000, 2) for node, ahead in found.start_skews.items()}
    assert seen == LOCAL_TIME


def test_only_failures_and_what_they_hang_under(fleet: Workload, owner: Person) -> None:
    failed = 0
    for operation in fleet.operations:
        parents = {work.correlation: work.parent for work in operation.record}
        wanted: set[tuple[str, str]] = set()
        for work in operation.record:
            if work.status == "failed":
                failed += 1
                wanted.add(key(work))
                above = work.correlation if work.kind != "NODE" else work.parent
                while above:
                    wanted.add((above, "NODE"))
                    above = parents[above]
        assert {key(row) for row in rows_of(owner, operation, errors_only=True)} == wanted
    assert failed


def test_the_critical_path_is_what_the_operation_waited_for(fleet: Workload, owner: Person) -> None:
    """Nodes wait for what they start, one after the other: each waits for all of it, where clocks tell its place."""
    for operation in fleet.operations:
        complete = all(work.status != "running" for work in operation.record)
        rows = rows_of(owner, operation)
        if complete and not any(row.shift for row in rows):
            assert all(row.critical for row in rows)
        assert rows[0].critical


def test_what_never_ended_is_running_and_incomplete_after_half_an_hour(
    fleet: Workload, owner: Person, settings: Any
) -> None:
    open_work = {
        (operation.root, key(work))
        for operation in fleet.operations
        for work in operation.record
        if work.status == "running"
    }

    def marked() -> set[tuple[str, tuple[str, str]]]:
        return {
            (operation.root, key(row))
            for operation in fleet.operations
            for row in rows_of(owner, operation)
            if "incomplete" in row.flags
        }

    assert open_work
    assert marked() == set()
    settings.OPERATION_INCOMPLETE_AFTER = timedelta(0)
    assert marked() == open_work


def test_a_trace_shows_the_same_as_its_tree(fleet: Workload, owner: Person) -> None:
    operation = fleet.operations[0]
    by_trace = correlate_trace(actor=owner.actor, trace_id=operation.trace).waterfall().rows
    assert list(map(shown, by_trace)) == list(map(shown, rows_of(owner, operation)))


def test_part_of_a_tree_knows_its_top(fleet: Workload, owner: Person) -> None:
    operation = fleet.operations[0]
    found = correlate(actor=owner.actor, correlation_id=operation.record[-1].correlation)
    assert found.root_id == operation.root
