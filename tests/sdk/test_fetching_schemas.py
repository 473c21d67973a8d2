"""What is fetched, how often, and what goes on when the server is away."""

import json
import threading

import pytest

from onex_sdk import NotFound, Reference, RegistryClient, Unreachable

STRING, NUMBER = {"type": "string"}, {"type": "number"}


def test_a_version_says_its_subject_number_label_id_and_exact_text(registry, client):
    registry.publish("orders", '{ "type":"string" }')
    version = client.schema("orders")
    assert (version.subject, version.number, version.semver) == ("orders", 1, "1.0.0")
    assert (version.schema.id, version.schema.text) == (1, '{ "type":"string" }')


def test_a_number_is_asked_once_for_ever(registry, client, clock):
    registry.publish("orders", STRING)
    first = client.schema("orders", 1)
    clock.now += 10**9
    assert client.schema("orders", "1") is first
    assert len(registry.asked) == 1


def test_an_id_is_asked_once_and_not_at_all_when_a_version_brought_it(registry, client):
    registry.publish("orders", STRING)
    registry.publish("parcels", NUMBER)
    client.schema("orders")
    assert client.schema_by_id(1).text == json.dumps(STRING)
    assert client.schema_by_id(2) is client.schema_by_id(2)
    assert registry.paths() == ["/api/v1/subjects/orders/versions/latest", "/api/v1/schemas/ids/2"]


def test_latest_is_asked_again_after_its_time_and_only_then(registry, client, clock):
    registry.publish("orders", STRING)
    client.schema("orders")
    registry.publish("orders", NUMBER)
    clock.now += 59
    assert client.schema("orders").number == 1
    clock.now += 1
    assert client.schema("orders").number == 2


def test_an_unchanged_latest_costs_a_304(registry, client, clock):
    registry.publish("orders", STRING)
    first = client.schema("orders")
    clock.now += 60
    assert client.schema("orders") is first
    assert "if-none-match" in registry.asked[-1].headers
    clock.now += 59
    client.schema("orders")
    assert len(registry.asked) == 2


def test_a_server_without_etags_is_asked_in_full(registry, client, clock):
    registry.with_etags = False
    registry.publish("orders", STRING)
    first = client.schema("orders")
    clock.now += 60
    assert client.schema("orders") == first
    assert "if-none-match" not in registry.asked[-1].headers


def test_the_last_known_schema_goes_on_while_the_server_is_away(server, registry, client, clock):
    registry.publish("orders", STRING)
    first = client.schema("orders")
    server.stop()
    clock.now += 3600
    assert client.schema("orders") is first
    with pytest.raises(Unreachable, match="does not answer"):
        client.schema("parcels")


def test_the_last_known_schema_goes_on_while_the_server_asks_to_wait(registry, client, clock, canned):
    registry.publish("orders", STRING)
    first = client.schema("orders")
    clock.now += 60
    registry.next_answers.append(canned(503, {"error_code": 50300, "message": "Busy."}))
    assert client.schema("orders") is first


def test_a_deleted_subject_is_not_kept_alive(registry, client, clock):
    registry.publish("orders", STRING)
    client.schema("orders")
    registry.versions.clear()
    clock.now += 60
    with pytest.raises(NotFound):
        client.schema("orders")


@pytest.mark.parametrize("subject", ["com.acme/orders", "a:b", "50% off", "späti", "x?y#z", "🦀"])
def test_any_subject_name_reaches_the_server_whole(registry, client, subject):
    registry.publish(subject, STRING)
    assert client.schema(subject, "^1.0").subject == subject
    assert "/" not in registry.asked[0].path.removeprefix("/api/v1/subjects/").split("/versions/")[0]


def test_references_are_fetched_also_by_way_of_others(registry, client):
    registry.publish("country", {"enum": ["DE", "FR"]})
    to_country = [{"name": "country.json", "subject": "country", "version": 1}]
    registry.publish("address", {"properties": {"country": {"$ref": "country.json"}}}, references=to_country)
    to_address = [{"name": "address.json", "subject": "address", "version": 1}]
    registry.publish("person", {"properties": {"home": {"$ref": "address.json"}}}, references=to_address)

    assert client.schema("person").schema.references == (Reference("address.json", "address", 1),)
    (violation,) = client.validate("person", {"home": {"country": "XX"}})
    assert (violation.pointer, violation.keyword) == ("/home/country", "enum")
    asked = len(registry.asked)
    assert client.validate("person", {"home": {"country": "DE"}}) == []
    assert len(registry.asked) == asked


def test_one_client_serves_many_threads(registry, client):
    registry.publish("orders", STRING)
    found = []
    threads = [threading.Thread(target=lambda: found.append(client.validate("orders", 1))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(violations) for violations in found] == [1] * 8


@pytest.mark.parametrize("suffix", ["", "/", "/api/v1", "/api/v1/"])
def test_the_address_may_be_the_servers_or_the_apis(server, registry, suffix):
    registry.publish("orders", STRING)
    with RegistryClient(server.url + suffix, "onex_test_token") as client:
        assert client.schema("orders").number == 1


def test_a_number_given_again_after_a_deletion_for_good_means_the_new_schema(registry, client, clock):
    registry.publish("orders", STRING)
    assert client.schema("orders").schema.id == 1
    registry.versions.clear()
    registry.publish("parcels", NUMBER)
    registry.publish("orders", NUMBER)
    clock.now += 60
    assert client.schema("orders").schema.id == 2
    assert client.schema("orders", 1).schema.id == 2
