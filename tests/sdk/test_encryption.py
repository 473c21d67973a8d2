"""Encrypting what a schema marks as sensitive: validated in the clear, sealed before it leaves, read by who has the keys."""

import json
from typing import Any

import pytest

import onex_sdk
from onex_sdk import InvalidOption, NotFound, Refused
from onex_sdk._sealed import is_sealed, key_id
from onex_sdk._sensitive import Marks
from onex_sdk.crypto import (
    DataKey,
    DataKeys,
    Encryptor,
    KeyGone,
    LocalKey,
    Undecryptable,
    Unresolved,
    UnusableKey,
    decrypt,
    decrypt_lines,
    new_encryption_key,
)

MARK: dict[str, Any] = {"x-sensitive": True}
CARD = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer"},
        "card": {"type": "string", "pattern": "^[0-9]{16}$", **MARK},
        "buyer": {"type": "object", "properties": {"email": {"type": "string", **MARK}, "id": {}}},
    },
}
SECRET = "4111111111111111"


class Keys:
    """A registry's keys, as its API answers them."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def get(self, path: str, *, etag: str | None = None) -> tuple[Any, None]:
        name, _, query = path.removeprefix("/keys/data").partition("?")
        if not name:
            asked = dict(pair.split("=") for pair in query.split("&"))
            fitting = [
                row
                for row in self.rows
                if row["subject"] == asked["subject"] and asked.get("state", row["state"]) == row["state"]
            ]
            return {"items": fitting, "previous": None, "next": None}, None
        for row in self.rows:
            if row["kid"] == name[1:]:
                return row, None
        raise NotFound("none", status=404, error_code=40452, details={})

    def post(self, path: str, body: bytes) -> Any:
        told = json.loads(body)
        active = [r for r in self.rows if r["subject"] == told["subject"] and r["state"] == "active"]
        for row in active:
            if row["kid"] != told["replaces"]:
                raise Refused("taken", status=409, error_code=40953, details={})
            row["state"] = "retired"
        self.rows.append({**told, "state": "active"})
        return told

    def put(self, path: str, body: bytes) -> Any:
        self.row(path.rpartition("/")[2]).update(json.loads(body))

    def row(self, kid: str) -> dict[str, Any]:
        return next(row for row in self.rows if row["kid"] == kid)

    def destroy(self, kid: str) -> None:
        self.row(kid).update(state="destroyed", wrapped="")


@pytest.fixture
def api() -> Keys:
    return Keys()


@pytest.fixture
def wraps() -> LocalKey:
    return LocalKey(new_encryption_key())


@pytest.fixture
def keys(api, wraps, clock):
    return DataKeys(api, wraps, clock=clock)


@pytest.fixture
def encryptor(client, keys, clock):
    return Encryptor(client, keys, clock=clock)


def _event(metadata, **members):
    return {"event_id": "e-1", "event_type": "order.paid", "metadata": metadata, **members}


def test_marked_values_are_sealed_and_the_rest_stays(registry, encryptor, keys):
    registry.publish("order.paid", CARD)
    event = _event({"amount": 3, "card": SECRET, "buyer": {"email": "a@example.com", "id": 7}})
    sealed = encryptor.encrypt(event)
    text = json.dumps(sealed)
    assert SECRET not in text
    assert "a@example.com" not in text
    assert sealed["metadata"]["amount"] == 3
    assert sealed["metadata"]["buyer"]["id"] == 7
    assert is_sealed(sealed["metadata"]["card"])
    assert key_id(sealed["metadata"]["card"]) == keys.active("order.paid").kid
    # The host's own dictionary is the host's.
    assert event["metadata"]["card"] == SECRET
    opened = decrypt(sealed, keys)
    assert opened.event == event
    assert opened.undecryptable == ()


def test_the_same_value_never_looks_the_same_twice(registry, encryptor):
    registry.publish("order.paid", CARD)
    first, second = (encryptor.encrypt(_event({"card": SECRET}))["metadata"]["card"] for _ in "12")
    assert first != second


def test_whatever_json_holds_comes_back_as_it_was(registry, encryptor, keys):
    registry.publish("order.paid", {"properties": {"v": MARK}})
    for value in ("", "ü\u0000", 0, 2**70, 1.5, True, [], [1, {"a": None}], {"b": []}):
        assert decrypt(encryptor.encrypt(_event({"v": value})), keys).event["metadata"]["v"] == value


def test_an_event_whose_schema_marks_nothing_is_left_as_it_is(registry, encryptor, api):
    registry.publish("order.paid", {"properties": {"card": {"type": "string"}}})
    event = _event({"card": SECRET})
    assert encryptor.encrypt(event) is event
    assert api.rows == []


def test_a_type_that_the_registry_does_not_know_is_asked_for_once_a_minute(registry, encryptor, clock):
    registry.publish("other", CARD)
    event = _event({"card": SECRET})
    assert encryptor.encrypt(event) is event
    asked = len(registry.asked)
    assert encryptor.encrypt(event) is event
    assert len(registry.asked) == asked
    registry.publish("order.paid", CARD)
    clock.now += 61
    assert is_sealed(encryptor.encrypt(event)["metadata"]["card"])


@pytest.mark.parametrize(
    ("schema", "metadata", "sealed"),
    [
        (
            {"$ref": "#/definitions/a", "definitions": {"a": {"properties": {"s": MARK}}}},
            {"s": 1, "t": 2},
            ["s"],
        ),
        (
            {
                "properties": {"s": {"$ref": "#/definitions/a"}},
                "definitions": {"a": {"type": "string", **MARK}},
            },
            {"s": "x"},
            ["s"],
        ),
        (
            {"properties": {"s": {"$ref": "#/definitions/a", **MARK}}, "definitions": {"a": {}}},
            {"s": 1},
            ["s"],
        ),
        ({"anyOf": [{"properties": {"s": {}}}, {"properties": {"s": MARK}}]}, {"s": 1}, ["s"]),
        ({"if": {"required": ["t"]}, "else": {"properties": {"s": MARK}}}, {"s": 1, "t": 1}, ["s"]),
        ({"patternProperties": {"^x_": MARK}}, {"x_1": 1, "y": 2}, ["x_1"]),
        ({"properties": {"t": {}}, "additionalProperties": MARK}, {"t": 1, "u": 2}, ["u"]),
        ({"dependentSchemas": {"t": {"properties": {"s": MARK}}}}, {"s": 1}, ["s"]),
        ({"properties": {"a": {}, "b": {}}, **MARK}, {"a": 1, "b": None}, ["a"]),
        ({"properties": {"s": {"$ref": "name.json#/$defs/n"}}}, {"s": 1}, ["s"]),
        ({"properties": {"x-sensitive": {"type": "string"}}}, {"x-sensitive": "x"}, []),
        ({"properties": {"s": {"const": {"x-sensitive": True}}}}, {"s": {"x-sensitive": True}}, []),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_a_mark_counts_wherever_a_schema_speaks_about_the_value(schema, metadata, sealed):
    marks = Marks(json.dumps(schema), {"name.json": json.dumps({"$defs": {"n": MARK}})})
    found = marks.replace(metadata, lambda _: "sealed")
    assert [name for name, value in found.items() if value == "sealed"] == sealed


def test_marks_count_in_lists_and_recursively():
    schema = {"properties": {"s": MARK, "kids": {"type": "array", "items": {"$ref": "#"}}}}
    metadata = {"kids": [{"s": 1, "kids": [{"s": 2, "o": 3}]}, {"s": None}]}
    assert Marks(json.dumps(schema), {}).replace(metadata, lambda _: "x") == {
        "kids": [{"s": "x", "kids": [{"s": "x", "o": 3}]}, {"s": None}]
    }
    listed = {"properties": {"l": {"prefixItems": [{}, MARK], "items": {"properties": {"s": MARK}}}}}
    assert Marks(json.dumps(listed), {}).replace({"l": [1, 2, {"s": 3}]}, lambda _: "x") == {
        "l": [1, "x", {"s": "x"}]
    }


def test_a_reference_that_leads_nowhere_seals_nothing_and_lets_nothing_out():
    schema = {"properties": {"s": MARK, "t": {"$ref": "elsewhere.json"}}}
    with pytest.raises(Unresolved):
        Marks(json.dumps(schema), {}).replace({"t": 1}, lambda _: "x")


def test_two_producers_that_need_a_first_key_end_up_with_the_same(api, wraps, clock):
    one, other = DataKeys(api, wraps, clock=clock), DataKeys(api, wraps, clock=clock)
    post = api.post

    def later(path, body):
        api.post = post
        one.active("order.paid")
        return post(path, body)

    api.post = later
    assert other.active("order.paid").kid == one.active("order.paid").kid
    assert len(api.rows) == 1


def test_after_a_rotation_new_values_have_the_new_key_and_old_ones_open(registry, encryptor, keys):
    registry.publish("order.paid", CARD)
    before = encryptor.encrypt(_event({"card": SECRET}))
    keys.rotate("order.paid")
    after = encryptor.encrypt(_event({"card": SECRET}))
    assert key_id(before["metadata"]["card"]) != key_id(after["metadata"]["card"])
    for event in (before, after):
        assert decrypt(event, keys).event["metadata"]["card"] == SECRET


def test_what_a_destroyed_key_encrypted_stays_sealed_and_is_told(registry, encryptor, keys, api, clock):
    registry.publish("order.paid", CARD)
    gone = encryptor.encrypt(_event({"card": SECRET, "amount": 3}))
    kid = keys.active("order.paid").kid
    keys.rotate("order.paid")
    kept = encryptor.encrypt(_event({"card": SECRET}))
    api.destroy(kid)
    clock.now += 301
    lines = [json.dumps(event).encode() for event in (gone, kept)]
    first, second = decrypt_lines([lines[0], b"\n", lines[1]], keys)
    assert first.event == gone
    assert first.undecryptable == (Undecryptable("/metadata/card", kid, "destroyed"),)
    assert second.event["metadata"]["card"] == SECRET


def test_a_revoked_key_is_used_no_longer_than_it_is_kept(registry, encryptor, keys, api, clock):
    registry.publish("order.paid", CARD)
    encryptor.encrypt(_event({"card": SECRET}))
    kid = keys.active("order.paid").kid
    api.row(kid).update(state="revoked")
    clock.now += 301
    assert keys.active("order.paid").kid != kid


def test_one_changed_byte_is_told(registry, encryptor, keys):
    registry.publish("order.paid", CARD)
    event = encryptor.encrypt(_event({"card": SECRET}))
    sealed = event["metadata"]["card"]
    at = sealed.rindex(".") - 4
    event["metadata"]["card"] = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
    (problem,) = decrypt(event, keys).undecryptable
    assert problem.reason == "altered"


def test_wrapping_keys_are_rotated_by_wrapping_anew(registry, encryptor, keys, api, wraps):
    registry.publish("order.paid", CARD)
    event = encryptor.encrypt(_event({"card": SECRET}))
    newer = LocalKey(new_encryption_key())
    assert keys.rewrap("order.paid", newer) == 1
    assert api.rows[0]["wrapped_by"] == newer.name
    assert decrypt(event, DataKeys(api, newer)).event["metadata"]["card"] == SECRET
    (problem,) = decrypt(event, DataKeys(api, wraps)).undecryptable
    assert problem.reason == "unusable"


def test_an_older_key_encryption_key_still_opens(keys, api, wraps):
    old = new_encryption_key()
    wrapped = LocalKey(old).wrap(b"k" * 32)
    assert LocalKey.read(f"{new_encryption_key()},{old}").unwrap(wrapped) == b"k" * 32
    with pytest.raises(UnusableKey):
        LocalKey(new_encryption_key()).unwrap(wrapped)


@pytest.mark.parametrize("secret", ["", "short", "!" * 44, "QUJD"])
def test_what_is_no_key_of_256_bits_is_refused(secret):
    with pytest.raises(UnusableKey):
        LocalKey.read(secret)


class Vault:
    """A key management service, as a user of one writes it."""

    name = "vault:transit/onex"

    def __init__(self) -> None:
        self.local = LocalKey(new_encryption_key())
        self.asked = 0

    def wrap(self, key: bytes) -> str:
        self.asked += 1
        return self.local.wrap(key)

    def unwrap(self, wrapped: str) -> bytes:
        self.asked += 1
        return self.local.unwrap(wrapped)


def test_a_key_management_service_wraps_and_unwraps(api, clock):
    vault = Vault()
    keys = DataKeys(api, vault, clock=clock)
    kid = keys.active("order.paid").kid
    assert isinstance(DataKeys(api, vault, clock=clock).find(kid), DataKey)
    assert api.rows[0]["wrapped_by"] == "vault:transit/onex"
    assert vault.asked == 2


def test_an_unknown_key_is_gone(keys):
    with pytest.raises(KeyGone) as gone:
        keys.find("nobody-knows")
    assert gone.value.state == "unknown"


def test_what_cannot_be_encrypted_does_not_leave(server, registry, token):
    registry.publish("order.paid", CARD)
    client = onex_sdk.init(server.url, token, "shop", encryption_key=new_encryption_key())
    # This registry has no keys, as it says when it is asked.
    assert onex_sdk.emit("order.paid", {"card": SECRET}) is not None
    assert client.flush()
    assert onex_sdk.emit("order.paid", {"card": SECRET}) is None
    stats = client.stats()
    assert (stats["emitted"], stats["dropped_unencrypted"], stats["queued"]) == (2, 2, 0)
    assert not any(SECRET.encode() in asked.body for asked in registry.asked)
    assert client.close()


def test_a_wrapping_key_that_cannot_be_used_is_told_by_init(server, token):
    with pytest.raises(InvalidOption, match="encryption_key: A key-encryption key"):
        onex_sdk.init(server.url, token, "shop", encryption_key="c2hvcnQ=")
    with pytest.raises(InvalidOption, match="key_management is an object"):
        onex_sdk.init(server.url, token, "shop", key_management="vault")
