"""Replay over REST, from the plan to the timing."""

import uuid

import pytest

from events.models import Replay
from tests.events.replays import play, store
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db
BODY = {"correlation_id": "order-1", "target": "https://example.com/hook"}


def test_the_whole_way(owner, settings):
    events = store(0.0, 0.2, 0.4)
    with Receiver() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.place]
        planned = owner.api.post("/api/v1/replays/plan", {"correlation_id": "order-1"}).json()
        assert (planned["total"], planned["order"], planned["length"]) == (3, "clock", 0.4)

        started = owner.api.post("/api/v1/replays", BODY | {"target": receiver.url, "speed": 4})
        assert started.status_code == 201
        run = started.json()
        assert (run["state"], run["speed"], run["done"], run["total"]) == ("pending", 4.0, 0, 3)
        assert run["ends_at"] is not None
        play(Replay.objects.get(pk=run["id"]))

    found = owner.api.get(f"/api/v1/replays/{run['id']}").json()
    assert found["replay"]["state"] == "completed"
    assert found["replay"]["ends_at"] is None
    assert found["timing"]["events"] == 3
    assert found["timing"]["late_p99_ms"] >= found["timing"]["late_p50_ms"] >= 0
    items = owner.api.get(f"/api/v1/replays/{run['id']}/items").json()["items"]
    assert [item["event_id"] for item in items] == [event.event_id for event in events]
    assert [item["status"] for item in items] == [204, 204, 204]
    assert owner.api.get("/api/v1/replays?state=completed").json()["items"][0]["id"] == run["id"]


def test_commands(owner):
    store(0.0, 1.0)
    run = owner.api.post("/api/v1/replays", BODY | {"speed": "max", "max_gap": 0.5}).json()
    assert (run["speed"], run["length"], run["skipped"]) == ("max", 0.5, 0.5)
    at = f"/api/v1/replays/{run['id']}"
    assert owner.api.post(f"{at}/pause").json()["state"] == "paused"
    assert owner.api.post(f"{at}/speed", {"speed": 0.5}).json()["speed"] == 0.5
    assert owner.api.post(f"{at}/resume").json()["state"] == "running"
    assert owner.api.post(f"{at}/cancel").json()["state"] == "cancelled"
    over = owner.api.post(f"{at}/resume")
    assert (over.status_code, over.json()["details"]["code"]) == (409, "replay_over")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"correlation_id": "unknown"}, 404, "correlation_not_found"),
        ({"correlation_id": ""}, 422, "invalid_replay"),
        ({"target": "http://169.254.169.254/"}, 422, "target_refused"),
        ({"target": "nonsense"}, 422, "target_refused"),
        ({"speed": 0}, 422, "invalid_request"),
        ({"speed": "fast"}, 422, "invalid_request"),
        ({"speed": True}, 422, "invalid_request"),
        ({"speed": 1e6}, 422, "invalid_replay"),
        ({"max_gap": -1}, 422, "invalid_replay"),
        ({"max_gap": "NaN"}, 422, "invalid_request"),
        ({"secret": "x"}, 422, "secret_invalid"),
    ],
)
def test_bad_input_is_answered_with_its_code(owner, change, status, code):
    store(0.0)
    answer = owner.api.post("/api/v1/replays", BODY | change)
    assert (answer.status_code, answer.json()["details"]["code"]) == (status, code)
    assert Replay.objects.count() == 0


def test_nobody_sees_or_steers_what_they_may_not_replay(owner, teammate, stranger, client):
    store(0.0)
    run = owner.api.post("/api/v1/replays", BODY).json()
    for person in (teammate, stranger):
        assert person.api.post("/api/v1/replays", BODY).status_code == 403
        assert person.api.post("/api/v1/replays/plan", BODY).status_code == 403
        assert person.api.get("/api/v1/replays").json()["items"] == []
        for command in ("", "/items"):
            assert person.api.get(f"/api/v1/replays/{run['id']}{command}").status_code == 404
        for command in ("pause", "resume", "cancel", "speed"):
            assert person.api.post(f"/api/v1/replays/{run['id']}/{command}", {"speed": 1}).status_code == 404
    assert client.get("/api/v1/replays").status_code == 401
    assert owner.api.get(f"/api/v1/replays/{uuid.uuid4()}").status_code == 404
