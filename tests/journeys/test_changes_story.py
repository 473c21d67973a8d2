"""A version published over HTTP is told: as an event, on its page, by a rule, to a subscriber, and again by a replay."""

import json

import pytest
from standardwebhooks.webhooks import Webhook

from tests.onex import ok
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120)]
SUBJECT, KIND, RELEASE = "told.order", "registry.version.published", "release-42"
SCHEMA = {"type": "object", "properties": {"amount": {"type": "integer"}}}


def test_a_published_version_is_told_everywhere(api, pages, receiver):
    subscribed = ok(
        api.post(
            "subscriptions",
            json={"name": "told", "subject_prefix": "told.", "url": receiver.url("/told/subscription")},
        )
    )
    rule_secret = make_rule(api, receiver.url("/told/rule"))
    published = api.post(
        f"subjects/{SUBJECT}/versions",
        json={"schema": json.dumps(SCHEMA)},
        headers={"X-Correlation-Id": RELEASE},
    )
    ok(published)

    [event] = until(lambda: ok(api.get("events", params={"correlation_id": RELEASE}))["items"])
    assert (event["event_type"], event["violations"], event["lints"]) == (KIND, None, None)
    assert event["event"]["metadata"]["subject"] == SUBJECT
    assert SUBJECT in pages.get(f"/events/id/{event['event_id']}").text

    came = until(lambda: receiver.at("/told/subscription"))[0]
    body = Webhook(subscribed["secret"]).verify(came.body, dict(came.headers))
    assert (body["id"], body["subject"]) == (event["event_id"], SUBJECT)
    ok(api.get(body["dataschema"].partition("/api/v1/")[2]))

    came = until(lambda: receiver.at("/told/rule"))[0]
    fired = Webhook(rule_secret).verify(came.body, dict(came.headers))
    assert fired["data"]["evidence"][0]["event_id"] == event["event_id"]

    ok(
        api.post(
            "replays",
            json={"correlation_id": RELEASE, "target": receiver.url("/told/replay"), "speed": "max"},
        )
    )
    came = until(lambda: receiver.at("/told/replay"))[0]
    assert json.loads(came.body)["metadata"] == event["event"]["metadata"]


def make_rule(api, url):
    """The secret of the channel that is told when a version of the subject is published."""
    channel = ok(api.post("alerts/channels", json={"name": "told", "url": url}))
    selector = {
        "all": [
            {"field": "event_type", "op": "eq", "value": KIND},
            {"field": "metadata.subject", "op": "eq", "value": SUBJECT},
        ]
    }
    rule = {"name": "told", "selector": selector, "threshold": 1, "channels": [channel["channel"]["id"]]}
    ok(api.post("alerts/rules", json=rule))
    return channel["secret"]
