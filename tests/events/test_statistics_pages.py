"""The pages of statistics: what they say, in charts with their tables, without any script."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.fold import fold_statistics
from registry.models import Version
from tests.events.conftest import ORDER, event
from tests.events.counted import append_rows

pytestmark = pytest.mark.django_db
BAD = {"amount": "many"}


def recently(**members):
    return event(timestamp=(timezone.now() - timedelta(minutes=10)).isoformat(), **members)


def page(person, address="", expected=200):
    answer = person.browser.get(f"/statistics{address}")
    assert answer.status_code == expected
    return answer.content.decode()


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_all_types_with_volume_violations_and_when_they_were_last_seen(publish, send, owner):
    publish("team.order", ORDER, "1.0.0")
    send(recently(event_type="team.order"), recently(event_type="team.order", metadata=BAD, sample_rate=0.1))
    fold_statistics()
    shown = page(owner)
    assert '<a href="/statistics/team.order">' in shown
    assert "≈ 11" in words(shown)
    assert "90.91 %" in words(shown)
    assert "just now" in words(shown)
    assert "11 events, 10 with violations" in shown
    assert (
        "Every event that has arrived is counted, at the time at which its producer says it happened."
        in words(shown)
    )


def test_links_to_a_type_keep_the_time(owner):
    append_rows([{}])
    fold_statistics()
    assert '<a href="/statistics/order.placed?range=7d">' in page(owner, "?range=7d&sort=name")


def test_many_types_are_cut_into_pages(owner):
    append_rows({"event_type": f"type-{number:03}"} for number in range(51))
    fold_statistics()
    first = page(owner, "?range=7d&sort=name")
    assert "type-049" in first
    assert "type-050" not in first
    assert "?range=7d&amp;sort=name&amp;after=50" in first
    assert "type-050" in page(owner, "?range=7d&sort=name&after=50")


def test_a_type_has_its_charts_each_with_an_address_and_its_numbers(publish, send, owner):
    publish("team.order", ORDER, "1.0.0")
    send(
        recently(event_type="team.order", metadata={"amount": 3, "execution_time_ms": 120}),
        recently(event_type="team.order", metadata=BAD),
    )
    fold_statistics()
    shown = page(owner, "/team.order?range=1h")
    for chart in ("volume", "violation-rate", "adoption", "producers", "execution-time", "sizes"):
        assert f'<a href="#{chart}">' in shown
        assert f'id="{chart}"' in shown
    assert "2 events: 1 valid, 1 stored with violations, 0 quarantined." in shown
    assert "50.00 %" in shown
    assert re.search(r"p95 (119|120|121)", words(shown))
    assert shown.count('<svg class="chart"') == 6
    assert "<script>" not in shown
    assert "step=" not in re.search(r'href="(/api/v1/statistics/team.order\?[^"]*)"', shown)[1]


def test_producers_who_are_still_on_a_deprecated_version_are_named(publish, send, owner):
    publish("team.order", ORDER, "1.0.0")
    publish("team.order", {**ORDER, "title": "newer"}, "1.1.0")
    Version.objects.filter(semver="1.0.0").update(state="deprecated", deprecated_at=timezone.now())
    send(recently(event_type="team.order", schema_version="1.0.0"), actor=owner.token_actor)
    send(recently(event_type="team.order", schema_version="1.1.0"))
    fold_statistics()
    shown = words(page(owner, "/team.order"))
    assert "1.0.0 is deprecated, and still in use" in shown
    # The apostrophe of a token's name is escaped.
    assert "owner/owner&#x27;s token sent 1 events of it, 50.00 % of all." in shown


def test_impossible_clocks_are_told(send, orders, owner):
    send(event(timestamp="1970-01-01T00:00:00Z"), event(timestamp="2262-01-01T00:00:00Z"))
    fold_statistics()
    assert "2 events came with a time that cannot be true" in words(page(owner))
    assert "2 events came with a time that cannot be true" in words(page(owner, "/order.placed"))


def test_events_that_are_not_counted_yet_are_told(owner):
    append_rows([{}, {}, {}])
    assert "3 stored events arrived that are not counted here yet" in words(page(owner))


def test_a_subject_with_a_slash_and_an_event_without_a_type(owner):
    append_rows([{"event_type": "a/b c"}, {"event_type": ""}])
    fold_statistics()
    assert "/statistics/a/b%20c" in page(owner, "?range=7d")
    assert "no type named" in words(page(owner, "?range=7d"))
    assert "1 events" in page(owner, "/a/b%20c?range=7d")


def test_what_cannot_be_answered_stands_at_its_field(owner, orders):
    for address in ("?from=yesterday", "/order.placed?from=yesterday"):
        assert "is a time such as" in words(page(owner, address, expected=422))
    assert "is one of" in words(page(owner, "?sort=colour", expected=422))
    assert "are kept for" in words(
        page(owner, "/order.placed?step=5m&from=2026-01-01T00:00Z&to=2026-01-01T01:00Z", expected=422)
    )


def test_nothing_in_this_time_says_what_to_do(owner, orders):
    assert "No events in this time" in page(owner)
    assert "No events of this type in this time" in page(owner, "/order.placed")
    assert "No statistics" not in page(owner, "/nobody", expected=404)


def test_a_stranger_sees_no_type(stranger):
    append_rows([{}])
    fold_statistics()
    assert "order.placed" not in page(stranger, "?range=7d")
    page(stranger, "/order.placed", expected=403)


def test_the_subject_and_the_explorer_lead_there(orders, owner):
    assert 'href="/statistics/order.placed"' in owner.browser.get("/subjects/order.placed").content.decode()
    assert 'href="/statistics"' in owner.browser.get("/events").content.decode()


@pytest.mark.parametrize("types", [1, 40])
def test_as_many_statements_whatever_the_number_of_types(owner, types):
    append_rows({"event_type": f"type-{number}"} for number in range(types))
    fold_statistics()
    browser = owner.browser
    with CaptureQueriesContext(connection) as asked:
        browser.get("/statistics?range=7d")
    assert len([one for one in asked if "events_statistic" in one["sql"]]) == 3
