"""Each correlation knows the top of its tree, in whatever order, batches and transactions the links arrive."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.actor import SYSTEM
from events.ingest import ingest_events
from events.models import CorrelationLink
from events.retention import apply_retention
from events.scan import Piece, depth_of
from tests.events.conftest import Send, event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def any_type(settings: Any) -> None:
    settings.UNKNOWN_EVENT_TYPE = "accept"


def link(child: str, parent: str | None) -> dict[str, Any]:
    return event("t", correlation_id=child, parent_correlation_id=parent)


def roots() -> dict[str, str]:
    return dict(CorrelationLink.objects.values_list("correlation_id", "root_id"))


def test_a_correlation_that_starts_nothing_and_was_started_by_none_costs_no_row(send: Send) -> None:
    send(link("a", None), event("t"))
    assert roots() == {}


def test_a_line_that_arrives_in_order_knows_its_top(send: Send) -> None:
    for child, parent in (("b", "a"), ("c", "b"), ("d", "c")):
        send(link(child, parent))
    assert roots() == {"b": "a", "c": "a", "d": "a"}


def test_a_line_in_one_batch_knows_its_top(send: Send) -> None:
    send(link("d", "c"), link("c", "b"), link("b", "a"))
    assert roots() == {"b": "a", "c": "a", "d": "a"}


def test_what_hung_on_a_late_parent_moves_with_it(send: Send) -> None:
    send(link("d", "c"), link("e", "c"))
    assert roots() == {"d": "c", "e": "c"}
    send(link("b", "a"))
    send(link("c", "b"))
    assert roots() == dict.fromkeys("bcde", "a")


def test_the_first_event_that_names_a_parent_decides(send: Send) -> None:
    send(link("b", None), link("b", "a"), link("b", "other"))
    send(link("b", "third"))
    assert roots() == {"b": "a"}


@pytest.mark.parametrize("together", [True, False])
def test_a_circle_is_cut_at_the_link_that_closes_it(send: Send, together: bool) -> None:
    links = [link("a", "b"), link("b", "c"), link("c", "a"), link("below", "a"), link("self", "self")]
    for batch in [links] if together else [[one] for one in links]:
        send(*batch)
    assert roots() == {"a": "c", "b": "c", "c": "c", "below": "c", "self": "self"}


def test_quotes_and_braces_in_ids_are_nothing_special(send: Send) -> None:
    send(link('b"\\{,}', "a'%s"), link("c", 'b"\\{,}'))
    assert roots() == {'b"\\{,}': "a'%s", "c": "a'%s"}


def forest(seed: int) -> list[tuple[str, str]]:
    """Links of a random forest, without a circle, in random order."""
    dice = random.Random(seed)
    links = [(f"n{number}", f"n{dice.randrange(number)}") for number in range(1, 200)]
    links = [one for one in links if dice.random() < 0.9]
    dice.shuffle(links)
    return links


def truth(links: list[tuple[str, str]]) -> dict[str, str]:
    parent = dict(links)

    def top(name: str) -> str:
        return top(parent[name]) if name in parent else name

    return {name: top(name) for name in parent}


@pytest.mark.parametrize("seed", range(3))
def test_any_order_and_any_batches_give_the_same_roots(send: Send, seed: int) -> None:
    links, dice = forest(seed), random.Random(seed)
    while links:
        size = dice.randrange(1, 40)
        batch, links = links[:size], links[size:]
        send(*[link(*one) for one in batch])
    assert roots() == truth(forest(seed))


def _store(links: list[tuple[str, str]]) -> None:
    try:
        for one in links:
            raw = json.dumps(link(*one)).encode()
            ingest_events(actor=SYSTEM, items=[Piece(raw, depth_of(raw))])
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_writers_that_each_bring_a_part_of_a_line_agree_on_its_top() -> None:
    links = forest(7)
    with ThreadPoolExecutor(6) as writers:
        list(writers.map(_store, [links[number::6] for number in range(6)]))
    assert roots() == truth(links)


def test_a_batch_costs_two_statements_more_with_new_links_one_with_known_ones_and_none_without(
    send: Send,
) -> None:
    def statements(*events: dict[str, Any]) -> int:
        with CaptureQueriesContext(connection) as seen:
            send(*events)
        return len(seen)

    send(link("x", None))
    plain = statements(*[link(f"p{number}", None) for number in range(50)])
    linked = [(f"c{number}", f"p{number % 7}") for number in range(50)]
    assert statements(*[link(*one) for one in linked]) == plain + 2
    assert statements(*[link(*one) for one in linked]) == plain + 1


def test_what_was_stored_before_there_were_links_is_linked_by_the_migration(send: Send) -> None:
    send(*[link(*one) for one in forest(1)])
    circle = [link("x", "y"), link("y", "z"), link("z", "x"), link("below", "x"), link("self", "self")]
    send(*circle, link("z", "elsewhere"))
    at_ingest = roots()
    CorrelationLink.objects.all().delete()
    import_module("events.migrations.0012_links_between_correlations").link_stored(
        apps, connection.schema_editor()
    )
    ring = dict.fromkeys(("x", "y", "z", "below"), "x")
    assert roots() == at_ingest | ring


def test_links_go_when_the_last_event_that_named_them_has_to_be_gone(send: Send, settings: Any) -> None:
    settings.EVENT_RETENTION = timedelta(days=30)
    send(link("old", "a"), link("new", "a"))
    today = datetime.now(UTC).date()
    CorrelationLink.objects.filter(pk="old").update(received_on=today - timedelta(days=31))
    apply_retention()
    assert roots() == {"new": "a"}
