"""A program instrumented with the SDK, sampled by the registry's rules: whole trees, all failures, and its profiles."""

import json
import math
import os
import subprocess
import sys
from collections import defaultdict

import pytest

from registry.local.home import CHECKOUT
from tests.onex import ok
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(200)]

NODE, SUBJECT, TREES, FAILING = "sampled_worker", "sampled.step", 400, 20
STEP = {"type": "object", "required": ["number"], "properties": {"number": {"type": "integer"}}}
# Every tree is three operations with a step in each; one in twenty fails at the bottom, and by that up to the top.
PROGRAM = f"""
import json, sys, time
import onex_sdk

client = onex_sdk.init(
    sys.argv[1], sys.argv[2], "sampled-shop", node_id="{NODE}-1", release="2.4.1", validation="strict",
    queue_events=100_000,
)
telemetry = ["TELEMETRY_OPERATION_" + phase for phase in ("START", "SUCCESS", "ERROR")]
assert client.prepare(*telemetry, "PERFORMANCE_PROFILE", schema_version="1.1.0"), client.stats()
assert client.prepare("{SUBJECT}", schema_version="1.0.0"), client.stats()


@onex_sdk.operation("charge")
def charge(number):
    onex_sdk.emit("{SUBJECT}", {{"number": number}}, schema_version="1.0.0")
    if number % {FAILING} == 0:
        raise TimeoutError("the bank does not answer")


def order(number):
    with client.operation("order") as outer:
        onex_sdk.emit("{SUBJECT}", {{"number": number}}, schema_version="1.0.0")
        with client.operation("reserve"):
            onex_sdk.emit("{SUBJECT}", {{"number": number}}, schema_version="1.0.0")
        charge(number)


def hash_tree(until):
    while time.perf_counter() < until:
        sum(range(500))


roots = []
for number in range({TREES}):
    try:
        order(number)
    except TimeoutError:
        pass
with client.operation("report"), client.profile("report", stacks=True) as profile:
    hash_tree(time.perf_counter() + 0.5)
    profile.count("orders", {TREES})
# Which is sampled by the program itself, so that no draw takes it away before it is judged.
refused = onex_sdk.emit("{SUBJECT}", {{"number": "none"}}, schema_version="1.0.0", sample_rate=1.0)
sent = client.flush(60)
print(json.dumps({{"stats": client.stats(), "sent": sent, "refused": refused}}))
client.close()
"""
# START and the end of three operations, and their steps.
WHOLE, OF_FAILURE = 9, {"TELEMETRY_OPERATION_ERROR": 2}


@pytest.fixture(scope="module")
def said(registry, api):
    """What the program says at its end."""
    answer = ok(api.post(f"subjects/{SUBJECT}/versions", json={"schema": json.dumps(STEP)}))
    assert answer["semver"] == "1.0.0"
    for event_type in ("TELEMETRY_*", SUBJECT):
        ok(api.post("sampling", json={"event_type": event_type, "node": NODE, "rate": 0.1}))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, registry.url, registry.token],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "sdk" / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def trees(api, said):
    """Trace → what the registry has of it, without the report at the end."""
    found, following = defaultdict(list), ""
    while following is not None:
        page = ok(api.get("events", params={"node": f"{NODE}-1", "limit": 100, "after": following}))
        for one in page["items"]:
            found[one["event"]["trace_id"]].append(one["event"])
        following = page["next"]
    return {trace: events for trace, events in found.items() if _operation_of(events) != "report"}


def _operation_of(events):
    return next((e["metadata"].get("operation") for e in events if "operation" in e["metadata"]), None)


def test_what_is_invalid_was_not_sent_and_nothing_else_is_missing(said):
    stats = said["stats"]
    assert said["sent"]
    assert said["refused"] is None
    assert stats["dropped_invalid"] == 1
    assert stats["emitted"] == stats["stored"] + stats["sampled_out"] + stats["dropped_invalid"]
    assert not stats.get("unjudged")


def test_trees_are_whole_and_failures_are_always_there(trees):
    whole = {trace: events for trace, events in trees.items() if len(events) == WHOLE}
    failures = {trace: events for trace, events in trees.items() if len(events) != WHOLE}
    # Of a tree that was dropped there are its two failures and nothing else.
    for events in failures.values():
        assert [event["event_type"] for event in events] == ["TELEMETRY_OPERATION_ERROR"] * 2
    ends = [e for events in trees.values() for e in events if e["event_type"].endswith("ERROR")]
    assert len(ends) == 2 * TREES / FAILING
    assert {event["sample_rate"] for event in ends} == {1.0}
    spread = math.sqrt(TREES * 0.1 * 0.9)
    assert abs(len(whole) - TREES * 0.1) < 4 * spread


def test_counts_are_right_within_their_interval(trees):
    events = [event for events in trees.values() for event in events]
    starts = [
        e for e in events if e["event_type"].endswith("START") and e["metadata"]["operation"] == "order"
    ]
    estimate = sum(1 / event["sample_rate"] for event in starts)
    assert abs(estimate - TREES) < 4 * math.sqrt(TREES * 0.9 / 0.1)
    failed = [
        e for e in events if e["event_type"].endswith("ERROR") and e["metadata"]["operation"] == "order"
    ]
    assert sum(1 / event["sample_rate"] for event in failed) == TREES / FAILING


def test_a_tree_is_shown_as_it_was(api, trees):
    events = next(
        events
        for events in trees.values()
        if len(events) == WHOLE and not any(e["event_type"].endswith("ERROR") for e in events)
    )
    top = next(event for event in events if "parent_correlation_id" not in event)
    shown = ok(api.get(f"correlations/{top['correlation_id']}"))
    operations = {row["operation"]: row for row in shown["operations"] if row["operation"]}
    order, reserve, charge = (operations[name] for name in ("order", "reserve", "charge"))
    assert {order["status"], reserve["status"], charge["status"]} == {"succeeded"}
    assert order["parent"] is None
    assert reserve["parent"] == charge["parent"] == order["number"]
    trace = ok(api.get(f"traces/{top['trace_id']}"))
    assert len(trace["events"]) == WHOLE


def test_the_profile_is_on_its_page_with_the_frames_it_was_in(pages, said):
    scope = {"service": "sampled-shop", "operation": "report"}
    # Profiles are noted in the background.
    listed = until(lambda: "2.4.1" in (text := _profiles(pages)) and text, 60)
    assert "report" in listed
    page = pages.get("/profiles/operation", params=scope).text.replace("<wbr>", "")
    for text in ("Where the time goes", "Own code", "__main__.hash_tree", "icicle-"):
        assert text in page


def _profiles(pages):
    return pages.get("/profiles", params={"service": "sampled-shop"}).text.replace("<wbr>", "")
