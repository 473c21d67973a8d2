"""The page and the API of a tree of work: waterfall, critical path, errors only, a map of large trees, DOT, traces."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.drawing import PAGE
from events.models import Event
from tests.conftest import Person
from tests.events.conftest import Send, event
from tests.events.test_event_pages import text_of
from tests.events.workload import workload

pytestmark = pytest.mark.django_db
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(autouse=True)
def any_type(settings: Any) -> None:
    settings.UNKNOWN_EVENT_TYPE = "accept"


def at(
    kind: str, second: float, correlation: str, parent: str | None = None, **members: Any
) -> dict[str, Any]:
    clock = f"2026-11-01T12:00:{second:09.6f}Z"
    return event(
        kind,
        timestamp=clock,
        correlation_id=correlation,
        parent_correlation_id=parent,
        trace_id=TRACE,
        **members,
    )


@pytest.fixture
def tree(send: Send) -> None:
    """A waits for B, which fails, then for C; D goes on beside them and ends early. E never ended."""
    send(
        at("NODE_START", 0, "A", node_id="a", span_id="00f067aa0ba902b7"),
        at("NODE_START", 1, "B", "A", node_id="b"),
        at("NODE_START", 1.5, "D", "A", node_id="d"),
        at("NODE_SUCCESS", 2, "D", "A", node_id="d", metadata={"execution_time_ms": 500}),
        at(
            "NODE_FAILURE",
            4,
            "B",
            "A",
            node_id="b",
            metadata={"execution_time_ms": 3000, "error_code": "E_1"},
        ),
        at("NODE_START", 5, "C", "A", node_id="c"),
        at("NODE_START", 5.5, "E", "C", node_id="e"),
        at("NODE_SUCCESS", 9, "C", "A", node_id="c", metadata={"execution_time_ms": 4000}),
        at("NODE_SUCCESS", 10, "A", node_id="a", span_id="00f067aa0ba902b7"),
    )


def operations(person: Person, address: str) -> list[dict[str, Any]]:
    answer = person.api.get(f"/api/v1/{address}")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["operations"])


@pytest.mark.usefixtures("tree")
def test_operations_stand_under_what_started_them_with_their_critical_path(owner: Person) -> None:
    found = operations(owner, "correlations/A")
    told = [
        (
            one["correlation_id"],
            one["depth"],
            one["began_ms"],
            one["duration_ms"],
            one["status"],
            one["critical"],
        )
        for one in found
    ]
    assert told == [
        ("A", 0, 0.0, 10000.0, "succeeded", True),
        ("B", 1, 1000.0, 3000.0, "failed", True),
        ("D", 1, 1500.0, 500.0, "succeeded", False),
        ("C", 1, 5000.0, 4000.0, "succeeded", True),
        ("E", 2, 5500.0, 0.0, "running", True),
    ]
    assert (found[0]["span_id"], found[1]["error_code"]) == ("00f067aa0ba902b7", "E_1")


@pytest.mark.usefixtures("tree")
def test_errors_only_is_in_the_address(owner: Person) -> None:
    assert [one["correlation_id"] for one in operations(owner, "correlations/A?errors=true")] == ["A", "B"]
    page = text_of(owner, "/events/correlation/A?errors=true")
    assert "/events/correlation/B" in page
    assert "/events/correlation/C" not in page
    assert "/events/correlation/C" in text_of(owner, "/events/correlation/A")
    assert "Nothing failed here" in text_of(owner, "/events/correlation/C?errors=true")


@pytest.mark.usefixtures("tree")
def test_the_page_says_in_a_table_what_its_picture_shows(owner: Person) -> None:
    page = text_of(owner, "/events/correlation/A")
    assert "9 events in 5 operations on 5 nodes, 10 s in all; 1 failed." in page
    assert page.count('class="waterfall-critical"') == 4
    assert len(re.findall(r'<td class="num">\d</td>', page)) == 5
    assert f"/events/trace/{TRACE}" in page


@pytest.mark.usefixtures("tree")
def test_a_part_leads_to_its_whole_tree(owner: Person) -> None:
    page = text_of(owner, "/events/correlation/E")
    assert 'href="/events/correlation/C">C</a>' in page
    assert 'href="/events/correlation/A">Whole tree</a>' in page


@pytest.mark.usefixtures("tree")
def test_a_trace_is_one_picture_of_its_correlations(owner: Person) -> None:
    assert [one["correlation_id"] for one in operations(owner, f"traces/{TRACE}")] == [
        "A",
        "B",
        "D",
        "C",
        "E",
    ]
    assert "5 operations" in text_of(owner, f"/events/trace/{TRACE}")
    text_of(owner, "/events/trace/none", 404)
    assert owner.api.get("/api/v1/traces/a/b").status_code == 404


def test_events_of_a_trace_may_be_of_no_correlation(send: Send, owner: Person) -> None:
    send(event("t", trace_id="a/b", node_id="alone"))
    assert [one["node_id"] for one in operations(owner, "traces/a%2Fb")] == ["alone"]
    page = text_of(owner, "/events/trace/a/b")
    assert "alone" in page
    assert 'href="/events/trace/a/b"' in text_of(owner, f"/events/id/{Event.objects.get().event_id}")


def test_what_hangs_on_nothing_that_arrived_is_an_orphan_until_it_does(send: Send, owner: Person) -> None:
    send(at("NODE_START", 2, "child", "late"), at("NODE_START", 3, "other", "late"))
    found = owner.api.get("/api/v1/correlations/late").json()
    assert found["orphans"] == ["child", "other"]
    assert [one["flags"] for one in found["operations"]] == [["orphan"], ["orphan"]]
    send(at("NODE_START", 1, "late"))
    found = owner.api.get("/api/v1/correlations/late").json()
    assert found["orphans"] == []
    assert [(one["correlation_id"], one["parent"]) for one in found["operations"]] == [
        ("late", None),
        ("child", 0),
        ("other", 0),
    ]


def test_a_circle_is_shown_once_and_flagged(send: Send, owner: Person) -> None:
    send(at("NODE_START", 1, "x", "y"), at("NODE_START", 2, "y", "z"), at("NODE_START", 3, "z", "x"))
    found = owner.api.get("/api/v1/correlations/y").json()
    assert found["cycles"] == ["x", "y", "z"]
    assert [(one["correlation_id"], one["flags"]) for one in found["operations"]] == [
        ("y", ["cycle"]),
        ("x", ["cycle"]),
        ("z", ["cycle"]),
    ]
    assert "Parents form a cycle" in text_of(owner, "/events/correlation/y")


def test_incomplete_operations_are_told_with_the_time_they_had(
    send: Send, owner: Person, settings: Any
) -> None:
    send(at("NODE_START", 1, "c"))
    assert "never ended" not in text_of(owner, "/events/correlation/c")
    settings.OPERATION_INCOMPLETE_AFTER = timedelta(0)
    page = text_of(owner, "/events/correlation/c")
    assert "Some operations never ended" in page
    assert "more than 0 minutes ago" in page


@pytest.mark.usefixtures("tree")
def test_the_tree_is_exported_for_graphviz(send: Send, owner: Person) -> None:
    answer = owner.api.get("/api/v1/correlations/A?format=dot")
    text = answer.content.decode()
    assert answer["Content-Type"].startswith("text/vnd.graphviz")
    assert "n0 -> n1" in text
    assert "n3 -> n4" in text
    send(at('say "hi"\\_START', 0, "quoted", node_id="a\nb"))
    quoted = owner.api.get("/api/v1/correlations/quoted?format=dot").content.decode()
    assert r'label="say \"hi\"\\\na\nb\nrunning, 0 ms"' in quoted


@pytest.mark.parametrize("query", ["errors=maybe", "format=png"])
@pytest.mark.usefixtures("tree")
def test_what_cannot_be_asked_for_is_told(owner: Person, query: str) -> None:
    answer = owner.api.get(f"/api/v1/correlations/A?{query}")
    assert (answer.status_code, query.split("=", maxsplit=1)[0] in answer.json()["message"]) == (422, True)


def test_a_large_tree_has_a_map_and_pages(send: Send, owner: Person) -> None:
    events = [at("NODE_START", 0, "root")]
    events += [at("NODE_START", 1 + number / 100, f"c{number}", "root") for number in range(PAGE * 2)]
    send(*events)
    first = text_of(owner, "/events/correlation/root")
    assert first.count('class="waterfall-part"') == 3
    assert f"row={PAGE}" in first
    last = text_of(owner, f"/events/correlation/root?row={PAGE * 2}")
    assert last.count('class="waterfall-name"') == 1
    for odd in ("-1", "x", "99999", "9" * 40):
        text_of(owner, f"/events/correlation/root?row={odd}")


def test_clocks_of_any_year_are_shown(send: Send, owner: Person) -> None:
    stamps = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2026-11-01T00:00:00Z")
    took: list[Any] = [10**9, -1, "x", True, 1e300]
    for number, stamp in enumerate(stamps):
        for phase in ("START", "SUCCESS"):
            send(
                event(
                    f"NODE_{phase}",
                    timestamp=stamp,
                    node_id=f"n{number % 2}",
                    correlation_id=f"c{number}",
                    parent_correlation_id=f"c{number - 1}",
                    metadata={"execution_time_ms": took[number]},
                )
            )
    assert len(operations(owner, "correlations/c0")) == 4
    text_of(owner, "/events/correlation/c0")


def test_nobody_sees_more_of_a_tree_than_the_types_they_may_read(send: Send, teammate: Person) -> None:
    send(
        at("team.x_START", 1, "A"),
        at("secret_START", 2, "B", "A", node_id="secret-node"),
        at("team.x_START", 3, "C", "B"),
    )
    found = teammate.api.get("/api/v1/correlations/A").json()
    assert [(one["correlation_id"], one["flags"]) for one in found["operations"]] == [
        ("A", []),
        ("C", ["orphan"]),
    ]
    assert "secret-node" not in text_of(teammate, "/events/correlation/A")
    assert "secret-node" not in text_of(teammate, f"/events/trace/{TRACE}")


def test_a_tree_of_any_size_costs_the_same_statements(send: Send, owner: Person) -> None:
    def statements(root: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            text_of(owner, f"/events/correlation/{root}")
        return len(seen)

    for seed, width in ((1, 2), (2, 5)):
        send(*workload(seed, operations=1, width=width).events)
    assert statements("op-1-0") == statements("op-2-0")
