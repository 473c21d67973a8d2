"""What waits in quarantine is grouped by cause, so that one look tells what to mend and for whom."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from events.models import QuarantinedEvent
from tests.conftest import MakePerson, Person
from tests.events.conftest import Publish, Send, event

pytestmark = pytest.mark.django_db

NEEDS_X = {
    "type": "object",
    "required": ["x"],
    "properties": {"x": {"type": "integer"}, "list": {"items": {"type": "integer"}}},
}
GROUPS = "/api/v1/quarantine/groups"


@pytest.fixture
def held(publish: Publish, send: Send, owner: Person) -> None:
    """Of the strict type `t`: three without `x`, two with wrong members of a list, one of these without `x`, too."""
    publish("t", NEEDS_X, "1.0.0", strict=True)
    send(*(event("t", metadata={}) for _ in range(2)), event("t", metadata={"x": 1, "list": [1, "two"]}))
    owner.api.post("/api/v1/events", event("t", metadata={"list": ["one", 2]}), format="json")


def groups_of(person: Person, **filters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.api.get(GROUPS, filters).json()["groups"]
    return found


@pytest.mark.usefixtures("held")
def test_by_subject_producer_place_and_keyword(owner: Person) -> None:
    found = {(g["producer"] == "system", g["place"], g["keyword"]): g["count"] for g in groups_of(owner)}
    assert found == {
        (True, "/metadata", "required"): 2,
        (True, "/metadata/list/*", "type"): 1,
        (False, "/metadata", "required"): 1,
        (False, "/metadata/list/*", "type"): 1,
    }


@pytest.mark.usefixtures("held")
def test_a_group_says_when_how_often_and_which(owner: Person) -> None:
    (group,) = groups_of(owner, keyword="required", producer="system")
    QuarantinedEvent.objects.filter(pk=group["samples"][0]).update(
        received_at=timezone.now() - timedelta(days=3), times_seen=5
    )
    (group,) = groups_of(owner, keyword="required", producer="system")
    assert (group["count"], group["times_seen"], len(group["samples"])) == (2, 6, 2)
    assert '"x"' in group["message"]
    assert group["first_seen"] < group["last_seen"]
    assert len(group["hours"]) == 24
    # One of them came before these hours.
    assert sum(hour["count"] for hour in group["hours"]) == 1


@pytest.mark.usefixtures("held")
def test_the_filters_of_a_group_find_its_events(owner: Person, send: Send) -> None:
    send(event(...), event("nobody"), raw=None)
    for group in groups_of(owner):
        found = owner.api.get("/api/v1/quarantine", group["filters"]).json()["items"]
        assert len(found) == group["count"], group
        assert {item["id"] for item in found} == set(group["samples"])


@pytest.mark.usefixtures("held")
def test_released_events_wait_no_longer(owner: Person) -> None:
    QuarantinedEvent.objects.update(released_at=timezone.now())
    assert groups_of(owner) == []


@pytest.mark.usefixtures("held")
def test_groups_are_of_the_types_that_one_may_read(make_person: MakePerson, stranger: Person) -> None:
    elsewhere = make_person("ann", role="developer", prefix="shop.")
    assert groups_of(elsewhere) == groups_of(stranger) == []


@pytest.mark.usefixtures("held")
def test_the_page_shows_groups_with_a_picture_a_table_and_links(owner: Person) -> None:
    page = owner.browser.get("/violations/quarantine").content.decode().replace("<wbr>", "")
    assert "/metadata/list/*" in page
    assert "2 events in 24 h" in page
    assert "Hour from, UTC" in page
    assert "Judge all 4 again" in page
    narrow = owner.browser.get("/violations/quarantine", {"keyword": "required", "producer": "system"})
    assert "Judge these 2 again" in narrow.content.decode()


@pytest.mark.usefixtures("held")
def test_who_may_only_read_is_not_offered_to_judge_again(make_person: MakePerson) -> None:
    reader = make_person("ann", role="viewer")
    page = reader.browser.get("/violations/quarantine").content.decode()
    assert "By cause" in page
    assert "Judge all" not in page
