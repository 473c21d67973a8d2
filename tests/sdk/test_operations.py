"""Operations: START, and SUCCESS or ERROR, in a chain of work of their own, whatever kind of code they surround."""

import asyncio
import enum
import json
from pathlib import Path

import jsonschema_rs
import pytest

import onex_sdk
from onex_sdk import _correlation as correlations
from onex_sdk import current, headers
from onex_sdk._operations import Operation

ONEX = Path(__file__).parents[2] / "registry" / "onex"


class Told(list):
    """What was emitted, filled as a client fills it; `keep` says whether it is."""

    keep = True

    def __call__(self, event_type, metadata=None, *, schema_version=None):
        event = {"event_type": event_type, "metadata": metadata, "schema_version": schema_version}
        correlations.fill(event)
        self.append(event)
        return "id" if self.keep else None

    @property
    def phases(self):
        return [event["event_type"].rpartition("_")[2] for event in self]


@pytest.fixture
def told():
    return Told()


@pytest.fixture(autouse=True)
def _valid_by_the_catalogue(told):
    """Whatever a test emits is valid by ONEX's own schemas."""
    yield
    for event in told:
        file = ONEX / f"{event['event_type'].lower()}-{event['schema_version']}.json"
        schema = json.loads(file.read_text(encoding="utf-8"))
        jsonschema_rs.Draft202012Validator(schema).validate(event["metadata"])
    assert current() is None


def test_an_operation_tells_that_it_began_and_how_it_ended(told):
    with Operation(told, "process_file", tags={"team": "ingest"}, context={"batch": "1"}) as operation:
        assert current() is operation.correlation
        operation.measure(rows=12)
    start, success = told
    assert start["event_type"] == "TELEMETRY_OPERATION_START"
    assert start["metadata"] == {
        "operation": "process_file",
        "function": f"{__name__}.test_an_operation_tells_that_it_began_and_how_it_ended"
        if hasattr(test_an_operation_tells_that_it_began_and_how_it_ended.__code__, "co_qualname")
        else start["metadata"]["function"],
        "context": {"batch": "1"},
        "tags": {"team": "ingest"},
    }
    assert success["event_type"] == "TELEMETRY_OPERATION_SUCCESS"
    assert success["metadata"]["performance_metrics"] == {"rows": 12}
    assert success["metadata"]["success"] is True
    assert success["metadata"]["execution_time_ms"] >= 0
    for name in ("correlation_id", "trace_id", "span_id"):
        assert start[name] == success[name]


def test_operations_nest(told):
    with Operation(told, "outer") as outer, Operation(told, "inner"):
        pass
    assert told.phases == ["START", "START", "SUCCESS", "SUCCESS"]
    assert (
        told[1]["parent_correlation_id"]
        == told[2]["parent_correlation_id"]
        == outer.correlation.correlation_id
    )
    assert "parent_correlation_id" not in told[3]
    assert len({event["trace_id"] for event in told}) == 1


class Code(enum.Enum):
    NOT_FOUND = "ONEX_STAMP_001_FILE_NOT_FOUND"


class Coded(Exception):
    error_code = Code.NOT_FOUND
    recoverable = False


class Foreign(Exception):
    error_code = "E-17"


class Mute(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no"), {"error_type": "ValueError", "error_message": "no"}),
        (
            Coded("gone"),
            {
                "error_type": "Coded",
                "error_message": "gone",
                "error_code": "ONEX_STAMP_001_FILE_NOT_FOUND",
                "recoverable": False,
            },
        ),
        (Foreign("x"), {"error_type": "Foreign", "error_message": "x"}),
        (Mute(), {"error_type": "Mute", "error_message": ""}),
        (ValueError("y" * 9_000), {"error_type": "ValueError", "error_message": "y" * 2_000}),
        (KeyboardInterrupt(), {"error_type": "KeyboardInterrupt", "error_message": ""}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_exception_ends_it_with_error_and_goes_on(told, error, expected):
    with pytest.raises(type(error)), Operation(told, "fail"):
        raise error
    assert told.phases == ["START", "ERROR"]
    metadata = told[1]["metadata"]
    assert {name: metadata[name] for name in metadata if name.startswith(("error", "recover"))} == expected
    assert metadata["success"] is False


def test_an_operation_can_fail_without_an_exception(told):
    with Operation(told, "GET /orders") as operation:
        operation.fail("HTTP 503", "Service Unavailable", recoverable=True)
    assert told.phases == ["START", "ERROR"]
    assert told[1]["metadata"]["error_type"] == "HTTP 503"
    assert told[1]["metadata"]["recoverable"] is True


def test_a_decorated_function_is_an_operation_at_every_call(told):
    @Operation(told, None)
    def add(a, *, secret):
        return a + secret

    assert add(1, secret=2) == 3
    assert add(2, secret=2) == 4
    assert told.phases == ["START", "SUCCESS"] * 2
    start, success = told[0]["metadata"], told[1]["metadata"]
    assert start["operation"] == "add"
    assert (start["args_count"], start["kwargs_keys"]) == (1, ["secret"])
    assert start["function"].endswith("test_a_decorated_function_is_an_operation_at_every_call.<locals>.add")
    assert success["result_type"] == "int"
    assert told[0]["correlation_id"] != told[2]["correlation_id"]


def test_a_decorated_coroutine_is_one_operation_while_others_run(told):
    @Operation(told, "fetch")
    async def fetch(name):
        before = current().correlation_id
        await asyncio.sleep(0)
        assert current().correlation_id == before
        return name

    async def main():
        return await asyncio.gather(fetch("a"), fetch("b"))

    assert asyncio.run(main()) == ["a", "b"]
    assert told.phases == ["START", "START", "SUCCESS", "SUCCESS"]


def test_async_with_is_the_same(told):
    async def main():
        async with Operation(told, "work"):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert told.phases == ["START", "SUCCESS"]


def test_who_reads_a_decorated_generator_is_not_within_its_operation(told):
    @Operation(told, "rows")
    def rows():
        got = yield current().correlation_id
        assert got == "hello"
        yield current().correlation_id
        return "done"

    with correlations.use(correlations.begin("reader")):
        reading = rows()
        first = next(reading)
        assert current().correlation_id == "reader"
        assert reading.send("hello") == first != "reader"
        with pytest.raises(StopIteration, match="done"):
            next(reading)
        assert current().correlation_id == "reader"
    assert told.phases == ["START", "SUCCESS"]


def test_a_generator_that_is_closed_early_has_not_failed(told):
    @Operation(told, "rows")
    def rows():
        yield 1
        yield 2

    reading = rows()
    next(reading)
    reading.close()
    assert told.phases == ["START", "SUCCESS"]


def test_a_decorated_async_generator_may_fail(told):
    @Operation(told, "rows")
    async def rows():
        yield 1
        raise ValueError("torn")

    async def main():
        seen = []

        async def read():
            async for row in rows():
                assert current() is None
                seen.append(row)

        with pytest.raises(ValueError, match="torn"):
            await read()
        return seen

    assert asyncio.run(main()) == [1]
    assert told.phases == ["START", "ERROR"]


def test_a_generator_that_holds_an_operation_open_leaves_others_alone(told):
    def rows():
        with Operation(told, "rows"):
            yield 1

    with Operation(told, "outer") as outer:
        reading = rows()
        next(reading)
        with Operation(told, "beside") as beside:
            assert next(reading, None) is None
            assert current() is beside.correlation
        correlations.enter(outer.correlation)


def test_a_tree_that_is_not_kept_tells_the_next_process_so(told):
    told.keep = False
    with Operation(told, "dropped"):
        assert headers()["traceparent"].endswith("-02")
    told.keep = True
    with Operation(told, "kept"):
        assert headers()["traceparent"].endswith("-03")


def test_the_operations_of_the_module_are_those_of_the_client_of_the_process(server, registry, token):
    @onex_sdk.operation("before the client is there")
    def work():
        onex_sdk.emit("step.done")

    client = onex_sdk.init(server.url, token, "shop")
    work()
    assert client.flush()
    sent = registry.events
    assert [event["event_type"] for event in sent] == [
        "TELEMETRY_OPERATION_START",
        "step.done",
        "TELEMETRY_OPERATION_SUCCESS",
    ]
    assert len({event["correlation_id"] for event in sent}) == 1
    client.close()
