"""Replays have slots; alerts have a queue of their own. However many replays wait, an alert fires while they run."""

from datetime import UTC, datetime, timedelta

import pytest

from registry.local.programs import QUEUES
from tests.onex import an_event, ok
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(200)]
RUNS = 3 * QUEUES["replay"]
EVENTS_OF_A_RUN = 40
# As they are replayed: longer than the test takes.
SECONDS_OF_A_RUN = 120


def test_an_alert_fires_while_more_replays_run_than_there_are_slots(api, receiver):
    channel = ok(api.post("alerts/channels", json={"name": "beside", "url": receiver.url("/beside/alert")}))[
        "channel"
    ]["id"]
    rule = {
        "name": "failures beside replays",
        "selector": {"field": "node_id", "op": "eq", "value": "beside"},
        "threshold": 2,
        "channels": [channel],
    }
    ok(api.post("alerts/rules", json=rule))
    runs = start_replays(api, receiver)
    until(lambda: len(playing(api, runs)) > QUEUES["replay"], 60)

    failure = {"input_state": {}, "error": "the disk did not answer", "execution_time_ms": 3.5}
    sent = [an_event("NODE_FAILURE", failure, node_id="beside", schema_version="1.0.0") for _ in range(2)]
    ok(api.post("events", json=sent))
    receiver.wait_for("/beside/alert", 1, 60)

    # Every one of them was under way before the alert and after it: none starved either.
    before = {run: ok(api.get(f"replays/{run}"))["replay"]["done"] for run in runs}
    until(lambda: all(run["done"] > before[run["id"]] for run in all_of(api, runs)), 60)
    for run in runs:
        ok(api.post(f"replays/{run}/cancel"))
    assert {run["state"] for run in all_of(api, runs)} == {"cancelled"}


def start_replays(api, receiver):
    began = datetime.now(UTC) - timedelta(seconds=SECONDS_OF_A_RUN)
    gap = timedelta(seconds=SECONDS_OF_A_RUN / EVENTS_OF_A_RUN)
    events = [
        an_event(
            "NODE_START",
            {"input_state": {}},
            correlation_id=f"beside-{run}",
            timestamp=(began + n * gap).isoformat(),
            schema_version="1.0.0",
        )
        for run in range(RUNS)
        for n in range(EVENTS_OF_A_RUN)
    ]
    ok(api.post("events", json=events))
    target = receiver.url("/beside/replay")
    return [
        ok(api.post("replays", json={"correlation_id": f"beside-{run}", "target": target}))["id"]
        for run in range(RUNS)
    ]


def all_of(api, runs):
    return [ok(api.get(f"replays/{run}"))["replay"] for run in runs]


def playing(api, runs):
    return [run for run in all_of(api, runs) if run["state"] == "running" and run["done"]]
