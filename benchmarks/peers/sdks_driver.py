"""Runs in an environment of its own: events as JSON lines in, what each SDK's call costs and how many events arrived out.

Each of them sends to something local: Kafka's client to the cluster that it mocks itself, the others to a sink in a process beside it.
"""

import contextlib
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Event = dict[str, Any]
WARM = int(sys.argv[1])
WAIT = 60


def sink(port: Any, arrived: Any) -> None:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            count = 1
            if self.path.endswith("/v1/logs"):
                told = ExportLogsServiceRequest.FromString(body)
                count = sum(len(scope.log_records) for one in told.resource_logs for scope in one.scope_logs)
            with arrived.get_lock():
                arrived.value += count
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.value = server.server_port
    server.serve_forever()


def timed(emit: Callable[[Event], object], events: list[Event]) -> dict[str, float]:
    times = []
    for event in events:
        began = time.perf_counter()
        emit(event)
        times.append((time.perf_counter() - began) * 1e6)
    times = sorted(times[WARM:])
    return {"p50_us": times[len(times) // 2], "p99_us": times[len(times) * 99 // 100]}


def confluent_kafka(events: list[Event]) -> dict[str, float]:
    from confluent_kafka import Producer
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.json_schema import JSONSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    schema = {
        "title": "Event",
        "type": "object",
        "required": ["event_id", "event_type", "metadata"],
        "properties": {"event_id": {"type": "string"}, "metadata": {"type": "object"}},
    }
    arrived: list[object] = []
    producer = Producer(
        {
            "bootstrap.servers": "mocked",
            "test.mock.num.brokers": 1,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    registry = SchemaRegistryClient.new_client({"url": "mock://"})
    serializer = JSONSerializer(json.dumps(schema), registry)
    context = SerializationContext("events", MessageField.VALUE)

    def emit(event: Event) -> None:
        producer.produce(
            "events", serializer(event, context), on_delivery=lambda error, _: arrived.append(error)
        )
        producer.poll(0)

    found = timed(emit, events)
    producer.flush(WAIT)
    return {**found, "arrived": arrived.count(None)}


def sentry(events: list[Event], url: str, arrived: Any) -> dict[str, float]:
    import sentry_sdk

    sentry_sdk.init(
        dsn=f"{url.replace('://', '://key@')}/1",
        transport_queue_size=len(events) + 1,
        default_integrations=False,
        auto_session_tracking=False,
    )
    found = timed(
        lambda event: sentry_sdk.capture_event({"message": event["event_type"], "extra": event}), events
    )
    sentry_sdk.flush(WAIT)
    return {**found, "arrived": arrived.value}


def opentelemetry(events: list[Event], url: str, arrived: Any) -> dict[str, float]:
    from opentelemetry._logs import LogRecord
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider()
    provider.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{url}/v1/logs"), max_queue_size=len(events) + 1)
    )
    logger = provider.get_logger("load")
    found = timed(
        lambda event: logger.emit(
            LogRecord(timestamp=time.time_ns(), event_name=event["event_type"], body=event["metadata"])
        ),
        events,
    )
    provider.force_flush(WAIT * 1_000)
    provider.shutdown()
    return {**found, "arrived": arrived.value}


@contextlib.contextmanager
def a_sink() -> Iterator[tuple[str, Any]]:
    port, arrived = multiprocessing.Value("i", 0), multiprocessing.Value("i", 0)
    process = multiprocessing.Process(target=sink, args=(port, arrived), daemon=True)
    process.start()
    while not port.value:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port.value}", arrived
    process.terminate()
    process.join()


def main() -> None:
    events = [json.loads(line) for line in sys.stdin]
    found = {"confluent_kafka": confluent_kafka(events)}
    for name, measure in (("sentry", sentry), ("opentelemetry", opentelemetry)):
        with a_sink() as (url, arrived):
            found[name] = measure(events, url, arrived)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
