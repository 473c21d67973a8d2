"""Statistics over REST: by type, version and producer, in a frame of time, for those who may read the type."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.fold import fold_statistics
from events.models import Statistic
from registry.models import Version
from tests.events.conftest import ORDER, event
from tests.events.counted import NOON, append_rows

pytestmark = pytest.mark.django_db
BAD = {"amount": "many"}


def at(moment):
    return moment.isoformat()


def recently(**members):
    return event(timestamp=(timezone.now() - timedelta(minutes=10)).isoformat(), **members)


def ask(person, address, **parameters):
    return person.api.get(f"/api/v1/statistics{address}", parameters)


def test_a_subject_s_numbers_are_weighted_and_told_apart(publish, send, owner):
    publish("team.order", ORDER, "1.0.0")
    send(
        recently(event_type="team.order"),
        recently(event_type="team.order", sample_rate=0.25),
        recently(event_type="team.order", sample_rate=0.5, metadata=BAD),
    )
    publish("team.order", {**ORDER, "title": "1.1"}, "1.1.0", strict=True)
    send(recently(event_type="team.order", metadata=BAD, schema_version="1.1.0"))
    fold_statistics()
    found = ask(owner, "/team.order", range="1h").json()
    total = found["total"]
    assert (total["stored"], total["with_violations"], total["quarantined"]) == (7, 2, 1)
    assert (total["events"], total["counted"], total["violation_rate"]) == (8, 4, 3 / 8)
    assert found["not_counted_yet"] == 0
    assert sum(point["events"] for point in found["points"]) == 8
    assert found["step"] == "5m"


def test_adoption_is_the_share_of_each_version(publish, send, owner):
    publish("team.order", ORDER, "1.0.0")
    publish("team.order", {**ORDER, "title": "newer"}, "1.1.0")
    send(
        *[
            recently(event_type="team.order", schema_version=label)
            for label in ("1.0.0", "1.1.0", "1.1.0", "1.1.0")
        ]
    )
    fold_statistics()
    groups = ask(owner, "/team.order", group_by="version").json()["groups"]
    assert {group["name"]: group["share"] for group in groups} == {"1.0.0": 0.25, "1.1.0": 0.75}
    assert Version.objects.count() == 2


def test_producers_are_told_apart(publish, send, owner, make_person):
    publish("team.order", ORDER, "1.0.0")
    other = make_person("till", role="producer")
    send(recently(event_type="team.order"), actor=owner.token_actor)
    send(recently(event_type="team.order"), recently(event_type="team.order"), actor=other.token_actor)
    fold_statistics()
    groups = ask(owner, "/team.order", group_by="producer").json()["groups"]
    assert {group["name"]: group["stored"] for group in groups} == {
        owner.token_actor.label: 1,
        other.token_actor.label: 2,
    }


def test_percentiles_of_execution_times_and_sizes(owner):
    append_rows(
        {"occurred_at": NOON + timedelta(minutes=number), "took": float(number), "size": 1_000}
        for number in range(1, 101)
    )
    fold_statistics()
    found = ask(owner, "/order.placed", range="7d").json()
    assert found["execution_time_ms"] == {
        "p50": pytest.approx(50, rel=0.011),
        "p95": pytest.approx(95, rel=0.011),
        "p99": pytest.approx(99, rel=0.011),
    }
    assert found["size_bytes"]["p50"] == pytest.approx(1_000, rel=0.011)


def test_the_list_has_every_type_the_busiest_first(owner):
    append_rows(
        [{"event_type": "a"}, {"event_type": "b", "sample_rate": 0.1}, {"event_type": "c", "bad": True}]
    )
    append_rows([{"event_type": "c"}])
    fold_statistics()
    found = ask(owner, "", range="7d", step="1h").json()
    assert [(item["subject"], item["events"]) for item in found["items"]] == [("b", 10), ("c", 2), ("a", 1)]
    assert found["items"][1]["points"][0]["at"] == NOON.isoformat()
    worst = ask(owner, "", range="7d", sort="violations").json()["items"]
    assert worst[0]["subject"] == "c"
    assert [
        item["subject"] for item in ask(owner, "", range="7d", sort="name", type="b*").json()["items"]
    ] == ["b"]


def test_the_list_is_cut_into_pages(owner):
    append_rows({"event_type": f"type-{number}"} for number in range(5))
    fold_statistics()
    seen, after = [], None
    while True:
        parameters = {"range": "7d", "limit": 2, **({"after": after} if after else {})}
        page = ask(owner, "", **parameters).json()
        seen += [item["subject"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"type-{number}" for number in range(5)]


def test_groups_are_in_the_list_when_asked_for(owner):
    append_rows([{"producer": "a"}, {"producer": "b"}, {"producer": "b"}])
    fold_statistics()
    (item,) = ask(owner, "", range="7d", group_by="producer").json()["items"]
    assert [(group["name"], group["events"]) for group in item["groups"]] == [("a", 1), ("b", 2)]


def test_from_to_and_step_choose_the_time(owner):
    append_rows([{"occurred_at": NOON + timedelta(hours=hour)} for hour in (0, 1, 1, 2)])
    fold_statistics()
    found = ask(
        owner, "/order.placed", **{"from": at(NOON), "to": at(NOON + timedelta(hours=2)), "step": "1h"}
    ).json()
    assert [point["events"] for point in found["points"]] == [1, 2]


def test_what_has_arrived_and_is_not_counted_yet_is_told(owner):
    append_rows([{}, {}])
    assert ask(owner, "").json()["not_counted_yet"] == 2


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-02T00:00Z", "to": "2026-11-01T00:00Z"}, "from"),
        ({"range": "2 weeks"}, "range"),
        ({"step": "2h"}, "step"),
        ({"step": "5m", "from": "2026-01-01T00:00Z", "to": "2026-01-01T01:00Z"}, "step"),
        ({"step": "1h", "range": "90d"}, "step"),
        ({"from": "0001-01-01T00:00Z"}, "step"),
        ({"to": "0001-01-01T00:00Z"}, "to"),
        ({"to": "9999-12-31T23:59:59Z", "from": "9999-12-31T00:00Z"}, "from"),
        ({"group_by": "node"}, "group_by"),
    ],
)
@pytest.mark.parametrize("address", ["", "/order.placed"])
def test_what_cannot_be_answered_is_refused_by_its_parameter(owner, orders, address, parameters, named):
    answer = ask(owner, address, **parameters)
    assert answer.status_code == 422
    assert answer.json()["details"]["parameter"] == named


@pytest.mark.parametrize("parameters", [{"sort": "size"}, {"limit": "0"}, {"after": "x"}])
def test_what_only_the_list_takes_is_checked_too(owner, parameters):
    assert ask(owner, "", **parameters).status_code == 422


def test_a_subject_without_events_has_zeros_and_an_unknown_one_is_not_there(owner, orders):
    found = ask(owner, "/order.placed").json()
    assert found["total"]["events"] == 0
    assert found["total"]["violation_rate"] is None
    missing = ask(owner, "/nobody")
    assert (missing.status_code, missing.json()["details"]["code"]) == (404, "statistics_not_found")


def test_only_types_that_may_be_read_are_told(teammate, stranger):
    append_rows(
        [{"event_type": "team.order"}, {"event_type": "other.order"}, {"event_type": "registry.mode.changed"}]
    )
    fold_statistics()
    assert Statistic.objects.filter(step=86400).count() == 3
    assert [item["subject"] for item in ask(teammate, "", range="7d").json()["items"]] == ["team.order"]
    assert ask(teammate, "/other.order").status_code == 403
    assert ask(teammate, "/registry.mode.changed").status_code == 403
    assert ask(stranger, "", range="7d").json()["items"] == []
