"""Where a program has OpenTelemetry: its current span is picked up, and both send the same trace context."""

import pytest

from onex_sdk import _correlation as correlations
from onex_sdk import current, headers
from onex_sdk._operations import Operation

trace = pytest.importorskip("opentelemetry.trace", reason="absent here: opentelemetry")
sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="absent here: opentelemetry-sdk")


@pytest.fixture(scope="module")
def tracer():
    return sdk.TracerProvider().get_tracer("tests")


def ids(span):
    context = span.get_span_context()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def filled(**event):
    correlations.fill(event)
    return event


def test_an_event_in_a_span_is_of_that_span(tracer):
    with tracer.start_as_current_span("outer") as span:
        event = filled()
        assert (event["trace_id"], event["span_id"]) == ids(span)
        flags = int(span.get_span_context().trace_flags)
        assert headers()["traceparent"] == "00-{}-{}-{:02x}".format(*ids(span), flags)
    assert filled() == {}


def test_an_operation_in_a_span_is_of_its_trace_and_goes_with_the_innermost_span(tracer):
    with tracer.start_as_current_span("outer") as outer, correlations.use(correlations.begin()) as chain:
        assert (chain.trace_id, chain.span_id) == ids(outer)
        with tracer.start_as_current_span("inner") as inner:
            assert filled()["span_id"] == ids(inner)[1]
            assert headers()["traceparent"].split("-")[2] == ids(inner)[1]
        assert filled()["span_id"] == ids(outer)[1]


def test_a_trace_that_begins_below_an_operation_does_not_tear_its_tree(tracer):
    with correlations.use(correlations.begin()) as chain, tracer.start_as_current_span("other"):
        assert filled()["trace_id"] == chain.trace_id
        assert headers()["traceparent"].split("-")[1] == chain.trace_id


def test_start_and_end_of_an_operation_have_the_same_span(tracer):
    told = []

    def emit(event_type, metadata=None, *, schema_version=None):
        told.append(filled(event_type=event_type))
        return "id"

    with tracer.start_as_current_span("outer"), Operation(emit, "work"):
        assert current() is not None
    assert told[0]["span_id"] == told[1]["span_id"]
