"""Statistics that are folded from the log batch by batch are what every single event says, in whatever order they arrive."""

import json
import random
from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from events.fold import WEIGHT, fold_statistics, lag, tiers
from events.models import QuarantinedEvent, QuarantineTally, Statistic
from events.sketch import RELATIVE_ERROR, Sketch, bin_of, value_of
from tests.events.conftest import ORDER, event
from tests.events.counted import NOON, append_rows, counted_directly, quantile_of_all

pytestmark = pytest.mark.django_db
HOUR = 3600
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "occurred_at": st.integers(-200, 200).map(lambda minutes: NOON + timedelta(minutes=minutes)),
            "event_type": st.sampled_from(["order.placed", "order.paid"]),
            "producer": st.sampled_from(["shop/a", "shop/b", "till/c"]),
            "sample_rate": st.sampled_from([1.0, 0.5, 0.3, 0.05, 0.0001]),
            "bad": st.booleans(),
            "size": st.integers(1, 3_000),
            "took": st.none() | st.floats(0, 1e7),
        }
    ),
    min_size=1,
    max_size=40,
)


def kept(**chosen):
    return Statistic.objects.filter(**chosen)


def by_key(step):
    found = {}
    for row in kept(step=step.total_seconds(), quarantined=False):
        key = (row.bucket, row.event_type, row.producer)
        assert key not in found
        found[key] = (row.events, row.weight, row.violating, row.violating_weight, row.last_seen)
    return found


def merged(rows, kind):
    bins = {}
    for row in rows:
        pairs = zip(getattr(row, f"{kind}_bins"), getattr(row, f"{kind}_weights"), strict=True)
        for number, weight in pairs:
            bins[number] = bins.get(number, 0) + weight
    return Sketch(bins)


@settings(max_examples=40, deadline=None)
@given(events=EVENTS, order=st.randoms(use_true_random=False), batch=st.integers(1, 15))
def test_the_roll_up_is_what_every_event_says(events, order, batch):
    order.shuffle(events)
    with transaction.atomic():
        while events:
            arriving, events = events[:7], events[7:]
            append_rows(arriving)
            fold_statistics(batch=batch)
        assert lag().waiting == 0
        for tier in tiers():
            assert by_key(tier.step) == counted_directly(tier.step)
        transaction.set_rollback(True)


@settings(max_examples=25, deadline=None)
@given(events=EVENTS, share=st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_off_by_one_percent_at_most(events, share):
    with transaction.atomic():
        append_rows(events)
        fold_statistics(batch=9)
        rows = list(kept(step=86400))
        for kind, name in (("size", "size"), ("time", "took")):
            values = [
                (one[name], round(WEIGHT / one["sample_rate"])) for one in events if one[name] is not None
            ]
            if values:
                found = merged(rows, kind).quantile(share)
                assert found == pytest.approx(
                    quantile_of_all(values, share), rel=RELATIVE_ERROR + 1e-9, abs=1e-6
                )
        transaction.set_rollback(True)


@pytest.mark.parametrize("value", [0, 1e-9, 1e-6, 0.001, 0.9999, 1, 1.0001, 57.3, 1e9, 1e15])
def test_a_bin_stands_for_every_value_in_it(value):
    assert value_of(bin_of(value)) == pytest.approx(value, rel=RELATIVE_ERROR + 1e-9, abs=1e-6)


def test_a_sampled_stream_estimates_what_was_there():
    """1,000 events, of which producers send five percent: over many draws the estimates are right on average."""
    true_events, rate, draws = 1_000, 0.05, 60
    estimates, failing = [], []
    for seed in range(draws):
        chance = random.Random(seed)
        sent = [number for number in range(true_events) if chance.random() < rate]
        rows = [{"sample_rate": rate, "bad": number % 10 == 0} for number in sent]
        with transaction.atomic():
            append_rows(rows)
            fold_statistics()
            row = kept(step=HOUR).get()
            estimates.append(row.weight / WEIGHT)
            failing.append(row.violating_weight / WEIGHT)
            transaction.set_rollback(True)
    # The standard error of the mean: sqrt(n (1 - p) / p / draws); three of them would be a bias.
    assert abs(fmean(estimates) - true_events) < 3 * (true_events * (1 - rate) / rate / draws) ** 0.5
    assert abs(fmean(failing) - true_events / 10) < 3 * (true_events / 10 * (1 - rate) / rate / draws) ** 0.5


@pytest.mark.parametrize(("stored", "turns"), [(3, 1), (4, 2), (9, 3)])
def test_only_a_full_batch_is_followed_by_another(stored: int, turns: int):
    """What came in meanwhile is left to its own bell, by when it is more."""
    append_rows([{}] * stored)
    with CaptureQueriesContext(connection) as seen:
        assert fold_statistics(batch=4) == stored
    locked = [
        query for query in seen if "events_statisticscursor" in query["sql"] and "FOR UPDATE" in query["sql"]
    ]
    assert len(locked) == turns


def test_streams_sampled_differently_are_added_up_in_true_events():
    append_rows([{"sample_rate": 0.05}] * 5 + [{"sample_rate": 1.0}] * 7)
    fold_statistics()
    row = kept(step=HOUR).get()
    assert (row.events, row.weight) == (12, 107 * WEIGHT)


def test_a_late_event_is_counted_where_it_belongs():
    append_rows([{"occurred_at": NOON}])
    fold_statistics()
    append_rows([{"occurred_at": NOON + timedelta(hours=2)}, {"occurred_at": NOON + timedelta(minutes=3)}])
    fold_statistics()
    hours = dict(kept(step=HOUR).values_list("bucket", "events"))
    assert hours == {NOON: 2, NOON + timedelta(hours=2): 1}


def test_an_event_older_than_the_fine_stretches_are_kept_is_in_the_coarse_ones_only():
    append_rows([{"occurred_at": timezone.now() - timedelta(days=20)}])
    fold_statistics()
    assert set(kept().values_list("step", flat=True)) == {HOUR, 86400}


@pytest.mark.parametrize("year", [1, 1970, 1999, 2262, 9999])
def test_an_impossible_clock_is_counted_on_arrival_and_told(year):
    now = timezone.now()
    append_rows([{"occurred_at": datetime(year, 6, 1, tzinfo=UTC), "received_at": now}])
    fold_statistics()
    row = kept(step=HOUR).get()
    assert row.bucket == now.replace(minute=0, second=0, microsecond=0)
    assert (row.events, row.misdated) == (1, 1)


@pytest.mark.parametrize(
    "took",
    ["12", True, None, [], -1, 1e300, 10**400],
    ids=["text", "boolean", "null", "array", "negative", "huge", "beyond"],
)
def test_what_is_no_execution_time_is_not_measured(took, orders, send):
    send(event(metadata={"amount": 3, "execution_time_ms": took}))
    fold_statistics()
    row = kept(step=86400).get()
    assert (row.events, row.time_bins) == (1, [])


def test_a_time_that_no_double_holds_keeps_nobody_from_being_counted(orders, send):
    text = json.dumps([event(metadata={"amount": 1, "execution_time_ms": 7777}), event()]).replace(
        "7777", "1e-400"
    )
    send(raw=text.encode())
    fold_statistics()
    row = kept(step=HOUR).get()
    assert (lag().waiting, row.events) == (0, 2)
    assert (row.time_bins, row.time_weights) == ([bin_of(0.0)], [WEIGHT])


def test_an_execution_time_is_found_where_it_is_declared(orders, send):
    send(event(metadata={"amount": 3, "execution_time_ms": 150.5}))
    fold_statistics()
    row = kept(step=86400).get()
    assert value_of(row.time_bins[0]) == pytest.approx(150.5, rel=RELATIVE_ERROR)


def test_events_count_under_the_version_that_judged_them(publish, send):
    publish("order.placed", ORDER, "1.0.0", version_when_absent="1.0.0")
    publish("order.placed", {**ORDER, "title": "newer"}, "1.1.0")
    send(event(), event(schema_version="1.1.0"), event(schema_version="1.0.7"))
    fold_statistics()
    found = kept(step=86400).values_list("version", "events")
    # 1.0.7 is not there: the newest of its major judged it.
    assert dict(found) == {"1.0.0": 1, "1.1.0": 2}


def test_an_accepted_event_of_unknown_type_counts_under_no_version(settings, send):
    settings.UNKNOWN_EVENT_TYPE = "accept"
    send(event("nobody.knows", schema_version="3.0.0"))
    fold_statistics()
    assert kept(step=86400).get().version == ""


# --- quarantine -------------------------------------------------------------------------------


def test_quarantined_events_are_counted_apart_with_what_they_stand_for(publish, send):
    publish("strict.order", ORDER, "1.0.0", strict=True)
    send(event("strict.order", metadata={"amount": "many"}, sample_rate=0.25), event("strict.order"))
    fold_statistics()
    found = kept(step=86400).values_list("quarantined", "events", "weight")
    assert set(found) == {(True, 1, 4 * WEIGHT), (False, 1, WEIGHT)}


def test_an_event_that_is_quarantined_again_counts_once(publish, send):
    publish("strict.order", ORDER, "1.0.0", strict=True)
    again = event("strict.order", metadata={"amount": "many"})
    send(again)
    send(again, again)
    fold_statistics()
    assert kept(step=86400).get().events == 1


def test_a_released_event_counts_in_the_log_only(publish, send, settings):
    publish("strict.order", ORDER, "1.0.0", strict=True)
    send(event("strict.order", metadata={"amount": "many"}))
    fold_statistics()
    QuarantinedEvent.objects.update(released_at=timezone.now())
    fold_statistics()
    row = kept(step=86400).get()
    assert (row.events, row.weight, row.size_bins) == (0, 0, [])


def test_what_is_released_before_it_was_counted_leaves_nothing(publish, send):
    publish("strict.order", ORDER, "1.0.0", strict=True)
    send(event("strict.order", metadata={"amount": "many"}))
    QuarantinedEvent.objects.update(released_at=timezone.now())
    assert QuarantineTally.objects.count() == 2
    fold_statistics()
    assert kept(step=86400).get().events == 0
    assert lag().quarantine_waiting == 0
