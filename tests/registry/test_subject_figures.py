"""Traffic and violations beside subjects: counted by the layers above, asked once per page, and never waited for long."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from registry.change_state import change_state
from registry.edit_subject import SubjectSettings, edit_subject
from registry.figures import HOURS, Figures, Hour, figures_of

START = datetime(2026, 1, 1, 10, tzinfo=UTC)


def figures(*counts):
    return Figures(tuple(Hour(START + timedelta(hours=n), *count) for n, count in enumerate(counts)))


def one_event_each(names, since):
    return {name: [Hour(since, 4, 1), Hour(since + timedelta(hours=1), 2, 0)] for name in names}


def sleeping(names, since):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")
    return {}


def broken(names, since):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO registry_taxonomy (name, description) VALUES ('x', '')")
    return {}


def test_the_picture_has_words():
    told = figures((0, 0), (1200, 3), (5, 0))
    assert (
        told.sentence() == "1,205 events in 24 h, 3 with violations; most in the hour from 11:00 UTC: 1,200"
    )
    assert figures((0, 0)).sentence() == "No events in 24 h"


def test_bars_are_scaled_to_the_busiest_hour_and_few_are_still_seen():
    nothing, most, few = figures((0, 0), (1200, 600), (1, 1)).bars()
    assert (nothing.height, nothing.bad_height) == (0, 0)
    assert (most.height, most.y, most.bad_height, most.bad_y) == (24, 0, 12, 12)
    assert (few.height, few.bad_height) == (1, 1)


@pytest.mark.django_db
def test_several_sources_are_added_and_every_hour_is_there(settings):
    settings.SUBJECT_FIGURES = [f"{__name__}.one_event_each"] * 2
    found = figures_of(["a", "b"])
    assert set(found) == {"a", "b"}
    assert len(found["a"].hours) == HOURS
    assert (found["a"].events, found["a"].violations) == (12, 2)
    assert found["a"].hours[-1].at <= timezone.now()


@pytest.mark.django_db
def test_counting_that_takes_too_long_is_given_up_and_the_page_says_so(settings, publish, owner):
    publish("orders", {"type": "object"})
    settings.SUBJECT_FIGURES = [f"{__name__}.sleeping"]
    settings.SUBJECT_FIGURES_SECONDS = 0.05
    assert figures_of(["orders"]) is None
    shown = owner.browser.get(reverse("subjects")).content.decode()
    assert "/subjects/orders" in shown
    assert "Events could not be counted in time." in shown
    assert owner.browser.get(reverse("subject", args=["orders"])).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_whoever_counts_may_not_write(settings):
    settings.SUBJECT_FIGURES = [f"{__name__}.broken"]
    with pytest.raises(Exception, match="read-only transaction"):
        figures_of(["orders"])


def test_the_list_shows_them_and_asks_once_for_the_whole_page(settings, publish, owner):
    settings.SUBJECT_FIGURES = [f"{__name__}.one_event_each"]
    browser, counts = owner.browser, []
    for names in (["a1"], ["a2", "a3", "a4", "a5"]):
        for name in names:
            publish(name, {"title": name})
        with CaptureQueriesContext(connection) as asked:
            shown = browser.get(reverse("subjects")).content.decode()
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert shown.count('role="img"') == 5
    assert 'aria-label="6 events in 24 h, 1 with violations' in shown


def test_the_list_can_be_ordered_by_the_newest_version_and_filtered_by_owner(publish, owner, actor):
    publish("a", {"title": "1"})
    publish("b", {"title": "2"})
    publish("a", {"title": "3"})
    edit_subject(
        actor=actor, subject="b", settings=SubjectSettings("Team B", "", False, "latest", None, None)
    )

    def links(query):
        text = owner.browser.get(reverse("subjects") + query).content.decode()
        return sorted(("a", "b"), key=lambda name: text.find(f'"/subjects/{name}"')), text

    assert links("")[0] == ["a", "b"]
    assert links("?sort=newest")[0] == ["a", "b"]
    publish("b", {"title": "4"})
    assert links("?sort=newest")[0] == ["b", "a"]
    assert '"/subjects/a"' not in links("?owner=team")[1]


def three_busy(since):
    return {"s07": 3, "s49": 10, "secret": 99, "gone": 4}


def never(since):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")
    return {}


def test_the_list_can_be_ordered_by_traffic(settings, publish, owner):
    for number in range(52):
        publish(f"s{number:02}", {"title": str(number)})
    settings.SUBJECT_FIGURES, settings.SUBJECT_TRAFFIC = [], [f"{__name__}.three_busy"]

    def names(query):
        shown = owner.browser.get(f"{reverse('subjects')}?sort=traffic{query}").content.decode()
        return re.findall(r'"/subjects/(s\d\d)"', shown)

    assert names("")[:4] == ["s49", "s07", "s00", "s01"]
    assert (len(names("")), names("&after=50")) == (50, ["s50", "s51"])
    assert names("&before=50") == names("")
    assert owner.browser.get(f"{reverse('subjects')}?sort=traffic&after=x").status_code == 422


def test_without_time_to_count_the_order_is_by_name(settings, publish, owner):
    publish("b", {"title": "1"})
    publish("a", {"title": "2"})
    settings.SUBJECT_FIGURES, settings.SUBJECT_TRAFFIC = [], [f"{__name__}.never"]
    settings.SUBJECT_FIGURES_SECONDS = 0.05
    shown = owner.browser.get(reverse("subjects") + "?sort=traffic").content.decode()
    assert shown.index('"/subjects/a"') < shown.index('"/subjects/b"')
    assert "Events could not be counted in time." in shown


def test_pages_by_the_newest_version_follow_each_other(publish, owner):
    for number in range(52):
        publish(f"s{number:02}", {"title": str(number)})
    first = owner.browser.get(reverse("subjects") + "?sort=newest").content.decode()
    assert '"/subjects/s51"' in first
    assert '"/subjects/s01"' not in first
    after = re.search(r"after=(\d+)", first)[1]
    second = owner.browser.get(reverse("subjects") + f"?sort=newest&after={after}").content.decode()
    assert [f"s{number:02}" for number in range(52) if f'"/subjects/s{number:02}"' in second] == [
        "s00",
        "s01",
    ]


def test_a_subject_shows_its_versions_from_left_to_right_by_verdict(publish, owner):
    publish("orders", {"type": "object", "properties": {"a": {"type": "string"}}})
    publish("orders", {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}})
    publish("orders", {"type": "object", "properties": {"a": {"type": "integer"}}}, semver="2.0.0")
    shown = owner.browser.get(reverse("subject", args=["orders"])).content.decode()
    line = shown[
        shown.index('<ol class="timeline"') : shown.index("</ol>", shown.index('<ol class="timeline"'))
    ]
    assert [line.index(f">{label}</a>") for label in ("1.0.0", "1.1.0", "2.0.0")] == sorted(
        line.index(f">{label}</a>") for label in ("1.0.0", "1.1.0", "2.0.0")
    )
    for tone, words in (("info", "first"), ("good", "compatible, minor"), ("bad", "incompatible, major")):
        assert f"timeline-{tone}" in line
        assert words in line
    assert reverse("compare", args=["orders"]) in shown


def test_the_line_of_versions_tells_states_apart(publish, owner, actor):
    for number, semver in enumerate(("1.0.0", "2.0.0", "3.0.0"), 1):
        publish("orders", {"type": "object", "minProperties": number}, semver=semver)
    publish("orders", {"type": "object"}, draft=True)
    for version, states in (("1", ["deprecated", "archived"]), ("2", ["deprecated"])):
        for state in states:
            change_state(actor=actor, subject="orders", version=version, state=state)
    line = owner.browser.get(reverse("subject", args=["orders"])).content.decode()
    line = line[line.index('<ol class="timeline"') :].partition("</ol>")[0]
    told = re.findall(r'<li class="timeline-(\w+)">.*?muted">([^<]*)<', line, re.DOTALL)
    assert told == [
        ("quiet", "archived"),
        ("bad", "incompatible, major, deprecated"),
        ("bad", "incompatible, major"),
        ("quiet", "draft"),
    ]
