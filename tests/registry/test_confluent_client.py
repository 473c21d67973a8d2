"""The unmodified PyPI client of Confluent, against a server on a socket."""

import json

import pytest
from confluent_kafka.schema_registry import (
    ConfigCompatibilityLevel,
    Metadata,
    MetadataProperties,
    Rule,
    RuleKind,
    RuleMode,
    RuleSet,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    ServerConfig,
)
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


@pytest.fixture(params=["basic", "bearer"])
def client(request, live_server, owner):
    with client_of(live_server, owner.secret, kind=request.param) as client:
        yield client


def client_of(live_server, secret, *, kind="basic", base="/api/v1"):
    bearer = {
        "bearer.auth.credentials.source": "STATIC_TOKEN",
        "bearer.auth.token": secret,
        "bearer.auth.logical.cluster": "lsrc-1",
        "bearer.auth.identity.pool.id": "pool-1",
    }
    login = {"basic.auth.user.info": f"anyone:{secret}"} if kind == "basic" else bearer
    return SchemaRegistryClient({"url": f"{live_server.url}{base}", **login})


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
    referring = {**ORDER, "properties": {"id": {"$ref": "id.json"}}}
    text = schema(referring, [SchemaReference("id.json", "id", 1)])
    serializer = JSONSerializer(text, client)
    deserializer = JSONDeserializer(text, schema_registry_client=client)
    context = SerializationContext("orders", MessageField.VALUE)
    framed = serializer({"id": 7}, context)
    assert framed[0] == 0
    assert deserializer(framed, context) == {"id": 7}
    assert client.get_subjects() == ["id", "orders-value"]


def test_everything_below_a_context_is_its_own(live_server, owner):
    with (
        client_of(live_server, owner.secret) as everywhere,
        client_of(live_server, owner.secret, base="/api/v1/contexts/.berlin") as berlin,
    ):
        there = berlin.register_schema(NAME, schema(ORDER))
        assert json.loads(berlin.get_schema(there).schema_str) == ORDER
        assert berlin.get_subjects() == [f":.berlin:{NAME}"]
        assert berlin.set_compatibility(level="NONE")["compatibility"] == "NONE"
        assert (berlin.get_compatibility(), everywhere.get_compatibility()) == ("NONE", "BACKWARD")
        assert everywhere.get_contexts() == [".", ".berlin"]
        assert berlin.get_subjects_by_schema_id(there) == [f":.berlin:{NAME}"]
        context = SerializationContext("orders", MessageField.VALUE)
        framed = JSONSerializer(schema(ORDER), berlin)({"id": 7}, context)
        assert JSONDeserializer(None, schema_registry_client=berlin)(framed, context) == {"id": 7}


def test_metadata_and_rules_come_back_with_the_id(client):
    rule = Rule(
        "check", None, RuleKind.CONDITION, RuleMode.WRITE, "CEL", None, None, "true", None, None, False
    )
    whole = Schema(
        json.dumps(ORDER),
        "JSON",
        metadata=Metadata(tags=None, properties=MetadataProperties({"owner": "shop"}), sensitive=None),
        rule_set=RuleSet(None, [rule]),
    )
    registered = client.register_schema_full_response(NAME, whole)
    found = client.get_schema(registered.schema_id)
    assert found.metadata.properties.properties == {"owner": "shop"}
    assert [one.name for one in found.rule_set.domain_rules] == ["check"]
    assert client.get_latest_with_metadata(NAME, {"owner": "shop"}).version == 1
    assert client.get_schema_by_guid(registered.guid).schema_str == json.dumps(ORDER)


def test_configurations_and_modes(client):
    client.set_config(
        NAME, ServerConfig(compatibility=ConfigCompatibilityLevel.FULL, compatibility_group="major")
    )
    found = client.get_config(NAME)
    assert (found.compatibility_level, found.compatibility_group) == ("FULL", "major")
    client.delete_config(NAME)
    with pytest.raises(SchemaRegistryError) as none:
        client.get_config(NAME)
    assert none.value.error_code == 40408
    assert client.get_global_mode() == "READWRITE"
    client.update_mode(NAME, "READONLY")
    assert client.get_mode(NAME) == "READONLY"
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(NAME, schema(ORDER))
    assert refused.value.error_code == 42205


def test_who_uses_a_schema(client):
    base = client.register_schema("id", schema({"type": "integer"}))
    referring = {**ORDER, "properties": {"id": {"$ref": "id.json"}}}
    user = client.register_schema(NAME, schema(referring, [SchemaReference("id.json", "id", 1)]))
    assert client.get_referenced_by("id", 1) == [user]
    assert [(v.subject, v.version) for v in client.get_schema_versions(base)] == [("id", 1)]
    assert client.get_schema_types() == ["JSON"]
    assert client.get_version(NAME, 1).schema.references[0].subject == "id"


def test_a_wrong_token_is_told_apart(live_server):
    with client_of(live_server, "onex_wrong") as client, pytest.raises(SchemaRegistryError) as refused:
        client.get_subjects()
    assert refused.value.http_status_code == 401
