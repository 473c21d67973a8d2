"""The audit log in the browser: filters, pages, the check of the chain."""

import pytest
from django.db import connection

from access import audit
from access.actor import SYSTEM
from access.keyset import PAGE_SIZE
from tests.conftest import Person

pytestmark = pytest.mark.django_db


def write(count: int, **entry: str) -> None:
    for number in range(count):
        audit.record(
            actor=SYSTEM,
            action=entry.get("action", "subject.changed"),
            target=entry.get("target", "subject/orders"),
            details={"number": number},
        )


def targets(page) -> list[str]:
    return [entry.target for entry in page.context["page"].items]


def test_filters_narrow_the_log_and_stay_in_the_address(owner: Person):
    write(1, target="subject/orders.placed")
    write(1, target="subject/github.push", action="version.published")
    assert targets(owner.browser.get("/audit?target=subject/orders")) == ["subject/orders.placed"]
    assert targets(owner.browser.get("/audit?action=version.published")) == ["subject/github.push"]
    assert targets(owner.browser.get("/audit?actor=nobody")) == []
    assert len(targets(owner.browser.get("/audit?since=1"))) == 2
    assert 'value="subject/orders"' in owner.browser.get("/audit?target=subject/orders").content.decode()


def test_pages_lead_to_the_end_and_back_without_gap_or_repetition(owner: Person):
    write(PAGE_SIZE * 2 + 5)
    first = owner.browser.get("/audit").context["page"]
    second = owner.browser.get(f"/audit?after={first.next}").context["page"]
    third = owner.browser.get(f"/audit?after={second.next}").context["page"]
    seen = [entry.pk for page in (first, second, third) for entry in page.items]
    assert len(set(seen)) == len(seen) == PAGE_SIZE * 2 + 5
    assert (first.previous, third.next) == (None, None)
    back = owner.browser.get(f"/audit?before={second.previous}").context["page"]
    assert (back.items, back.previous) == (first.items, None)


def test_a_new_entry_does_not_shift_the_next_page(owner: Person):
    write(PAGE_SIZE + 1)
    first = owner.browser.get("/audit").context["page"]
    write(3)
    second = owner.browser.get(f"/audit?after={first.next}").context["page"]
    assert [entry.details["number"] for entry in second.items] == [0]


def test_a_damaged_cursor_is_answered_with_a_sentence(owner: Person):
    answer = owner.browser.get("/audit?after=x")
    assert answer.status_code == 422
    assert "damaged" in answer.content.decode()


def test_the_chain_is_checked_on_request(owner: Person):
    write(3)
    audit.chain()
    write(1)
    page = owner.browser.get("/audit?check=1").content.decode()
    assert "The chain is whole" in page
    assert "3 entries" in page


def test_a_changed_entry_is_found_and_named(owner: Person):
    write(3)
    audit.chain()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE access_auditentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE access_auditentry SET actor = 'mallory' WHERE link = 2")
        cursor.execute("ALTER TABLE access_auditentry ENABLE TRIGGER USER")
    page = owner.browser.get("/audit?check=1")
    assert "The chain is broken at entry" in page.content.decode()
    assert page.context["check"].checked == 1
