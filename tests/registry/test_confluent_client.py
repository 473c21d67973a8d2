"""The unmodified PyPI client of Confluent, against a server on a socket."""

import json

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:confluent_kafka")

ORDER = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Order",
    "type": "object",
    "properties": {"id": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["id"],
}
NAME = "shops/berlin:orders größe-value"


@pytest.fixture
def client(live_server, owner):
    with client_of(live_server, owner.secret) as client:
        yield client


def client_of(live_server, secret):
    return SchemaRegistryClient(
        {"url": f"{live_server.url}/api/v1", "basic.auth.user.info": f"anyone:{secret}"}
    )


def schema(value, references=()):
    return Schema(json.dumps(value), "JSON", list(references))


def wider(value):
    return {**value, "properties": {**value["properties"], "gift": {"type": "boolean"}}}


def test_the_whole_life_of_a_subject(client):
    content_id = client.register_schema(NAME, schema(ORDER))
    assert client.register_schema(NAME, schema(ORDER)) == content_id
    assert json.loads(client.get_schema(content_id).schema_str) == ORDER
    assert client.get_subjects() == [NAME]

    registered = client.lookup_schema(NAME, schema(ORDER))
    assert (registered.schema_id, registered.version, registered.subject) == (content_id, 1, NAME)

    assert client.test_compatibility(NAME, schema(wider(ORDER))) is True
    assert client.test_compatibility(NAME, schema({**ORDER, "required": ["id", "note"]})) is False
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(NAME, schema({**ORDER, "required": ["id", "note"]}))
    assert (refused.value.http_status_code, refused.value.error_code) == (409, 40901)

    second = client.register_schema(NAME, schema(wider(ORDER)))
    assert client.get_latest_version(NAME).schema_id == second
    assert client.get_version(NAME, 1).schema_id == content_id
    assert client.get_versions(NAME) == [1, 2]

    assert client.delete_version(NAME, 2) == 2
    assert client.delete_subject(NAME) == [1]
    assert client.delete_subject(NAME, permanent=True) == [1, 2]
    with pytest.raises(SchemaRegistryError) as gone:
        client.get_versions(NAME)
    assert gone.value.error_code == 40401


def test_levels(client):
    assert client.get_compatibility() == "BACKWARD"
    assert client.set_compatibility(NAME, "FULL")["compatibility"] == "FULL"
    assert client.get_compatibility(NAME) == "FULL"


def test_serializer_and_deserializer_with_a_reference(client):
    client.register_schema("id", schema({"type": "integer"}))
    from confluent_kafka.schema_registry import SchemaReference

    referring = {**ORDER, "properties": {"id": {"$ref": "id.json"}}}
    text = schema(referring, [SchemaReference("id.json", "id", 1)])
    serializer = JSONSerializer(text, client)
    deserializer = JSONDeserializer(text, schema_registry_client=client)
    context = SerializationContext("orders", MessageField.VALUE)
    framed = serializer({"id": 7}, context)
    assert framed[0] == 0
    assert deserializer(framed, context) == {"id": 7}
    assert client.get_subjects() == ["id", "orders-value"]


def test_a_wrong_token_is_told_apart(live_server):
    with client_of(live_server, "onex_wrong") as client, pytest.raises(SchemaRegistryError) as refused:
        client.get_subjects()
    assert refused.value.http_status_code == 401
