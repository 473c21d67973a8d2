"""What the catalogue's pages are told about the events of subjects."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from events.figures import of_all, of_subjects
from events.models import Event, QuarantinedEvent
from registry.figures import figures_of
from tests.events.conftest import ORDER, event


def since():
    return timezone.now() - timedelta(hours=23)


def test_stored_violating_and_quarantined_events_are_counted_by_hour(orders, publish, send):
    publish("strict.order", ORDER, "1.0.0", strict=True)
    bad = {"metadata": {"amount": "many"}}
    send(event(), event(), event(**bad))
    send(event("strict.order"), event("strict.order", **bad))
    found = figures_of(["order.placed", "strict.order", "nobody"])
    assert (found["order.placed"].events, found["order.placed"].violations) == (3, 1)
    assert (found["strict.order"].events, found["strict.order"].violations) == (2, 1)
    assert (found["nobody"].events, found["nobody"].violations) == (0, 0)
    assert QuarantinedEvent.objects.count() == 1


def test_what_was_released_counts_once(publish, send):
    publish("strict.order", ORDER, "1.0.0", strict=True)
    send(event("strict.order", metadata={"amount": "many"}))
    QuarantinedEvent.objects.update(released_at=timezone.now())
    assert of_subjects(["strict.order"], since()) == {}


def test_events_from_before_are_not_counted(orders, send):
    send(event())
    assert of_subjects(["order.placed"], timezone.now() + timedelta(hours=1)) == {}
    assert Event.objects.count() == 1


@pytest.mark.parametrize("names", [["order.placed"], [f"type{number}" for number in range(50)]])
def test_two_statements_whatever_the_number_of_names(orders, names):
    with CaptureQueriesContext(connection) as asked:
        of_subjects(names, since())
    assert len(asked) == 2


def test_the_busiest_subject_comes_first_when_that_is_asked_for(orders, publish, send, owner):
    publish("a.idle", ORDER, "1.0.0")
    publish("strict.order", ORDER, "1.0.0", strict=True)
    send(event(), event("strict.order"), event("strict.order", metadata={"amount": "many"}))
    assert of_all(since()) == {"order.placed": 1, "strict.order": 2}
    shown = owner.browser.get(reverse("subjects") + "?sort=traffic").content.decode()
    links = [f'"/subjects/{name}"' for name in ("strict.order", "order.placed", "a.idle")]
    assert [shown.index(link) for link in links] == sorted(shown.index(link) for link in links)


def test_the_pages_show_them(orders, send, owner):
    send(event(), event(metadata={"amount": "many"}))
    for address in (reverse("subjects"), reverse("subject", args=["order.placed"])):
        assert "2 events in 24 h, 1 with violations" in owner.browser.get(address).content.decode()
