"""Profiles: what a step cost, told by ONEX's own schema; where it was, looked at while it ran."""

import asyncio
import gc
import json
import os
import threading
import time
from pathlib import Path

import jsonschema_rs
import pytest

from onex_sdk import Client, Options
from onex_sdk._profiling import ContinuousProfiler, Profile
from onex_sdk._stack_sampler import Stacks, sampler
from onex_sdk._usage import usage

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "registry/onex/performance_profile-1.1.0.json").read_text(encoding="utf-8")
)


@pytest.fixture
def told():
    """The metadata of what was emitted; all of it is valid by the catalogue."""
    events = []

    def emit(event_type, metadata=None, *, schema_version=None):
        assert (event_type, schema_version) == ("PERFORMANCE_PROFILE", "1.1.0")
        jsonschema_rs.Draft202012Validator(SCHEMA).validate(metadata)
        events.append(metadata)
        return "id"

    emit.events = events
    return emit


def busy(until):
    """Works until it is told to stop."""
    count = 0
    while not until():
        count += sum(range(200))
    return count


def busy_for_a_while():
    """Longer than a thread runs before it has to give way: in less, nobody can look at it."""
    end = time.perf_counter() + 0.02
    busy(lambda: time.perf_counter() > end)


def samples_of(stacks, least):
    return lambda: stacks.samples >= least


def test_a_step_tells_what_it_cost(told):
    with Profile(
        told, "load", named=lambda: {"service": "shop", "release": "2.4.1"}, tags={"a": "b"}
    ) as profile:
        # The step's own thread's: others work beside it.
        began = time.thread_time()
        busy(lambda: time.thread_time() - began > 0.05)
        profile.count("rows", 3)
        profile.count("rows")
    (metadata,) = told.events
    found = metadata["performance_profile"]
    assert (metadata["operation"], metadata["service"], metadata["release"]) == ("load", "shop", "2.4.1")
    assert metadata["tags"] == {"a": "b"}
    assert found["counters"] == {"rows": 4}
    assert found["cpu_user_ms"] + found["cpu_system_ms"] >= 30
    assert found["wall_time_ms"] == metadata["execution_time_ms"] >= 30
    assert found["memory_peak_mb"] >= found["memory_usage_mb"] > 1
    assert "top_frames" not in found
    assert "stacks" not in metadata


def test_the_collector_is_told(told):
    with Profile(told, "collect"):
        circle = []
        circle.append(circle)
        del circle
        gc.collect()
    found = told.events[0]["performance_profile"]["gc"]
    assert found["collections"] >= 1
    assert found["collected"] >= 1
    assert found["pause_ms"] > 0


def test_the_peak_of_a_step_is_seen_although_it_is_gone_at_the_end(told):
    with Profile(told, "peak"):
        held = bytearray(os.urandom(1) * 300_000_000)
        del held
    found = told.events[0]["performance_profile"]
    assert found["memory_peak_mb"] > found["memory_usage_mb"] + 200


def test_other_threads_do_not_count_unless_asked(told):
    stop = threading.Event()
    other = threading.Thread(target=busy, args=(stop.is_set,))
    other.start()
    try:
        for scope in ("thread", "process"):
            with Profile(told, scope, cpu=scope):
                before = time.process_time()
                while time.process_time() - before < 0.2:
                    time.sleep(0.01)
    finally:
        stop.set()
        other.join()
    own, whole = (
        sum(e["performance_profile"][n] for n in ("cpu_user_ms", "cpu_system_ms")) for e in told.events
    )
    assert own < whole / 2


def test_stacks_tell_where_the_step_was(told):
    with Profile(told, "load", stacks=True) as profile:
        busy(samples_of(profile._seen, 5))
    (metadata,) = told.events
    me = f"{__name__}.test_stacks_tell_where_the_step_was"
    top = metadata["performance_profile"]["top_frames"][0]
    assert top["function"].startswith(f"{__name__}.")
    assert sum(stack["samples"] for stack in metadata["stacks"]) >= 5
    # The outermost frame is the one that opened the profile: what is around it is none of the step's.
    assert {stack["frames"][0] for stack in metadata["stacks"]} == {me}
    assert any(f"{__name__}.busy" in stack["frames"] for stack in metadata["stacks"])
    whole = sum(stack["self_ms"] for stack in metadata["stacks"])
    assert whole <= metadata["execution_time_ms"] * 1.1
    assert sampler._collecting == ()


def test_stacks_of_a_task_leave_the_others_of_its_thread_out(told):
    async def other(until):
        while not until():
            busy_for_a_while()
            await asyncio.sleep(0)

    async def main():
        async def work():
            async with Profile(told, "work", stacks=True) as profile:
                ready.set_result(profile._seen)
                while not samples_of(profile._seen, 3)():
                    busy_for_a_while()
                    await asyncio.sleep(0)

        ready = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(work())
        await ready
        beside = asyncio.create_task(other(task.done))
        await asyncio.gather(task, beside)

    asyncio.run(main())
    frames = {frame for stack in told.events[0]["stacks"] for frame in stack["frames"]}
    assert not any(".other" in frame for frame in frames)
    assert any(".work" in frame for frame in frames)


def test_a_decorated_function_is_profiled_at_every_call(told):
    @Profile(told, None)
    def double(number):
        return number * 2

    assert [double(1), double(2)] == [2, 4]
    assert [metadata["operation"] for metadata in told.events] == ["double", "double"]
    assert told.events[0]["function"].endswith(".double")


def test_a_step_that_raises_is_told_all_the_same(told):
    with pytest.raises(ZeroDivisionError), Profile(told, "divide", stacks=True):
        1 / 0  # noqa: B018
    assert told.events[0]["operation"] == "divide"


def test_what_one_event_carries_of_stacks_is_bounded():
    code = compile("0", "x.py", "exec")
    stacks = Stacks(None)
    for number in range(6_000):
        stacks.add(tuple((code, f"{'m' * 100}{number}") for _ in range(20)), 0.01)
    assert len(stacks._seen) == 5_000
    assert len(stacks.as_frames()) == 20
    assert len(json.dumps(stacks.as_stacks())) < 100 * 1024


def test_the_most_expensive_stacks_come_first_and_a_recursion_takes_its_time_once():
    code = compile("0", "x.py", "exec")
    stacks = Stacks(None)
    stacks.add(((code, "a"), (code, "b")), 0.1)
    stacks.add(((code, "a"), (code, "a"), (code, "a")), 0.4)
    assert [stack["self_ms"] for stack in stacks.as_stacks()] == [400, 100]
    first, second = stacks.as_frames()
    assert (first["self_ms"], first["total_ms"]) == (400, 500)
    assert (second["self_ms"], second["total_ms"]) == (100, 100)


def test_all_threads_are_looked_at_until_it_is_stopped(told):
    stop = threading.Event()
    other = threading.Thread(target=busy, args=(stop.is_set,), name="busy")
    other.start()
    profiler = ContinuousProfiler(told, every=0.2, named=lambda: {"service": "shop"})
    while len(told.events) < 2:
        busy(lambda: len(told.events) >= 2)
    profiler.stop()
    stop.set()
    other.join()
    assert len(told.events) >= 3
    frames = {frame for metadata in told.events for stack in metadata["stacks"] for frame in stack["frames"]}
    assert f"{__name__}.busy" in frames
    assert not any(".ContinuousProfiler._run" in frame for frame in frames)
    assert sampler._collecting == ()


def test_a_client_names_service_and_release(server, registry, token):
    client = Client(
        Options.read({"url": server.url, "token": token, "service": "shop", "release": "2.4.1"}, {})
    )
    with client.operation("order"), client.profile("load"):
        pass
    client.flush()
    sent = registry.events
    profile = next(event for event in sent if event["event_type"] == "PERFORMANCE_PROFILE")
    assert (profile["metadata"]["service"], profile["metadata"]["release"]) == ("shop", "2.4.1")
    assert profile["correlation_id"] == sent[0]["correlation_id"]
    client.close()


def test_what_was_used_only_grows():
    before, after = usage("thread"), usage("thread")
    assert after.cpu_user >= before.cpu_user
    assert after.gc_collections >= before.gc_collections
