"""The whole story over HTTP: what a team does with the registry in its first hour."""

import gzip
import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
import zstandard
from jsonschema import Draft202012Validator
from jsonschema_rs import validator_for
from standardwebhooks.webhooks import Webhook

from onex_sdk import RegistryClient
from tests.onex import an_event, ok
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(200)]

SUBJECT = "journey.file_stamped"
FIRST = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["path", "hash"],
    "properties": {
        "path": {"type": "string"},
        "hash": {"type": "string", "pattern": "^[0-9a-f]{8}$"},
        "tries": {"type": "integer", "minimum": 1},
    },
}
REFUSED = {**FIRST, "required": ["path", "hash", "tries"]}
WIDER = {**FIRST, "properties": {**FIRST["properties"], "note": {"type": "string"}}}
GOOD = {"path": "a.py", "hash": "00c0ffee"}
# Each breaks FIRST in a way of its own.
BAD = [
    {"path": "a.py"},
    {"path": 7, "hash": "00c0ffee"},
    {"path": "a.py", "hash": "00C0FFEE"},
    {"path": "a.py", "hash": "00c0ffee\n"},
    {"path": "a.py", "hash": "00c0ffee", "tries": 0},
]
NODE = "stamper-7"
SPEED = 4.0
BETWEEN = 0.4
# How late an event of a replay may be on a machine that is busy with other tests.
TOLERANCE = 0.25


def test_a_team_registers_is_refused_validates_sends_is_alerted_and_replays(registry, api, receiver):
    register(api)
    be_refused_and_shown_why(api)
    rule_id, secret = make_rule(api, receiver.url("/story/alert"))
    validate_before_sending_with_the_servers_verdict(registry)
    correlation_id = send_in_every_form(api)
    see_the_violations(api)
    be_told_once_and_told_that_it_is_over(api, receiver, rule_id, secret)
    replay_in_order_and_rhythm(api, receiver, correlation_id)


def register(api):
    answer = ok(api.post(f"subjects/{SUBJECT}/versions", json=uploaded(FIRST)))
    assert (answer["version"], answer["semver"]) == (1, "1.0.0")
    again = ok(api.post(f"subjects/{SUBJECT}/versions", json=uploaded(FIRST)))
    assert again["id"] == answer["id"]


def be_refused_and_shown_why(api):
    refused = api.post(f"subjects/{SUBJECT}/versions", json=uploaded(REFUSED))
    assert refused.status_code == 409
    body = refused.json()
    assert body["error_code"] == 40901
    witness = body["details"]["witness"]["instance"]
    assert Draft202012Validator(FIRST).is_valid(witness)
    assert validator_for(FIRST).is_valid(witness)
    assert not Draft202012Validator(REFUSED).is_valid(witness)
    assert not validator_for(REFUSED).is_valid(witness)
    assert any("tries" in change["sentence"] for change in body["details"]["changes"])
    assert ok(api.get(f"subjects/{SUBJECT}/versions")) == [1]

    wider = ok(api.post(f"subjects/{SUBJECT}/versions", json=uploaded(WIDER)))
    assert wider["semver"] == "1.1.0"
    major = ok(api.post(f"subjects/{SUBJECT}/versions", json={**uploaded(REFUSED), "semver": "2.0.0"}))
    assert (major["version"], major["semver"]) == (3, "2.0.0")


def make_rule(api, target):
    channel = ok(api.post("alerts/channels", json={"name": "the story's", "url": target}))
    rule = ok(
        api.post(
            "alerts/rules",
            json={
                "name": "a stamper retries",
                "selector": {
                    "all": [
                        {"field": "event_type", "op": "eq", "value": SUBJECT},
                        {"field": "metadata.tries", "op": "gte", "value": 3},
                    ]
                },
                "threshold": 3,
                "window_seconds": 10,
                "group_by": ["node_id"],
                "severity": "error",
                "channels": [channel["channel"]["id"]],
            },
        )
    )
    return rule["rule"]["id"], channel["secret"]


def validate_before_sending_with_the_servers_verdict(registry):
    with RegistryClient(registry.url, registry.token) as sdk:
        assert json.loads(sdk.schema(SUBJECT, "^1.0").schema.text) == WIDER
        verdicts = [sdk.validate(SUBJECT, metadata, "1.0.0") for metadata in (GOOD, *BAD)]
        sent = sdk.send(an_event(SUBJECT, m, schema_version="1.0.0") for m in (GOOD, *BAD))

    assert verdicts[0] == []
    assert all(verdicts[1:])
    for own, result in zip(verdicts, sent.results, strict=True):
        of_server = {(e.pointer.removeprefix("/metadata"), e.keyword, e.message) for e in result.errors}
        assert {(v.pointer, v.keyword, v.message) for v in own} == of_server
        assert result.status == ("stored_with_violations" if own else "stored")


def send_in_every_form(api):
    """One chain of work whose events tell when each happened, sent in five forms and out of order."""
    began = datetime.now(UTC) - timedelta(seconds=4)
    chain = [
        an_event(
            SUBJECT,
            {**GOOD, "tries": n},
            schema_version="1.0.0",
            correlation_id="journey-chain",
            node_id=NODE,
            timestamp=(began + timedelta(seconds=n * BETWEEN)).isoformat(),
        )
        for n in range(1, 8)
    ]
    forms = [
        (json.dumps(chain[6]).encode(), {}),
        (json.dumps(chain[:2]).encode(), {}),
        (
            b"\n".join(json.dumps(event).encode() for event in chain[2:4]),
            {"Content-Type": "application/x-ndjson"},
        ),
        (gzip.compress(json.dumps(chain[4:5]).encode()), {"Content-Encoding": "gzip"}),
        (zstandard.compress(json.dumps(chain[5]).encode()), {"Content-Encoding": "zstd"}),
    ]
    for body, headers in forms:
        answer = ok(api.post("events", content=body, headers={"Content-Type": "application/json", **headers}))
        assert set(answer["counts"]) == {"stored"}
    for body, headers in forms:
        answer = ok(api.post("events", content=body, headers={"Content-Type": "application/json", **headers}))
        assert set(answer["counts"]) == {"duplicate"}
    with_other_bytes = json.dumps({**chain[0], "node_id": "another"}).encode()
    assert ok(api.post("events", content=with_other_bytes))["counts"] == {"conflict": 1}
    assert api.get(f"events/{chain[0]['event_id']}").content == json.dumps(chain[0]).encode()
    return "journey-chain"


def see_the_violations(api):
    found = ok(api.get("events", params={"type": SUBJECT, "valid": "false"}))["items"]
    assert {(v["pointer"], v["keyword"]) for event in found for v in event["violations"]} == {
        ("/metadata", "required"),
        ("/metadata/path", "type"),
        ("/metadata/hash", "pattern"),
        ("/metadata/tries", "minimum"),
    }


def be_told_once_and_told_that_it_is_over(api, receiver, rule_id, secret):
    firing, resolved = told = receiver.wait_for("/story/alert", 2, 40)
    for message in told:
        Webhook(secret).verify(message.body, message.headers)
    first, last = (json.loads(message.body) for message in (firing, resolved))
    assert (first["type"], last["type"]) == ("alert.firing", "alert.resolved")
    assert first["data"]["group"] == {"node_id": NODE}
    assert first["data"]["count"] >= 3
    episodes = ok(api.get("alerts/episodes", params={"rule": rule_id}))["items"]
    assert [(one["state"], one["matches"]) for one in episodes] == [("resolved", 5)]
    detail = ok(api.get(f"alerts/episodes/{episodes[0]['id']}"))
    assert len(detail["episode"]["evidence"]) == 5
    until(lambda: {d["state"] for d in deliveries(api, episodes[0]["id"])} == {"delivered"})


def deliveries(api, episode_id):
    return ok(api.get(f"alerts/episodes/{episode_id}"))["deliveries"]


def replay_in_order_and_rhythm(api, receiver, correlation_id):
    wanted = {
        "correlation_id": correlation_id,
        "target": receiver.url("/story/replay"),
        "secret": receiver.secret,
        "speed": SPEED,
    }
    plan = ok(api.post("replays/plan", json={"correlation_id": correlation_id}))
    assert (plan["total"], round(plan["length"], 3)) == (7, round(6 * BETWEEN, 3))
    run = ok(api.post("replays", json=wanted))
    arrived = receiver.wait_for("/story/replay", 7, 30)

    assert [json.loads(message.body)["metadata"]["tries"] for message in arrived] == [1, 2, 3, 4, 5, 6, 7]
    assert all(message.signed for message in arrived)
    gaps = [after.at - before.at for before, after in itertools.pairwise(arrived)]
    assert gaps == pytest.approx([BETWEEN / SPEED] * 6, abs=TOLERANCE)
    whole = arrived[-1].at - arrived[0].at
    assert whole == pytest.approx(6 * BETWEEN / SPEED, abs=TOLERANCE)
    done = until(lambda: finished(api, run["id"]))
    assert (done["state"], done["done"], done["failed"]) == ("completed", 7, 0)


def finished(api, run_id):
    run = ok(api.get(f"replays/{run_id}"))["replay"]
    return run if run["state"] in {"completed", "failed", "cancelled"} else None


def uploaded(schema):
    return {"schemaType": "JSON", "schema": json.dumps(schema)}
