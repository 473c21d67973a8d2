"""Pages of producers: who emits, what arrived, and what was lost on the way."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from access.caller import caller
from events.producers import PROCESSES, Producer, find_producer, find_producers
from events.statistics_forms import ProducerFilters

_SHOWN = 100
# What the SDK counts beside events, by the words for it; in this order.
_COUNTERS = (
    ("requests", "Requests"),
    ("retried", "Events sent again"),
    ("spooled", "Written to disk"),
    ("drained", "Sent from disk"),
    ("spool_full", "Times the disk's share was full"),
    ("spool_failed", "Times the disk refused"),
    ("spool_damaged_lines", "Damaged lines on disk"),
    ("circuit_opened", "Times sending was paused"),
    ("failed_unreachable", "Times the registry did not answer"),
    ("failed_unavailable", "Times it asked to wait"),
    ("failed_server_error", "Times it failed"),
    ("failed_denied", "Times the token was refused"),
    ("failed_bad_answer", "Times something else answered"),
    ("split", "Batches split"),
    ("violations", "Violations told"),
    ("warned_invalid", "Invalid before sending"),
    ("warned_large", "Large events"),
    ("warned_deep", "Deep events"),
    ("by_reference", "Values sent by reference"),
    ("converted", "Events with values that JSON does not know"),
    ("clock_jumps", "Times the clock was set"),
    ("internal_errors", "Errors of the SDK itself"),
)


@require_safe
def producers(request: HttpRequest) -> HttpResponse:
    asked = request.GET
    found = find_producers(
        actor=caller(request),
        service=asked.get("service", ""),
        account=asked.get("producer", ""),
        event_type=asked.get("type", ""),
    )
    context = {
        "filters": ProducerFilters(asked),
        "producers": found[:_SHOWN],
        "more": len(found) - _SHOWN,
        "processes": PROCESSES,
    }
    return render(request, "events/producers.html", context)


@require_safe
def producer(request: HttpRequest, client_report_id: int) -> HttpResponse:
    found = find_producer(actor=caller(request), report_id=client_report_id)
    types = found.by_type()
    context = {
        "producer": found,
        "types": types[:_SHOWN],
        "more_types": len(types) - _SHOWN,
        "processes": found.processes[:_SHOWN],
        "more_processes": len(found.processes) - _SHOWN,
        "counters": _counters(found),
        "on_disk": sum(process.report.gauges.get("spool_bytes", 0) for process in found.processes),
    }
    return render(request, "events/producer.html", context)


def _counters(found: Producer) -> list[tuple[str, int]]:
    sums = [
        (words, sum(process.counters.get(name, 0) for process in found.processes))
        for name, words in _COUNTERS
    ]
    return [(words, count) for words, count in sums if count]
