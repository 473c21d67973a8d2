"""Redaction: values under names that say they are secret are replaced before the event leaves."""

import json

import pytest

import onex_sdk
from onex_sdk._redaction import Redactor


def _redacted(metadata, **options):
    return Redactor(**options).redact({"event_type": "t", "metadata": metadata})["metadata"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("password", "[PASSWORD_REDACTED]"),
        ("userPassword", "[PASSWORD_REDACTED]"),
        ("DB_PASSWD", "[PASSWORD_REDACTED]"),
        ("access_token", "[MASKED]"),
        ("client-secret", "[SECRET]"),
        ("apiKey", "[KEY_REDACTED]"),
        ("API_KEY", "[KEY_REDACTED]"),
        ("private_key", "[KEY_REDACTED]"),
        ("credentials", "[REDACTED]"),
        ("Authorization", "[REDACTED]"),
        ("salt", "[REDACTED]"),
    ],
)
def test_a_name_with_a_secret_word_is_redacted(name, word):
    assert _redacted({name: "hunter2"}) == {name: word}


@pytest.mark.parametrize(
    "name",
    [
        "author",
        "kwargs_keys",
        "monkey",
        "keyboard",
        "data_checksum",
        "data_hash",
        "idempotencyKey",
        "hashtag",
    ],
)
def test_a_name_that_only_contains_the_letters_is_left_alone(name):
    assert _redacted({name: "x"}) == {name: "x"}


def test_it_goes_through_objects_and_lists_and_leaves_null():
    metadata = {"a": [{"token": "t", "b": {"secret": {"deep": 1}}}, ["x"]], "password": None}
    assert _redacted(metadata) == {
        "a": [{"token": "[MASKED]", "b": {"secret": "[SECRET]"}}, ["x"]],
        "password": None,
    }
    assert metadata["a"][0]["token"] == "t"


def test_names_and_exceptions_can_be_added():
    assert _redacted({"iban": "DE00", "customer_iban": "DE00"}, names=["iban"]) == {
        "iban": "[REDACTED]",
        "customer_iban": "[REDACTED]",
    }
    assert _redacted({"token": "t"}, exceptions=["token"]) == {"token": "t"}
    assert _redacted({"data_hash": "h"}, names=["data_hash"]) == {"data_hash": "[REDACTED]"}
    assert _redacted({"token": "t", "iban": "i"}, names=["iban"], only=True) == {
        "token": "t",
        "iban": "[REDACTED]",
    }


def test_a_client_redacts_what_it_emits(server, registry, token):
    client = onex_sdk.init(server.url, token, "shop", redact=True, redact_names="iban", redact_except="token")
    onex_sdk.emit("order.created", {"password": "hunter2", "iban": "DE00", "token": "t", "amount": 3})
    assert client.flush()
    (event,) = json.loads(registry.asked[-1].body)
    assert event["metadata"] == {
        "password": "[PASSWORD_REDACTED]",
        "iban": "[REDACTED]",
        "token": "t",
        "amount": 3,
    }
    assert client.close()
