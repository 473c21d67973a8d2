"""The SDK within Django and Celery: requests and tasks as operations, one below the other."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.http import HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import include, path

import onex_sdk
from onex_sdk.integrations import celery as tasks

MIDDLEWARE = ["onex_sdk.integrations.django.OnexMiddleware"]


def order(request, order_id):
    onex_sdk.emit("order.read", {"id": order_id})
    return HttpResponse("ok")


def broken(request):
    raise ValueError("no")


def down(request):
    return HttpResponse(status=503)


URLS = ModuleType("urls_of_a_shop")
URLS.urlpatterns = [
    path("v1/", include([path("orders/<int:order_id>", order)])),
    path("broken", broken),
    path("down", down),
]
sys.modules[URLS.__name__] = URLS


@pytest.fixture
def sent():
    """Everything that the client of the process sends goes to a server of three lines."""
    events = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            events.extend(received)
            results = [
                {"index": i, "event_id": e["event_id"], "status": "stored"} for i, e in enumerate(received)
            ]
            body = json.dumps({"results": results, "counts": {}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_): ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    client = onex_sdk.init(
        f"http://127.0.0.1:{http.server_port}",
        "token",
        "shop",
        sampling=False,
        compress=False,
        report_seconds=0,
    )

    def told():
        assert client.flush()
        return events

    yield told
    client.close()
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def web():
    with override_settings(ROOT_URLCONF=URLS.__name__, MIDDLEWARE=MIDDLEWARE):
        yield Client(raise_request_exception=False)


def test_a_request_is_an_operation_below_the_one_that_calls(web, sent):
    answer = web.get("/v1/orders/7", headers={"baggage": "onex.correlation_id=caller"})
    start, read, success = sent()
    assert start["metadata"]["operation"] == "GET /v1/orders/<int:order_id>"
    assert start["parent_correlation_id"] == "caller"
    assert read["event_type"] == "order.read"
    assert {event["correlation_id"] for event in (start, read, success)} == {answer["X-Correlation-ID"]}
    assert onex_sdk.current() is None


@pytest.mark.parametrize(
    ("address", "operation", "error"),
    [
        ("/broken", "GET /broken", "ValueError"),
        ("/down", "GET /down", "HTTP 503"),
        ("/nowhere/7", "GET (no route)", None),
    ],
)
def test_a_request_is_named_by_its_route_and_fails_by_its_status(web, sent, address, operation, error):
    web.get(address)
    end = sent()[-1]
    assert end["metadata"]["operation"] == operation
    assert end["metadata"].get("error_type") == error


async def _asked_asynchronously():
    return await AsyncClient().get("/v1/orders/8")


def test_asynchronous_requests_are_the_same(web, sent):
    from asgiref.sync import async_to_sync

    answer = async_to_sync(_asked_asynchronously)()
    start, read, _ = sent()
    assert start["metadata"]["operation"] == "GET /v1/orders/<int:order_id>"
    assert read["correlation_id"] == start["correlation_id"] == answer["X-Correlation-ID"]


# --- Celery ------------------------------------------------------------------------------------


@pytest.fixture
def app():
    made = Celery("shop", broker="memory://", backend="cache+memory://")
    made.conf.worker_hijack_root_logger = False
    tasks.install()
    tasks.install()
    yield made
    tasks.uninstall()


def test_a_task_is_an_operation_below_what_has_sent_it(app, sent):
    @app.task(name="shop.charge")
    def charge(amount):
        onex_sdk.emit("order.charged", {"amount": amount})
        return amount

    with (
        start_worker(app, perform_ping_check=False, shutdown_timeout=30),
        onex_sdk.operation("order") as outer,
    ):
        assert charge.delay(3).get(timeout=30) == 3
    events = [event for event in sent() if event["metadata"].get("operation") != "order"]
    assert [event["event_type"].rpartition("_")[2] for event in events] == [
        "START",
        "order.charged",
        "SUCCESS",
    ]
    assert events[0]["metadata"]["operation"] == "shop.charge"
    assert events[0]["parent_correlation_id"] == outer.correlation.correlation_id
    assert {event["trace_id"] for event in events} == {outer.correlation.trace_id}
    assert len({event["correlation_id"] for event in events}) == 1
    assert tasks._running == {}


def test_a_task_that_fails_or_is_put_off_ends_with_error(app, sent):
    @app.task(name="shop.flaky", bind=True, max_retries=1)
    def flaky(self):
        if self.request.retries == 0:
            raise self.retry(countdown=0)
        raise ValueError("no")

    with (
        start_worker(app, perform_ping_check=False, shutdown_timeout=30),
        pytest.raises(ValueError, match="no"),
    ):
        flaky.delay().get(timeout=30)
    ends = [event["metadata"] for event in sent() if event["event_type"].endswith("ERROR")]
    assert [end["error_type"] for end in ends] == ["Retry", "ValueError"]
    assert ends[0]["recoverable"] is True
