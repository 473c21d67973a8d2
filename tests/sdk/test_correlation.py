"""Chains of work: what an event is filled with, and how a chain travels between processes."""

import asyncio
import contextvars
import threading

import pytest

from onex_sdk import _correlation as correlations
from onex_sdk import _trace_context as trace_context
from onex_sdk import current, extract, headers, inject

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"


def filled(**event):
    correlations.fill(event)
    return event


def test_outside_of_any_chain_nothing_is_filled_in():
    assert current() is None
    assert filled(event_type="A") == {"event_type": "A"}
    assert headers() == {}


def test_an_event_gets_the_ids_of_the_chain_it_is_emitted_in():
    with correlations.use(correlations.begin()) as outer:
        assert filled() == {
            "correlation_id": outer.correlation_id,
            "trace_id": outer.trace_id,
            "span_id": outer.span_id,
        }
        with correlations.use(correlations.begin()) as inner:
            event = filled()
        assert event["parent_correlation_id"] == outer.correlation_id
        assert event["trace_id"] == outer.trace_id
        assert event["span_id"] == inner.span_id != outer.span_id
        assert inner.root == outer.correlation_id
        assert current() is outer


def test_what_an_event_says_itself_stays():
    with correlations.use(correlations.begin()) as chain:
        event = filled(correlation_id=chain.correlation_id, parent_correlation_id="p", span_id="1" * 16)
        assert (event["parent_correlation_id"], event["span_id"]) == ("p", "1" * 16)
        assert filled(correlation_id="another") == {"correlation_id": "another"}


def test_a_chain_that_others_belong_to_has_no_trace_of_its_own():
    with correlations.use(correlations.joined("req-1742")):
        assert filled() == {"correlation_id": "req-1742"}
        with correlations.use(correlations.begin()) as below:
            event = filled()
            assert event == {
                "correlation_id": below.correlation_id,
                "parent_correlation_id": "req-1742",
            }
            assert below.root == "req-1742"
            assert "traceparent" not in headers()
            arrived = extract(headers())
    assert (arrived.correlation_id, arrived.root, arrived.trace_id) == (
        below.correlation_id,
        "req-1742",
        None,
    )


def test_a_chain_goes_on_in_another_process():
    with correlations.use(correlations.begin()) as caller:
        sent = headers()
    arrived = extract({name.title(): value for name, value in sent.items()})
    called = correlations.begin(remote=arrived)
    assert called.parent_correlation_id == caller.correlation_id
    assert (called.trace_id, called.root) == (caller.trace_id, caller.correlation_id)
    assert called.span_id != caller.span_id
    assert sent["traceparent"] == f"00-{caller.trace_id}-{caller.span_id}-03"


def test_a_trace_without_a_chain_begins_a_tree_in_that_trace():
    called = correlations.begin(remote=extract({"traceparent": TRACEPARENT, "tracestate": "a=1"}))
    assert (called.trace_id, called.parent_correlation_id) == (TRACE, None)
    assert called.root == called.correlation_id
    with correlations.use(called):
        assert headers()["tracestate"] == "a=1"
        assert headers()["traceparent"].endswith("-01")


def test_a_plain_correlation_id_is_the_chain_that_calls():
    called = correlations.begin(remote=extract({"X-Correlation-ID": "req-1742"}))
    assert (called.parent_correlation_id, called.root, called.trace_id) == ("req-1742", "req-1742", None)


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "garbage",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-0g",
    ],
)
def test_a_traceparent_that_the_specification_refuses_counts_as_absent(traceparent):
    assert extract({"traceparent": traceparent}) is None


def test_a_traceparent_of_a_later_version_is_read_as_far_as_it_is_known():
    assert trace_context.parse(f"cc-{TRACE}-{SPAN}-01-what.comes").trace_id == TRACE


@pytest.mark.parametrize("chain", ["x" * 256, "a\x00b", "line\nbreak"])
def test_a_chain_from_outside_that_is_no_name_counts_as_absent(chain):
    assert extract({"x-correlation-id": chain}) is None


def test_other_baggage_stays_and_ours_is_there_once():
    carried = {"baggage": "user=7;ttl=1, onex.correlation_id=old", "traceparent": TRACEPARENT}
    with correlations.use(correlations.begin("a, b=c")):
        inject(carried)
    assert carried["baggage"].startswith("user=7;ttl=1,onex.correlation_id=a%2C%20b%3Dc")
    assert "old" not in carried["baggage"]
    assert carried["traceparent"] == TRACEPARENT
    assert extract(carried).correlation_id == "a, b=c"


def test_tasks_have_their_own_chains_and_threads_get_one_when_told():
    async def work(name):
        with correlations.use(correlations.begin(name)):
            await asyncio.sleep(0)
            return current().correlation_id

    async def both():
        return await asyncio.gather(work("a"), work("b"))

    assert asyncio.run(both()) == ["a", "b"]
    seen = []

    def look():
        seen.append(current() and current().correlation_id)

    with correlations.use(correlations.begin("outer")):
        for target, *args in ((look,), (contextvars.copy_context().run, look)):
            thread = threading.Thread(target=target, args=args)
            thread.start()
            thread.join()
    assert seen == [None, "outer"]


def test_random_ids_are_those_of_the_specification():
    chain = correlations.begin()
    assert trace_context.parse(f"00-{chain.trace_id}-{chain.span_id}-03") is not None
