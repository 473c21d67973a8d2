"""Emitting: an event is queued at once and travels in a batch."""

import json

import pytest

import onex_sdk
from onex_sdk import InvalidOption


def _sent(registry):
    return [event for asked in registry.asked if asked.method == "POST" for event in json.loads(asked.body)]


def test_an_event_gets_an_envelope_and_is_sent(server, registry, token):
    client = onex_sdk.init(server.url, token, "shop", node_id="shop-1")
    event_id = onex_sdk.emit("order.created", {"amount": 3}, correlation_id="c-1")
    assert onex_sdk.client() is client
    assert client.flush()
    (event,) = _sent(registry)
    assert event.pop("timestamp").endswith("+00:00")
    assert event == {
        "event_id": event_id,
        "node_id": "shop-1",
        "event_type": "order.created",
        "correlation_id": "c-1",
        "metadata": {"amount": 3},
    }
    assert client.stats() == {"stored": 1, "queued": 0}
    assert client.close()


def test_an_option_that_cannot_be_is_told_at_once(server, token):
    with pytest.raises(InvalidOption, match="overflow is one of drop_oldest"):
        onex_sdk.init(server.url, token, "shop", overflow="drop_everything")
    with pytest.raises(InvalidOption, match="There is no option 'batchsize'"):
        onex_sdk.init(server.url, token, "shop", batchsize=3)
