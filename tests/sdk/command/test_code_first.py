"""Classes as schemas (`@event`), and classes from schemas (`onex codegen`)."""

import importlib
import json
import sys
from dataclasses import dataclass
from decimal import Decimal

import pytest
from pydantic import BaseModel, Field

import onex_sdk
from onex_sdk import emit_model, event
from onex_sdk._models import event_type_of, metadata_of
from onex_sdk._validation import Validator

from .conftest import ORDER

MODULE = """
from dataclasses import dataclass
from pydantic import BaseModel
from onex_sdk import event

@event("shop.paid", version="^1.2")
class Paid(BaseModel):
    amount: int
    currency: str = "EUR"

@event("shop.sent")
@dataclass
class Sent:
    parcel: str
"""
NESTED = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "amount": {"type": "number"},
        "note": {"type": "string", "description": "Words."},
        "ship-to": {"$ref": "address.json"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "kind": {"enum": ["web", None]},
        "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "either": {"oneOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["amount", "lines"],
    "$defs": {
        "line": {
            "type": "object",
            "properties": {
                "sku": {"type": "string"},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/line"}},
            },
            "required": ["sku"],
            "additionalProperties": False,
        }
    },
}


@event("order.created", version="^1.2")
class OrderCreated(BaseModel):
    amount: Decimal
    customer: str | None = None
    ship_to: str = Field("home", alias="ship-to")


@event("parcel.sent", version="1.x")
@dataclass
class ParcelSent:
    parcel: str
    weight: float | None = None


def test_what_an_instance_says_is_valid_for_the_schema_of_its_class():
    for instance in (
        OrderCreated(amount=3),
        OrderCreated(amount=3, customer=None),
        ParcelSent("p"),
        ParcelSent("p", 2),
    ):
        kind = event_type_of(type(instance))
        assert Validator(kind.schema_text(), {}).violations(metadata_of(instance)) == []


def test_fields_go_under_their_aliases_and_what_nobody_said_stays_out():
    assert metadata_of(OrderCreated(amount="1.5")) == {"amount": "1.5", "ship-to": "home"}
    assert metadata_of(OrderCreated(amount=1, customer=None))["customer"] is None


def test_events_say_the_lowest_version_of_the_range():
    assert event_type_of(OrderCreated).schema_version == "1.2.0"
    assert event_type_of(ParcelSent).schema_version == "1.0.0"
    assert event_type_of(event("x")(type("X", (BaseModel,), {}))).schema_version is None


@pytest.mark.parametrize(
    ("said", "admitted", "not_admitted"),
    [
        ("^1.2", ["1.2.0", "1.9.3"], ["1.1.9", "2.0.0"]),
        ("^0.2", ["0.2.7"], ["0.3.0", "1.0.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.2", "0.0.4"]),
        ("^0", ["0.9.0"], ["1.0.0"]),
        ("~1.2", ["1.2.9"], ["1.3.0"]),
        ("~1", ["1.9.0"], ["2.0.0"]),
        ("1.x", ["1.9.0"], ["2.0.0"]),
        ("1.2.3", ["1.2.3", "1.2.3+build"], ["1.2.4"]),
    ],
)
def test_ranges_hold_what_npm_says_they_hold(said, admitted, not_admitted):
    kind = event_type_of(event("x", version=said)(type("X", (BaseModel,), {})))
    assert [version for version in (*admitted, *not_admitted) if kind.admits(version)] == admitted


def test_an_instance_is_emitted_with_type_version_and_metadata(server, monkeypatch):
    client = onex_sdk.init(server.url, "onex_test_token", "shop", batch_age_ms=10)
    assert emit_model(OrderCreated(amount=2), correlation_id="c-1")
    assert client.flush()
    [sent] = [json.loads(asked.body)[0] for asked in server.registry.asked if asked.path.endswith("/events")]
    client.close()
    assert (sent["event_type"], sent["schema_version"], sent["correlation_id"]) == (
        "order.created",
        "1.2.0",
        "c-1",
    )
    assert sent["metadata"] == {"amount": "2", "ship-to": "home"}


def test_a_version_that_is_none_and_a_class_that_is_none_are_refused():
    with pytest.raises(ValueError, match="say \\^1"):
        event("x", version="newest")
    with pytest.raises(TypeError, match="neither a pydantic model nor a dataclass"):
        event("x")(int)
    with pytest.raises(TypeError, match="not decorated"):
        emit_model(object())


@pytest.fixture
def module(folder, monkeypatch):
    folder.write("shop_classes.py", MODULE)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield "shop_classes"
    sys.modules.pop("shop_classes", None)


def test_schema_files_are_written_from_classes_and_kept_up_to_date(folder, onex, module):
    ran = onex("codegen", "--language", "jsonschema", "--module", module, "--output", "schemas")
    assert (ran.status, sorted(ran.out.split())[:2]) == (
        0,
        ["schemas/shop.paid.schema.json:", "schemas/shop.sent.schema.json:"],
    )
    paid = json.loads((folder.root / "schemas/shop.paid.schema.json").read_text())
    assert (paid["required"], paid["properties"]["currency"]["default"]) == (["amount"], "EUR")
    check = ("codegen", "--language", "jsonschema", "--module", module, "--output", "schemas", "--check")
    assert onex(*check).status == 0
    folder.write("schemas/shop.paid.schema.json", ORDER)
    changed = onex(*check)
    assert (changed.status, changed.out) == (1, "schemas/shop.paid.schema.json: out of date\n")
    assert onex("lint").status == 0


def test_a_module_that_cannot_be_imported_or_has_no_events(folder, onex):
    folder.write("broken_module.py", "1 / 0")
    ran = onex("codegen", "--module", "broken_module", "--output", "x")
    assert ran.status == 3
    assert "ZeroDivisionError" in ran.err
    assert onex("codegen", "--module", "json", "--output", "x").status == 2


def test_typescript_says_what_the_schema_says(folder, onex):
    folder.write("schemas/order.created.json", NESTED)
    folder.write(
        "schemas/address.json", {**ORDER, "properties": {"city": {"type": "string"}}, "required": ["city"]}
    )
    assert onex("codegen", "--language", "typescript", "--output", "ts").status == 0
    text = (folder.root / "ts/order.created.ts").read_text()
    for line in (
        "export type OrderCreated = {",
        "  amount: number;",
        "  /** Words. */\n  note?: string;",
        '  "ship-to"?: AddressJson;',
        "  lines: Array<Line>;",
        '  kind?: "web" | null;',
        "  pair?: [string?, number?];",
        "  tags?: {\n    [key: string]: string;\n  };",
        "  either?: string | null;",
        "export type AddressJson = {\n  city: string;",
        "export type Line = {\n  sku: string;\n  parts?: Array<Line>;\n};",
    ):
        assert line in text, line


def test_pydantic_models_take_what_the_schema_takes_and_are_emitted(folder, onex, monkeypatch):
    folder.write("schemas/order.created.json", NESTED)
    folder.write(
        "schemas/address.json", {**ORDER, "properties": {"city": {"type": "string"}}, "required": ["city"]}
    )
    onex("lock")
    lock = json.loads((folder.root / "onex.lock").read_text())
    lock["subjects"]["order.created"]["semver"] = "1.3.0"
    folder.write("onex.lock", lock)
    assert onex("codegen", "--output", "models").status == 0
    monkeypatch.syspath_prepend(str(folder.root / "models"))
    generated = importlib.import_module("order_created")
    order = generated.OrderCreated.model_validate(
        {"amount": 3, "lines": [{"sku": "a"}], "ship-to": {"city": "Bonn"}}
    )
    assert metadata_of(order) == {"amount": 3.0, "lines": [{"sku": "a"}], "ship-to": {"city": "Bonn"}}
    assert event_type_of(generated.OrderCreated).version == "^1.3.0"
    with pytest.raises(ValueError, match="sku"):
        generated.OrderCreated.model_validate({"amount": 3, "lines": [{}]})


def test_no_code_is_made_of_what_is_no_schema(folder, onex):
    folder.write("schemas/order.created.json", "{")
    ran = onex("codegen", "--output", "x")
    assert ran.status == 3
    assert "schemas/order.created.json:1: this is not JSON" in ran.err
