"""Finding events over REST: filters, pages, correlations, and what each person may see."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection

from tests.conftest import Person
from tests.events.conftest import Publish, Send, event

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(publish: Publish, send: Send) -> None:
    """Six events of three types."""
    for name in ("shop.order", "shop_order", "team.task"):
        publish(name, {"properties": {"n": {"type": "integer"}}}, "1.0.0")
    send(
        event("shop.order", node_id="a-1", metadata={"n": 1}, timestamp="2026-11-01T00:00:00Z"),
        event("shop.order", node_id="a-2", metadata={"n": "x"}, timestamp="2026-11-02T00:00:00Z"),
        event(
            "shop_order", node_id="b", correlation_id="c", trace_id="t" * 32, timestamp="2026-11-03T00:00:00Z"
        ),
        event("team.task", node_id="b%", metadata={"error_code": "E_1"}, timestamp="2026-11-04T00:00:00Z"),
        event("team.task", node_id="c", correlation_id="c", timestamp="2026-11-05T01:00:00+01:00"),
        event("team.task", node_id="d", parent_correlation_id="c", timestamp="2026-11-06T00:00:00Z"),
    )


def nodes(person: Person, **query: Any) -> list[str]:
    answer = person.api.get(f"/api/v1/events?{urlencode(query)}")
    assert answer.status_code == 200, answer.content
    return [item["node_id"] for item in answer.json()["items"]]


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["d", "c", "b%", "b", "a-2", "a-1"]),
        ({"type": "shop.order"}, ["a-2", "a-1"]),
        ({"type": "shop*"}, ["b", "a-2", "a-1"]),
        ({"type": "shop_*"}, ["b"]),
        ({"type": "*task"}, ["d", "c", "b%"]),
        ({"type": "%"}, []),
        ({"node": "a-"}, ["a-2", "a-1"]),
        ({"node": "b%"}, ["b%"]),
        ({"correlation_id": "c"}, ["c", "b"]),
        ({"trace_id": "t" * 32}, ["b"]),
        ({"error_code": "E_1"}, ["b%"]),
        ({"valid": "FALSE"}, ["a-2"]),
        ({"valid": "true", "type": "shop.order"}, ["a-1"]),
        ({"since": "2026-11-05T00:00:00Z"}, ["d", "c"]),
        ({"until": "2026-11-02T00:00:00"}, ["a-1"]),
        ({"since": "2026-11-02T01:00:00+01:00", "until": "2026-11-03"}, ["a-2"]),
        ({"pointer": "/metadata/n", "keyword": "type"}, ["a-2"]),
        ({"pointer": "/metadata/m"}, []),
        ({"unknown": "parameter"}, ["d", "c", "b%", "b", "a-2", "a-1"]),
    ],
)
def test_filters(owner: Person, query: dict[str, str], found: list[str]) -> None:
    assert nodes(owner, **query) == found


@pytest.mark.usefixtures("log")
def test_pages_follow_each_other(owner: Person) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        answer = owner.api.get(f"/api/v1/events?limit=4&after={cursor}").json()
        seen += [item["node_id"] for item in answer["items"]]
        cursor = answer["next"]
    assert seen == ["d", "c", "b%", "b", "a-2", "a-1"]


@pytest.mark.parametrize(
    "query",
    [
        "since=soon",
        "valid=maybe",
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=00000000120000",
        "after=x",
    ],
)
def test_a_query_that_cannot_be_is_told(owner: Person, query: str) -> None:
    answer = owner.api.get(f"/api/v1/events?{query}")
    assert (answer.status_code, bool(answer.json()["message"])) == (422, True)


@pytest.mark.usefixtures("log")
def test_everybody_sees_the_types_they_may_read(teammate: Person, stranger: Person) -> None:
    assert nodes(teammate) == ["d", "c", "b%"]
    assert nodes(teammate, type="shop*") == []
    assert nodes(stranger) == []
    found = teammate.api.get("/api/v1/correlations/c").json()
    assert [item["node_id"] for item in found["events"]] == ["c"]
    assert stranger.api.get("/api/v1/correlations/c").status_code == 404


def test_what_is_not_there_is_404(owner: Person) -> None:
    for address in ("events/none", "correlations/none"):
        answer = owner.api.get(f"/api/v1/{address}")
        assert (answer.status_code, "none" in answer.json()["message"]) == (404, True)


def test_a_correlation_stands_in_order_of_parentage_and_arrival(
    publish: Publish, send: Send, owner: Person
) -> None:
    publish("t", {}, "1.0.0")

    def at(name: str, correlation: str, parent: str | None, hour: int) -> dict[str, Any]:
        clock = f"2026-11-01T{hour:02}:00:00Z"
        return event(
            "t", node_id=name, correlation_id=correlation, parent_correlation_id=parent, timestamp=clock
        )

    # The grandchild and the child arrive before the parent; the child's clock runs behind.
    send(
        at("grandchild", "c3", "c2", 12),
        at("child-1", "c2", "c1", 9),
        at("root-1", "c1", "c0", 10),
        at("child-2", "c2", "c1", 11),
        at("root-2", "c1", None, 13),
        at("other", "c9", None, 10),
    )
    found = owner.api.get("/api/v1/correlations/c1").json()
    placed = [(item["node_id"], item["depth"], item["clock_disagrees"]) for item in found["events"]]
    assert placed == [
        ("root-1", 0, False),
        ("child-1", 1, True),
        ("grandchild", 2, False),
        ("child-2", 1, True),
        ("root-2", 0, False),
    ]
    assert (found["parents"], found["clocks_disagree"], found["cycles"]) == (["c0"], True, [])
    alone = owner.api.get("/api/v1/correlations/c1?descendants=false").json()
    assert [item["node_id"] for item in alone["events"]] == ["root-1", "root-2"]


def test_parents_that_form_a_cycle_are_cut_and_told(publish: Publish, send: Send, owner: Person) -> None:
    publish("t", {}, "1.0.0")
    send(
        event("t", node_id="1", correlation_id="a", parent_correlation_id="b"),
        event("t", node_id="2", correlation_id="b", parent_correlation_id="a"),
        event("t", node_id="3", correlation_id="self", parent_correlation_id="self"),
    )
    found = owner.api.get("/api/v1/correlations/a").json()
    assert [item["node_id"] for item in found["events"]] == ["1", "2"]
    assert found["cycles"]
    assert [e["node_id"] for e in owner.api.get("/api/v1/correlations/self").json()["events"]] == ["3"]


def chain(correlations: int, parent: str, root: str) -> None:
    """Correlations `c1`…, one event each; `parent` is SQL over their number `n`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_event (position, received_at, occurred_at, event_id, event_type, schema_version, "
            "node_id, sample_rate, raw, producer, correlation_id, parent_correlation_id) "
            f"SELECT n, now(), now(), 'e' || n, 't', '', 'n', 1, '{{}}', 'tests', 'c' || n, {parent} "
            "FROM generate_series(1, %s) AS n",
            [correlations],
        )
        cursor.execute(
            "INSERT INTO events_correlationlink SELECT correlation_id, parent_correlation_id, %s, now() "
            "FROM events_event WHERE parent_correlation_id IS NOT NULL",
            [root],
        )


def test_a_correlation_with_very_many_children_is_shown_and_told_to_be_cut(owner: Person) -> None:
    chain(4_000, "CASE WHEN n < 4000 THEN 'c4000' END", "c4000")
    found = owner.api.get("/api/v1/correlations/c4000").json()
    assert (found["cut"], len(found["events"])) == (True, 2_000)
    assert "c4000" in {item["correlation_id"] for item in found["events"]}
    assert not owner.api.get("/api/v1/correlations/c4000?descendants=false").json()["cut"]


def test_a_long_line_of_parents_is_followed_to_its_end(owner: Person) -> None:
    chain(300, "CASE WHEN n > 1 THEN 'c' || n - 1 END", "c1")
    found = owner.api.get("/api/v1/correlations/c1").json()
    assert (found["cut"], [item["depth"] for item in found["events"]]) == (False, list(range(300)))


def test_ids_with_slashes_and_spaces_are_found(publish: Publish, send: Send, owner: Person) -> None:
    publish("t", {}, "1.0.0")
    send(event("t", event_id="a/b c?é", correlation_id="x/y z"))
    assert owner.api.get("/api/v1/events/a%2Fb%20c%3F%C3%A9").status_code == 200
    assert owner.api.get("/api/v1/correlations/x%2Fy%20z").status_code == 200


def test_an_event_is_shown_with_the_version_it_named_and_the_one_that_judged_it(
    publish: Publish, send: Send, owner: Person
) -> None:
    publish("order", {"properties": {"n": {"type": "integer"}}}, "1.0.0")
    wider = {"properties": {"n": {"type": "integer"}, "note": {"type": "string"}}}
    publish("order", wider, "1.1.0", version_when_absent="1.0.0")
    named = {"exact": "1.0.0", "lower": "1.0.7", "silent": ..., "null": None}
    send(*[event("order", node_id=node, schema_version=label) for node, label in named.items()])
    items = owner.api.get("/api/v1/events?type=order").json()["items"]
    assert {item["node_id"]: (item["schema_version"], item["judged_by"]) for item in items} == {
        "exact": ("1.0.0", "1.0.0"),
        "lower": ("1.0.7", "1.1.0"),
        "silent": ("", "1.0.0"),
        "null": ("", "1.0.0"),
    }


def test_of_several_labels_of_one_schema_the_one_that_was_named_judged(
    publish: Publish, send: Send, owner: Person
) -> None:
    for label in ("1.0.0", "1.0.1", "1.0.2"):
        publish("order", {"properties": {"n": {"type": "integer"}}}, label, version_when_absent="latest")
    send(*[event("order", node_id=label or "none", schema_version=label) for label in ("1.0.1", None)])
    items = owner.api.get("/api/v1/events?type=order").json()["items"]
    assert {item["node_id"]: item["judged_by"] for item in items} == {"1.0.1": "1.0.1", "none": "1.0.2"}


def test_an_event_that_no_schema_judged_says_so(send: Send, owner: Person, settings: Any) -> None:
    settings.UNKNOWN_EVENT_TYPE = "accept"
    send(event("never.registered", schema_version="1.0.0", correlation_id="alone"))
    (item,) = owner.api.get("/api/v1/events").json()["items"]
    assert (item["schema_version"], item["judged_by"], item["content_id"]) == ("1.0.0", None, None)
    (placed,) = owner.api.get("/api/v1/correlations/alone").json()["events"]
    assert placed["judged_by"] is None
