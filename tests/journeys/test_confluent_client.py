"""The unmodified PyPI client of Confluent against the server that people run, proxies of the path included."""

import json

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(200),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:confluent_kafka"),
]
ORDER = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Order",
    "type": "object",
    "properties": {"id": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["id"],
}
NARROWER = {**ORDER, "required": ["id", "note"]}
WIDER = {**ORDER, "properties": {**ORDER["properties"], "gift": {"type": "boolean"}}}
# The server sees decoded paths: a slash of the name and one of the address look alike to it.
NAMES = [
    "orders-value",
    "shops/berlin/orders-value",
    "a%2Fb 100% größe",
    "/leading",
    "versions/1",
    "x/config-of",
]


@pytest.fixture
def client(registry):
    given = {"url": registry.api, "basic.auth.user.info": f"{registry.login}:{registry.token}"}
    with SchemaRegistryClient(given) as client:
        yield client


def schema(value):
    return Schema(json.dumps(value), "JSON")


def refusal(call, *arguments, **named):
    with pytest.raises(SchemaRegistryError) as refused:
        call(*arguments, **named)
    return refused.value.http_status_code, refused.value.error_code


@pytest.mark.parametrize("name", NAMES)
def test_a_subject_lives_and_dies_under_any_name(client, name):
    content_id = client.register_schema(name, schema(ORDER))
    assert name in client.get_subjects()
    assert json.loads(client.get_schema(content_id).schema_str) == ORDER
    found = client.lookup_schema(name, schema(ORDER))
    assert (found.schema_id, found.version, found.subject) == (content_id, 1, name)

    assert client.test_compatibility(name, schema(WIDER)) is True
    assert client.test_compatibility(name, schema(NARROWER)) is False
    assert refusal(client.register_schema, name, schema(NARROWER)) == (409, 40901)
    second = client.register_schema(name, schema(WIDER))
    assert client.get_latest_version(name).schema_id == second
    assert client.get_version(name, 1).schema_id == content_id
    assert client.get_versions(name) == [1, 2]

    assert client.set_compatibility(name, "NONE")["compatibility"] == "NONE"
    assert client.get_compatibility(name) == "NONE"
    assert client.register_schema(name, schema(NARROWER)) not in {content_id, second}

    assert client.delete_version(name, 3) == 3
    assert refusal(client.get_version, name, 3) == (404, 40402)
    assert client.delete_subject(name) == [1, 2]
    assert refusal(client.get_versions, name) == (404, 40401)
    assert client.delete_subject(name, permanent=True) == [1, 2, 3]
    assert name not in client.get_subjects()


def test_the_level_of_the_whole_instance(client):
    assert client.get_compatibility() == "BACKWARD"
    assert client.set_compatibility(level="FULL")["compatibility"] == "FULL"
    try:
        assert client.get_compatibility() == "FULL"
    finally:
        client.set_compatibility(level="BACKWARD")


def test_a_wrong_token_is_told_apart_from_a_missing_subject(registry):
    given = {"url": registry.api, "basic.auth.user.info": f"{registry.login}:onex_wrong"}
    with SchemaRegistryClient(given) as stranger:
        assert refusal(stranger.get_subjects)[0] == 401
        assert refusal(stranger.get_schema, 1)[0] == 401
