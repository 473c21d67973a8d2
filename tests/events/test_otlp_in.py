"""OpenTelemetry's records come in as events: what becomes of each, and what is answered."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from access.actor import SYSTEM
from events.load_changes import load_change_subjects
from events.models import Event, QuarantinedEvent
from tests.events.otlp import (
    NOON,
    PROTOBUF,
    TRACE,
    log,
    logs,
    pair,
    post,
    send_logs,
    send_spans,
    span,
    traces,
)

pytestmark = pytest.mark.django_db
EXAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "otlp"


@pytest.fixture(autouse=True)
def _subjects(publish):
    load_change_subjects(actor=SYSTEM)


def stored():
    return list(Event.objects.order_by("position"))


def document(event):
    return json.loads(bytes(event.raw))


# --- log records --------------------------------------------------------------------------------


def test_a_named_record_is_an_event_of_that_subject_and_judged_by_its_schema(orders, owner):
    good = log("order.placed", body=AnyValue(kvlist_value=KeyValueList(values=[pair("note", "x")])))
    good.attributes.add(key="amount").value.int_value = 3
    assert not send_logs(owner, good).HasField("partial_success")
    (event,) = stored()
    assert (event.event_type, event.node_id, event.violations) == ("order.placed", "shop", None)
    assert document(event)["metadata"] == {"amount": 3, "note": "x"}
    assert document(event)["otel"]["resource"]["attributes"] == {"service.name": "shop"}
    assert document(event)["otel"]["scope"] == {"name": "shop.checkout"}


def test_an_event_that_breaks_its_schema_is_stored_and_told(orders, owner):
    answer = send_logs(owner, log("order.placed"))
    assert answer.partial_success.rejected_log_records == 0
    assert "stored_with_violations, violates_schema at /metadata" in answer.partial_success.error_message
    assert stored()[0].violations


def test_a_name_without_a_subject_is_quarantined_and_told(owner):
    answer = send_logs(owner, log("nobody.knows"))
    assert "quarantined, unknown_event_type" in answer.partial_success.error_message
    assert QuarantinedEvent.objects.get().event_type == "nobody.knows"


def test_a_record_without_a_name_is_a_valid_log_with_its_trace(owner):
    record = log(body=AnyValue(string_value="hello"), severity_number=17, severity_text="ERROR")
    record.trace_id, record.span_id = TRACE, b"\1" * 8
    record.attributes.append(pair("exception.type", "KeyError"))
    assert not send_logs(owner, record).HasField("partial_success")
    (event,) = stored()
    assert (event.event_type, event.violations, event.error_code) == ("otel.log", None, "KeyError")
    assert (event.correlation_id, event.trace_id, event.span_id) == (TRACE.hex(), TRACE.hex(), "01" * 8)
    assert document(event)["metadata"]["body"] == "hello"


def test_a_body_that_repeats_an_attribute_stays_whole(owner):
    record = log("x.y", body=AnyValue(kvlist_value=KeyValueList(values=[pair("a", "2")])))
    record.attributes.append(pair("a", "1"))
    send_logs(owner, record)
    raw = json.loads(bytes(QuarantinedEvent.objects.get().raw))
    assert raw["metadata"] == {"a": "1", "body": {"a": "2"}}


def test_every_kind_of_value_is_kept(owner):
    record = log(body=AnyValue(bytes_value=b"\0\xff"))
    for name, number in (("nan", float("nan")), ("inf", float("-inf")), ("half", 0.5)):
        record.attributes.add(key=name).value.double_value = number
    record.attributes.add(key="big").value.int_value = 2**63 - 1
    record.attributes.add(key="none")
    record.attributes.add(key="list").value.array_value.values.add().bool_value = True
    send_logs(owner, record)
    assert document(stored()[0])["metadata"] == {
        "body": "AP8=",
        "attributes": {
            "nan": "NaN",
            "inf": "-Infinity",
            "half": 0.5,
            "big": 2**63 - 1,
            "none": None,
            "list": [True],
        },
    }


@pytest.mark.parametrize(
    ("nanoseconds", "at", "lint"),
    [
        (1, datetime(1970, 1, 1, tzinfo=UTC), "clock_out_of_range"),
        (9_223_372_036_854_775_807, datetime(2262, 4, 11, 23, 47, 16, 854775, UTC), "clock_out_of_range"),
        (2**64 - 1, datetime(2554, 7, 21, 23, 34, 33, 709551, UTC), "clock_out_of_range"),
    ],
    ids=["1970", "2262", "2554"],
)
def test_a_time_far_away_is_stored_and_flagged(owner, nanoseconds, at, lint):
    send_logs(owner, log(time_unix_nano=nanoseconds))
    (event,) = stored()
    assert (event.occurred_at, lint in event.lints) == (at, True)
    assert document(event)["timestamp"].endswith(f"{nanoseconds % 10**9:09}Z")


def test_a_record_without_a_time_has_the_one_when_it_was_observed(owner):
    send_logs(owner, log(time_unix_nano=0, observed_time_unix_nano=NOON), log(time_unix_nano=0))
    observed, none = stored()
    assert document(observed)["timestamp"] == "2026-11-01T12:00:00.000000123Z"
    assert "no_timestamp" in none.lints


@pytest.mark.parametrize("trace_id", [b"", b"\0" * 16, b"\1" * 15, b"\1" * 17])
def test_a_log_with_an_id_that_is_none_is_of_no_trace(owner, trace_id):
    assert not send_logs(owner, log(trace_id=trace_id, span_id=b"\1" * 8)).HasField("partial_success")
    (event,) = stored()
    assert (event.trace_id, event.span_id, event.correlation_id) == (None, None, None)


# --- spans --------------------------------------------------------------------------------------


def test_a_span_is_a_pair_of_events_with_its_ids(owner):
    assert not send_spans(owner, span(2, parent_span_id=b"\0" * 7 + b"\1")).HasField("partial_success")
    start, end = stored()
    assert (start.event_type, end.event_type) == ("otel.span.START", "otel.span.SUCCESS")
    for event in (start, end):
        assert (event.trace_id, event.span_id, event.violations) == (TRACE.hex(), "0" * 15 + "2", None)
        assert document(event)["parent_span_id"] == "0" * 15 + "1"
    assert document(end)["metadata"] == {
        "operation": "step 2",
        "span_kind": "server",
        "execution_time_ms": 5.0,
    }


def test_a_span_with_an_error_is_an_error_with_its_exception(owner):
    failed = span(status=Status(code=Status.STATUS_CODE_ERROR, message="no stock"))
    happened = failed.events.add(name="exception", time_unix_nano=NOON + 1_000_000)
    happened.attributes.append(pair("exception.type", "OutOfStock"))
    assert not send_spans(owner, failed).HasField("partial_success")
    start, within, end = stored()
    assert [start.event_type, within.event_type, end.event_type] == [
        "otel.span.START",
        "otel.span.event",
        "otel.span.ERROR",
    ]
    assert (within.error_code, end.error_code) == ("OutOfStock", "OutOfStock")
    assert document(end)["metadata"]["error_message"] == "no stock"
    assert {event.violations for event in (start, within, end)} == {None}


def test_an_open_span_has_only_its_start_and_one_of_a_crooked_clock_no_duration(owner):
    send_spans(owner, span(1, end_time_unix_nano=0), span(2, end_time_unix_nano=NOON - 1))
    opened, start, end = stored()
    assert [e.event_type for e in (opened, start, end)] == [
        "otel.span.START",
        "otel.span.START",
        "otel.span.SUCCESS",
    ]
    assert "execution_time_ms" not in document(end)["metadata"]


@pytest.mark.parametrize(
    "ids",
    [{"trace_id": b"\1" * 15}, {"trace_id": b""}, {"span_id": b"\0" * 8}, {"span_id": b"\1" * 9}],
)
def test_a_span_with_an_id_that_is_none_is_rejected_and_the_others_stored(owner, ids):
    answer = send_spans(owner, span(1, **ids), span(2))
    assert answer.partial_success.rejected_spans == 1
    assert "Span 'step 1' has no trace id" in answer.partial_success.error_message
    assert len(stored()) == 2


def test_a_kind_that_has_no_name_yet_is_kept(owner):
    answer = post(owner, "traces", traces(span()).SerializeToString().replace(b"\x30\x02", b"\x30\x63"))
    assert answer.status_code == 200
    assert document(stored()[0])["metadata"]["span_kind"] == "99"


# --- sending again ------------------------------------------------------------------------------


def test_what_is_sent_again_is_stored_once_and_no_error(owner):
    for _ in range(2):
        assert not send_spans(owner, span(1), span(2)).HasField("partial_success")
        assert not send_logs(owner, log("", body=AnyValue(string_value="x"))).HasField("partial_success")
    assert len(stored()) == 5


def test_two_records_that_are_alike_are_two_events(owner):
    for _ in range(2):
        send_logs(owner, log(), log())
    assert len({event.event_id for event in stored()}) == len(stored()) == 2


def test_a_span_that_says_something_else_under_the_same_id_is_rejected(owner):
    send_spans(owner, span(1))
    answer = send_spans(owner, span(1, name="another"))
    assert answer.partial_success.rejected_spans == 1
    assert "conflict" in answer.partial_success.error_message


def test_more_than_one_batch_is_stored_whole(owner, settings):
    settings.INGEST_MAX_EVENTS = 3
    assert not send_spans(owner, *(span(number) for number in range(1, 6))).HasField("partial_success")
    assert len(stored()) == 10


# --- the requests -------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", ["logs", "traces"])
@pytest.mark.parametrize(("body", "content_type"), [(b"", PROTOBUF), (b"{}", "application/json")])
def test_an_empty_batch_is_a_success(owner, signal, body, content_type):
    answer = post(owner, signal, body, content_type=content_type)
    assert (answer.status_code, answer.content) == (200, body)
    assert stored() == []


@pytest.mark.parametrize(
    ("signal", "name", "types"),
    [
        ("logs", "events.json", ["browser.page_view"]),
        ("logs", "logs.json", ["otel.log"]),
        ("traces", "trace.json", ["otel.span.START", "otel.span.SUCCESS"]),
    ],
)
def test_the_examples_of_the_specification_are_stored(owner, publish, signal, name, types):
    if not EXAMPLES.is_dir():
        pytest.skip(f"The examples of opentelemetry-proto are not in {EXAMPLES}.")
    publish("browser.page_view", {"type": "object", "required": ["url", "event.attribute"]})
    answer = post(owner, signal, (EXAMPLES / name).read_bytes(), content_type="application/json")
    assert (answer.status_code, answer.json()) == (200, {})
    events = stored()
    assert [event.event_type for event in events] == types
    assert {event.node_id for event in events} == {"my.service"}
    if name != "events.json":
        assert {event.trace_id for event in events} == {TRACE.hex()}


def test_json_and_protobuf_become_the_same_events(owner):
    sent = {
        "resourceLogs": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}],
                    "unheardOf": 1,
                },
                "scopeLogs": [
                    {
                        "scope": {"name": "shop.checkout"},
                        "logRecords": [
                            {"timeUnixNano": str(NOON), "traceId": TRACE.hex().upper(), "spanId": "AB" * 8}
                        ],
                    }
                ],
            }
        ]
    }
    post(owner, "logs", json.dumps(sent).encode(), content_type="application/json")
    send_logs(owner, log(trace_id=TRACE, span_id=b"\xab" * 8))
    assert len(stored()) == 1


def test_an_id_that_is_no_hexadecimal_spoils_only_its_span(owner):
    spans = [
        {"traceId": "no hex", "spanId": "ab" * 8, "name": "bad"},
        {"traceId": "ab" * 16, "spanId": "ab" * 8, "name": "good"},
    ]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    answer = post(owner, "traces", body, content_type="application/json")
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert [document(event)["node_id"] for event in stored()] == ["unknown_service"]


def test_fields_nobody_knows_are_passed_over(owner):
    unknown = b"\xfa\x3f\x03abc"  # field 1023
    assert post(owner, "logs", logs(log()).SerializeToString() + unknown).status_code == 200
    assert len(stored()) == 1


NOT_UTF8 = (
    logs(log(body=AnyValue(string_value="QQQQ"))).SerializeToString().replace(b"QQQQ", b"\xff\xfe\xff\xfe")
)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"\xff\xff\xff", PROTOBUF, 400, 3),
        (logs(log()).SerializeToString()[:-3], PROTOBUF, 400, 3),
        (NOT_UTF8, PROTOBUF, 400, 3),
        (b"{", "application/json", 400, 3),
        (b"[]", "application/json", 400, 3),
        (b'{"resourceLogs": 5}', "application/json", 400, 3),
        (
            b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "x"}]}]}]}',
            "application/json",
            400,
            3,
        ),
        (b'{"resourceLogs": ' + b"[" * 2_000_000, "application/json", 413, 8),
        (b"\xff\xfe", "application/json", 400, 3),
        (b"", "application/json", 400, 3),
        (b"{}", "text/plain", 415, 3),
    ],
)
def test_a_body_that_is_no_request_is_refused_for_good(owner, body, content_type, status, code):
    answer = post(owner, "logs", body, content_type=content_type)
    assert answer.status_code == status
    if content_type == PROTOBUF:
        assert answer["Content-Type"] == PROTOBUF
        assert answer.content[:2] == bytes([8, code])
        assert b"Nothing was stored" in answer.content
    else:
        assert answer.json()["code"] == code
        assert answer.json()["message"]


def test_a_gzipped_body_is_read_and_a_bomb_refused(owner):
    headers = {"Content-Encoding": "gzip"}
    assert post(owner, "logs", gzip.compress(logs(log()).SerializeToString()), **headers).status_code == 200
    assert post(owner, "logs", gzip.compress(b"\0" * 100_000_000), **headers).status_code == 413
    assert post(owner, "logs", b"no gzip", **headers).status_code == 400
    assert len(stored()) == 1


def test_a_body_of_a_hundred_megabytes_is_refused(owner):
    assert post(owner, "logs", b"\0" * 100_000_000).status_code == 413


def test_a_flood_of_empty_records_is_refused_before_it_is_made(owner):
    whole = logs(*[LogRecord()] * 100_000).SerializeToString()
    answer = post(owner, "logs", whole)
    assert (answer.status_code, b"OTLP_MAX_EVENTS" in answer.content) == (413, True)


def test_spans_full_of_events_are_counted(owner, settings):
    settings.OTLP_MAX_EVENTS = 10
    answer = post(owner, "traces", traces(span(events=[Span.Event()] * 9)).SerializeToString())
    assert answer.status_code == 413


def test_a_resource_that_would_be_copied_too_often_is_refused(owner, settings):
    settings.INGEST_MAX_BYTES = 1_000
    request = logs(*[LogRecord()] * 200)
    request.resource_logs[0].resource.attributes.append(pair("x", "y" * 200))
    answer = post(owner, "logs", request.SerializeToString())
    assert (answer.status_code, b"fewer attributes" in answer.content) == (413, True)


def test_metrics_are_not_taken(owner):
    answer = post(owner, "metrics", b"{}", content_type="application/json")
    assert answer.status_code == 404
    assert "takes no metrics" in answer.json()["message"]


def test_who_may_not_send_is_told_in_the_words_of_the_protocol(stranger, client):
    answer = post(stranger, "logs", b"", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, 7)
    answer = client.generic("POST", "/v1/logs", b"\n", content_type=PROTOBUF)
    assert (answer.status_code, answer.content[:2], "WWW-Authenticate" in answer) == (401, b"\x08\x10", True)


def test_events_of_types_that_a_token_may_not_send_are_rejected(teammate):
    answer = send_logs(teammate, log("other.thing"), log("team.thing"))
    assert answer.partial_success.rejected_log_records == 1
    assert "forbidden" in answer.partial_success.error_message


def test_too_fast_is_told_with_the_time_to_wait(owner, settings):
    settings.INGEST_EVENTS_PER_SECOND = 0.1
    settings.INGEST_BURST_SECONDS = 10.0
    body = logs(*(log(time_unix_nano=NOON + number) for number in range(5))).SerializeToString()
    answer = post(owner, "logs", body)
    for _ in range(2):
        answer = post(owner, "logs", body)
    assert (answer.status_code, answer.content[:2], "Retry-After" in answer) == (429, b"\x08\x08", True)
