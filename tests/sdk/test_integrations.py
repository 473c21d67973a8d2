"""The client beside FastAPI, httpx, requests, logging and structlog. Django and Celery: tests/frameworks."""

import asyncio
import logging
from importlib import import_module

import httpx
import jsonschema_rs
import pytest

import onex_sdk
from onex_sdk import _correlation as correlations

PARENT = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}


def integration(name, *needs):
    for need in needs:
        pytest.importorskip(need, reason=f"absent here: {need}")
    return import_module(f"onex_sdk.integrations.{name}")


@pytest.fixture
def sent(server, registry, token):
    """What the client of the process has sent, each time it is called."""
    client = onex_sdk.init(server.url, token, "shop", node_id="shop-1")

    def events():
        assert client.flush()
        return registry.events

    yield events
    client.close()


# --- FastAPI, Starlette, ASGI ------------------------------------------------------------------


@pytest.fixture
def web():
    asgi = integration("asgi", "fastapi")
    from fastapi import APIRouter, FastAPI, HTTPException

    app, inner = FastAPI(), APIRouter(prefix="/v1")

    @inner.get("/orders/{order_id}")
    async def order(order_id: int):
        onex_sdk.emit("order.read", {"id": order_id})
        return {"id": order_id}

    @app.get("/broken")
    async def broken():
        raise ValueError("no")

    @app.get("/down")
    async def down():
        raise HTTPException(503)

    app.include_router(inner)
    mounted = FastAPI()
    mounted.add_api_route("/deep", lambda: "x")
    app.mount("/below", mounted)
    app.add_middleware(asgi.OnexMiddleware, skip=["/healthz"])

    def get(path, headers=None):
        async def asked():
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(asked())

    return get


def test_a_request_is_an_operation_below_the_one_that_calls(web, sent):
    answer = web("/v1/orders/7", {**PARENT, "baggage": "onex.correlation_id=caller"})
    start, read, success = sent()
    assert start["metadata"]["operation"] == "GET /v1/orders/{order_id}"
    assert start["parent_correlation_id"] == "caller"
    assert start["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert read["event_type"] == "order.read"
    assert {e["correlation_id"] for e in (start, read, success)} == {answer.headers["x-correlation-id"]}
    assert success["event_type"] == "TELEMETRY_OPERATION_SUCCESS"


@pytest.mark.parametrize(
    ("path", "operation", "error"),
    [
        ("/broken", "GET /broken", "ValueError"),
        ("/down", "GET /down", "HTTP 503"),
        ("/nowhere/7", "GET (no route)", None),
        ("/below/deep", "GET /below/deep", None),
    ],
)
def test_a_request_is_named_by_its_route_and_fails_by_its_status(web, sent, path, operation, error):
    web(path)
    end = sent()[-1]
    assert end["metadata"]["operation"] == operation
    assert end["metadata"].get("error_type") == error


def test_paths_that_are_skipped_are_no_operations(web, sent):
    web("/healthz")
    assert sent() == []


# --- requests that go out ----------------------------------------------------------------------


def test_requests_of_httpx_carry_the_chain_that_makes_them(sent):
    hooks = integration("httpx")
    seen = []

    def answer(request):
        seen.append(request.headers)
        return httpx.Response(200)

    async def asynchronously():
        made = {"request": [hooks.propagate_async]}
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), event_hooks=made) as client:
            await client.get("http://other/")

    with correlations.use(correlations.begin()) as chain:
        made = {"request": [hooks.propagate]}
        with httpx.Client(transport=httpx.MockTransport(answer), event_hooks=made) as client:
            client.get("http://other/")
        asyncio.run(asynchronously())
    for headers in seen:
        assert headers["traceparent"] == f"00-{chain.trace_id}-{chain.span_id}-03"
        assert onex_sdk.extract(headers).correlation_id == chain.correlation_id


def test_requests_of_requests_carry_the_chain_to_where_it_is_mounted(sent, server, registry):
    adapter = integration("requests", "requests").PropagatingAdapter
    import requests

    with requests.Session() as session, correlations.use(correlations.begin()) as chain:
        session.mount(server.url, adapter())
        session.get(server.url + "/api/v1/sampling/resolved", timeout=5)
    assert registry.asked[-1].headers["traceparent"].split("-")[1] == chain.trace_id


# --- logs --------------------------------------------------------------------------------------


@pytest.fixture
def log():
    logger = logging.getLogger("shop.orders")
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.handlers.clear()
    logger.filters.clear()


def test_log_records_become_events_of_their_chain(sent, log):
    logs = integration("logging")
    log.addHandler(logs.EventHandler(level=logging.WARNING))
    with onex_sdk.operation("order"):
        log.info("not told")
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError:
            log.exception("order %s failed", 7, extra={"order": 7})
    events = sent()
    (told,) = (event for event in events if event["event_type"] == "STRUCTURED_LOG")
    metadata = told["metadata"]
    jsonschema_rs.Draft202012Validator(logs.SCHEMA).validate(metadata)
    assert (metadata["level"], metadata["message"]) == ("ERROR", "order 7 failed")
    assert (metadata["error_type"], metadata["fields"]) == ("ZeroDivisionError", {"order": 7})
    assert "1 / 0" in metadata["stack_trace"]
    assert told["correlation_id"] == events[0]["correlation_id"]


def test_what_the_client_logs_itself_is_no_event(sent):
    handler = integration("logging").EventHandler()
    for name in ("onex_sdk", "httpx", "httpcore.connection"):
        handler.handle(logging.LogRecord(name, logging.ERROR, "", 0, "x", (), None))
    assert sent() == []


def test_a_record_that_cannot_be_formatted_is_loggings_affair(sent, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    handler = integration("logging").EventHandler()
    handler.handle(logging.LogRecord("shop", logging.ERROR, "", 0, "%d", ("x",), None))
    assert sent() == []


def test_log_lines_name_their_chain(log, caplog):
    caplog.handler.addFilter(integration("logging").CorrelationFilter())
    with correlations.use(correlations.begin()) as chain:
        log.info("within")
    log.info("without")
    within, without = caplog.records
    assert (within.correlation_id, within.trace_id) == (chain.correlation_id, chain.trace_id)
    assert (without.correlation_id, without.parent_correlation_id) == ("", "")


def test_lines_of_structlog_name_their_chain_and_become_events(sent):
    processors = integration("structlog", "structlog")
    import structlog

    lines = []
    logger = structlog.wrap_logger(
        structlog.PrintLogger(),
        processors=[
            structlog.processors.add_log_level,
            processors.add_correlation,
            processors.EmitEvents(min_level="warning"),
            lambda _logger, _method, line: lines.append(line) or "",
        ],
    )
    with correlations.use(correlations.begin()) as chain:
        logger.info("quiet", order=6)
        logger.warning("loud", order=7)
    assert [line["correlation_id"] for line in lines] == [chain.correlation_id] * 2
    (event,) = sent()
    assert event["correlation_id"] == chain.correlation_id
    assert event["metadata"] == {"level": "WARNING", "logger": "", "message": "loud", "fields": {"order": 7}}
