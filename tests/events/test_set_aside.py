"""What nobody is going to mend is set aside: out of the lists, not out of the database, and back at a click."""

from typing import Any

import pytest

from access.models import AuditEntry
from events.models import Event, QuarantinedEvent
from tests.conftest import MakePerson, Person
from tests.events.conftest import Publish, Send, event

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/quarantine"


@pytest.fixture(autouse=True)
def held(send: Send) -> list[dict[str, Any]]:
    """Three events of the unknown `shop.old`, and one of `other`."""
    sent = [*(event("shop.old") for _ in range(3)), event("other")]
    send(*sent)
    return sent


def move(person: Person, where: str, **filters: str) -> Any:
    return person.api.post(f"{ADDRESS}/{where}", filters, format="json")


def listed(person: Person, **filters: str) -> int:
    return len(person.api.get(ADDRESS, filters).json()["items"])


def test_they_leave_the_lists_and_are_kept(owner: Person, held: list[dict[str, Any]]) -> None:
    assert move(owner, "set-aside", type="shop.*").json() == {"events": 3}
    assert (listed(owner), listed(owner, aside="yes")) == (1, 3)
    groups = owner.api.get(f"{ADDRESS}/groups").json()["groups"]
    assert [group["event_type"] for group in groups] == ["other"]
    assert QuarantinedEvent.objects.count() == 4
    assert AuditEntry.objects.get(action="quarantine.set_aside").details["events"] == 3


def test_they_come_back(owner: Person) -> None:
    move(owner, "set-aside")
    (group,) = [
        g
        for g in owner.api.get(f"{ADDRESS}/groups", {"aside": "yes"}).json()["groups"]
        if g["event_type"] == "shop.old"
    ]
    assert group["filters"]["aside"] == "yes"
    assert move(owner, "bring-back", **group["filters"]).json() == {"events": 3}
    assert (listed(owner), listed(owner, aside="yes")) == (3, 1)
    assert move(owner, "bring-back", type="nothing").json() == {"events": 0}


def test_one_that_is_sent_again_is_counted_and_stays_aside(
    owner: Person, send: Send, held: list[dict[str, Any]]
) -> None:
    move(owner, "set-aside")
    send(held[0])
    row = QuarantinedEvent.objects.get(event_id=held[0]["event_id"])
    assert (row.times_seen, row.set_aside_at is None) == (2, False)


def test_all_that_waits_is_judged_again_without_them(owner: Person, publish: Publish) -> None:
    move(owner, "set-aside", type="shop.*")
    publish("shop.old", {}, "1.0.0")
    publish("other", {}, "1.0.0")
    assert owner.api.post(f"{ADDRESS}/redrives", {}, format="json").json()["stored"] == 1
    done = owner.api.post(f"{ADDRESS}/redrives", {"aside": "yes"}, format="json").json()
    assert (done["stored"], Event.objects.count()) == (3, 4)
    assert move(owner, "bring-back").json() == {"events": 0}


def test_only_what_one_may_ingest_is_moved(make_person: MakePerson) -> None:
    ann = make_person("ann", role="developer", prefix="shop.", scopes=["read", "ingest"])
    assert move(ann, "set-aside").json() == {"events": 3}
    ben = make_person("ben", role="viewer", scopes=["read"])
    assert move(ben, "bring-back").status_code == 403


def test_the_pages_set_aside_show_and_bring_back(owner: Person) -> None:
    shown = owner.browser.post("/violations/quarantine/set-aside", {"type": "shop.old"}, follow=True)
    page = shown.content.decode()
    assert "3 set aside" in page
    assert "Bring back" in page
    assert "3 more were set aside" in owner.browser.get("/violations/quarantine").content.decode()
    number = QuarantinedEvent.objects.filter(event_type="shop.old").latest("pk").pk
    assert "set aside" in owner.browser.get(f"/violations/quarantine/{number}").content.decode()
    back = owner.browser.post(
        "/violations/quarantine/bring-back", {"type": "shop.old", "aside": "yes"}, follow=True
    )
    assert "3 wait in quarantine again" in back.content.decode()
