"""The REST door of client reports: producers tell what became of their events, and readers ask."""

import re
from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from events.producers import Process, Producer, Tally, find_producers
from events.record_client_report import ReportSpec, record_client_report

_NAME = re.compile(r"[a-z0-9_]{1,64}")
_MAX_NAMES = 200
_MAX_TYPES = 1_001
_LONGEST_TYPE = 255
_MOST = 2**53


class CountsField(serializers.DictField):
    """Counters by name; names are those of the SDK, of which later ones may have more."""

    child = serializers.IntegerField(min_value=0, max_value=_MOST)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        counts = super().run_validation(data)
        if len(counts) > _MAX_NAMES:
            raise serializers.ValidationError(f"At most {_MAX_NAMES} counters.")
        for name in counts:
            if not _NAME.fullmatch(name):
                raise serializers.ValidationError(f"{name[:80]!r} is no name of a counter: a-z, 0-9 and _.")
        return counts


class TypesField(serializers.DictField):
    child = CountsField()

    def run_validation(self, data: Any = serializers.empty) -> Any:
        types = super().run_validation(data)
        if len(types) > _MAX_TYPES:
            raise serializers.ValidationError(f"At most {_MAX_TYPES} event types.")
        for name in types:
            if not name or len(name) > _LONGEST_TYPE or "\x00" in name:
                raise serializers.ValidationError(f"{name[:80]!r} is no event type.")
        return types


class ClientReportRequest(serializers.Serializer[Any]):
    instance = serializers.UUIDField(help_text="The process; chosen anew with each start and each fork.")
    sequence = serializers.IntegerField(
        min_value=1, max_value=_MOST, help_text="Counts up; the highest is the last word."
    )
    service = serializers.CharField(max_length=200)
    node_id = serializers.CharField(max_length=255)
    sdk = serializers.CharField(max_length=100)
    started_at = serializers.DateTimeField()
    counts = CountsField(help_text="All counters of the process since it began.")
    gauges = CountsField(help_text="What is the case now, such as `queued`.")
    types = TypesField(help_text="By event type: `emitted`, and how the events ended.")


class RecordedAnswer(serializers.Serializer[Any]):
    recorded = serializers.BooleanField(help_text="False: a later report of this process was there already.")


class EmittedAnswer(serializers.Serializer[Any]):
    emitted = serializers.IntegerField()
    delivered = serializers.IntegerField(help_text="Stored, with violations or without, or stored before.")
    quarantined = serializers.IntegerField()
    refused = serializers.IntegerField(help_text="Rejected, or in conflict with another event.")
    sampled_out = serializers.IntegerField()
    dropped = serializers.DictField(child=serializers.IntegerField(), help_text="By reason.")
    lost = serializers.IntegerField(help_text="Refused or dropped.")
    waiting = serializers.IntegerField(help_text="Where it was emitted, at the time of the report.")


class ProcessAnswer(serializers.Serializer[Any]):
    instance = serializers.UUIDField()
    node_id = serializers.CharField()
    sdk = serializers.CharField()
    started_at = serializers.DateTimeField()
    reported_at = serializers.DateTimeField()
    silent = serializers.BooleanField(help_text="Nothing was heard of it for five minutes.")
    counters = serializers.DictField(
        child=serializers.IntegerField(), help_text="What was counted beside events."
    )
    gauges = serializers.DictField(child=serializers.IntegerField())
    events = EmittedAnswer()


class ProducerAnswer(serializers.Serializer[Any]):
    producer = serializers.CharField(help_text="The account that sends.")
    service = serializers.CharField()
    events = EmittedAnswer()
    types = serializers.DictField(child=EmittedAnswer())
    processes = ProcessAnswer(many=True)


class ProducersAnswer(serializers.Serializer[Any]):
    items = ProducerAnswer(many=True)


@extend_schema(
    methods=["POST"],
    operation_id="client_reports_record",
    description="What a process says of the events that did and did not leave it, counted since it began. Sending one again changes nothing.",
    request=ClientReportRequest,
    responses=RecordedAnswer,
)
@extend_schema(
    methods=["GET"],
    operation_id="client_reports_list",
    description="Producers, those that lost events first: of each the event types that the caller may read.",
    parameters=[
        OpenApiParameter("service", description="Only this one."),
        OpenApiParameter("producer", description="Only what this account has sent."),
        OpenApiParameter("type", description="Only events of this type."),
    ],
    responses=ProducersAnswer,
)
@api_view(["GET", "POST"])
def client_reports(request: Request) -> Response:
    """Reports in, and what they say by producer."""
    if request.method == "POST":
        # Who may send none costs no more than this question.
        caller(request).require("ingest")
        told = ClientReportRequest(data=request.data)
        told.is_valid(raise_exception=True)
        recorded = record_client_report(actor=caller(request), spec=ReportSpec(**told.validated_data))
        return Response({"recorded": recorded})
    asked = request.GET
    found = find_producers(
        actor=caller(request),
        service=asked.get("service", ""),
        account=asked.get("producer", ""),
        event_type=asked.get("type", ""),
    )
    return Response({"items": [_of_producer(producer) for producer in found]})


def _of_producer(producer: Producer) -> dict[str, Any]:
    return {
        "producer": producer.name,
        "service": producer.service,
        "events": _of_tally(producer.tally),
        "types": {name: _of_tally(tally) for name, tally in producer.by_type()},
        "processes": [_of_process(process) for process in producer.processes],
    }


def _of_process(process: Process) -> dict[str, Any]:
    report = process.report
    return {
        "instance": report.instance,
        "node_id": report.node_id,
        "sdk": report.sdk,
        "started_at": report.started_at,
        "reported_at": report.reported_at,
        "silent": process.silent,
        "counters": process.counters,
        "gauges": report.gauges,
        "events": _of_tally(process.tally),
    }


def _of_tally(tally: Tally) -> dict[str, Any]:
    return {**asdict(tally), "lost": tally.lost, "waiting": tally.waiting}
