"""Schemas that bind a field to a taxonomy: what an upload checks, where a binding reaches, who depends on an edition."""

import json
from importlib import import_module

import pytest
from django.apps import apps

from access.actor import SYSTEM, Actor, Grant
from access.errors import Forbidden
from registry.comparison import Document
from registry.errors import InvalidSchema
from registry.models import Content
from registry.publish import publish_version
from registry.references import ReferenceTo
from registry.taxonomy import publish_taxonomy
from registry.taxonomy_bindings import Binding, bound_validator, deprecated_codes, editions_of, read_bindings

pytestmark = pytest.mark.django_db
SHOP = {
    "taxonomy": "shop-errors",
    "prefix": "SHOP",
    "areas": [
        {
            "token": "PAY",
            "aliases": ["PAYMENT"],
            "codes": [
                {
                    "number": 1,
                    "slug": "DECLINED",
                    "meaning": "No.",
                    "severity": "ERROR",
                    "recoverable": "no",
                    "aliases": ["E-1"],
                },
                {
                    "number": 2,
                    "slug": "REFUSED",
                    "meaning": "No, too.",
                    "severity": "ERROR",
                    "recoverable": "no",
                    "deprecated": "1.0.0",
                    "replaced_by": "SHOP_PAY_001",
                },
            ],
        }
    ],
}
CODE = {"type": "string", "x-taxonomy": "shop-errors@^1"}
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
GOOD, BAD = "SHOP_PAY_001", "SHOP_PAY_009"


@pytest.fixture(autouse=True)
def shop():
    return publish_taxonomy(actor=SYSTEM, document=SHOP)


def bound(schema, store=None):
    document = Document(schema, store or {})
    bindings = read_bindings(actor=SYSTEM, document=document, dialect=DRAFT_7)
    validator = bound_validator(
        schema, dialect=DRAFT_7, store=document.store, formats=False, editions=editions_of(bindings)
    )
    return bindings, validator


@pytest.mark.parametrize(
    ("text", "taxonomy", "wanted"),
    [
        ("onex-errors@^1", "onex-errors", "^1"),
        ("onex-errors", "onex-errors", "*"),
        ("a@b@1.x", "a@b", "1.x"),
        ("x@>=1 <3 || ^5", "x", ">=1 <3 || ^5"),
    ],
)
def test_a_binding_is_a_name_and_a_range(text, taxonomy, wanted):
    assert Binding.read(text) == Binding(taxonomy, wanted)


@pytest.mark.parametrize("value", ["", "@^1", "x@", "x@rubbish", 7, None, ["x@^1"], {"a": 1}])
def test_what_is_no_binding_is_refused_at_its_place(value):
    assert Binding.read(value) is None
    with pytest.raises(InvalidSchema) as refused:
        bound({"properties": {"a/b": {"x-taxonomy": value}}})
    assert refused.value.facts["pointer"] == "/properties/a~1b/x-taxonomy"


@pytest.mark.parametrize(
    ("binding", "sentence"),
    [
        ("nothing@^1", "there is no taxonomy 'nothing'; publish it first"),
        ("shop-errors@^2", "has no edition in ^2; it has 1.0.0"),
    ],
)
def test_the_taxonomy_and_an_edition_of_the_range_have_to_exist(owner, binding, sentence):
    schema = json.dumps({"properties": {"code": {"x-taxonomy": binding}}})
    answer = owner.api.post("/api/v1/subjects/orders/versions", {"schema": schema})
    body = answer.json()
    assert (answer.status_code, body["error_code"]) == (422, 42201)
    assert sentence in body["message"]
    assert body["details"]["pointer"] == "/properties/code/x-taxonomy"


def test_who_may_not_read_the_taxonomy_cannot_bind_to_it():
    shopkeeper = Actor(label="s", roles=(Grant(frozenset({"read", "write"}), "orders"),))
    with pytest.raises(Forbidden):
        publish_version(actor=shopkeeper, subject="orders", schema=json.dumps({"properties": {"c": CODE}}))


NESTED = {
    "at the root": (CODE, lambda code: code),
    "in a property": ({"properties": {"a": {"properties": {"b": CODE}}}}, lambda code: {"a": {"b": code}}),
    "in items": ({"items": {"properties": {"c": CODE}}}, lambda code: [{"c": code}]),
    "in a tuple": ({"items": [{}, CODE]}, lambda code: [0, code]),
    "in prefixItems": (
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [CODE]},
        lambda code: [code],
    ),
    "in additionalProperties": ({"additionalProperties": CODE}, lambda code: {"x": code}),
    "in patternProperties": ({"patternProperties": {"^e": CODE}}, lambda code: {"error": code}),
    "in propertyNames": ({"propertyNames": CODE}, lambda code: {code: 1}),
    "in allOf": ({"allOf": [{}, {"properties": {"c": CODE}}]}, lambda code: {"c": code}),
    "in anyOf": ({"properties": {"c": {"anyOf": [{"type": "null"}, CODE]}}}, lambda code: {"c": code}),
    "in oneOf": ({"oneOf": [{"type": "integer"}, CODE]}, lambda code: code),
    "in then": ({"if": {"type": "string"}, "then": CODE}, lambda code: code),
    "in dependencies": (
        {"dependencies": {"a": {"properties": {"c": CODE}}}},
        lambda code: {"a": 1, "c": code},
    ),
    "behind $ref": (
        {"properties": {"c": {"$ref": "#/definitions/code"}}, "definitions": {"code": CODE}},
        lambda code: {"c": code},
    ),
    "in a recursion": (
        {
            "$ref": "#/definitions/node",
            "definitions": {
                "node": {"properties": {"c": CODE, "below": {"items": {"$ref": "#/definitions/node"}}}}
            },
        },
        lambda code: {"below": [{"below": [{"c": code}]}]},
    ),
    "beside $ref since 2019-09": (
        {
            "$schema": "https://json-schema.org/draft/2019-09/schema",
            "properties": {"c": {"$ref": "#/$defs/text", "x-taxonomy": "shop-errors@^1"}},
            "$defs": {"text": {"type": "string"}},
        },
        lambda code: {"c": code},
    ),
}


@pytest.mark.parametrize("where", NESTED)
def test_a_binding_holds_wherever_a_validator_comes(where):
    schema, instance = NESTED[where]
    bindings, validator = bound(schema)
    assert [str(b.binding) for b in bindings] == ["shop-errors@^1"]
    assert bindings[0].pointer.endswith("/x-taxonomy")
    assert validator.is_valid(instance(GOOD))
    assert not validator.is_valid(instance(BAD))


def test_under_not_it_is_turned_round():
    _, validator = bound({"not": CODE})
    assert validator.is_valid(BAD)
    assert not validator.is_valid(GOOD)


def test_data_is_no_schema():
    schema = {"properties": {"x-taxonomy": {"type": "integer"}}, "default": {"x-taxonomy": "nothing@^9"}}
    bindings, validator = bound(schema)
    assert bindings == ()
    assert validator.is_valid({"x-taxonomy": 3})


@pytest.mark.parametrize("value", [7, None, True, [BAD], {"a": BAD}])
def test_it_says_nothing_about_what_is_no_text(value):
    _, validator = bound({"x-taxonomy": "shop-errors@^1"})
    assert validator.is_valid(value)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("SHOP_PAY_001", True),
        ("SHOP_PAY_001_DECLINED", True),
        ("SHOP_PAYMENT_001_DECLINED", True),
        ("shop_pay_001", True),
        ("E-1", True),
        ("SHOP_PAY_001_SOMETHING_ELSE", False),
        ("SHOP_PAYMENTS_001", False),
        ("SHOP_PAY", False),
        ("", False),
    ],
)
def test_a_code_is_accepted_in_any_spelling(text, known):
    _, validator = bound(CODE)
    assert validator.is_valid(text) is known


def test_a_violation_has_the_keyword_the_place_and_what_is_known_of_the_code():
    _, validator = bound({"properties": {"a": {"items": CODE}}})
    (violation,) = validator.errors({"a": [GOOD, "SHOP_PAY_001_OTHER"]})
    assert (violation.keyword, violation.pointer) == ("x-taxonomy", "/a/1")
    assert (
        violation.message
        == "'SHOP_PAY_001_OTHER' is not a code of shop-errors 1.0.0: SHOP_PAY_001 is called DECLINED"
    )


def test_deprecated_codes_are_accepted_and_told():
    _, validator = bound(CODE)
    with deprecated_codes() as seen:
        assert validator.is_valid("SHOP_PAY_002_REFUSED")
        assert validator.is_valid(GOOD)
    assert seen == {"SHOP_PAY_002"}


def test_a_place_that_no_validator_comes_to_is_noted(owner):
    schema = {
        "properties": {"c": {"$ref": "#/definitions/text", "x-taxonomy": "nothing@^1"}},
        "definitions": {"text": {"type": "string"}, "alone": {"x-taxonomy": "nothing@^1"}},
    }
    answer = owner.api.post("/api/v1/subjects/orders/versions", {"schema": json.dumps(schema)}).json()
    noted = {note["pointer"] for note in answer["notes"] if note["code"] == "unreached-taxonomy"}
    assert noted == {"/properties/c/x-taxonomy", "/definitions/alone/x-taxonomy"}


def test_what_a_schema_refers_to_binds_it_as_well():
    publish_version(actor=SYSTEM, subject="code", schema=json.dumps(CODE))
    publish_version(
        actor=SYSTEM,
        subject="orders",
        schema=json.dumps({"properties": {"c": {"$ref": "code.json"}}}),
        references=[ReferenceTo("code.json", "code", 1)],
    )
    assert Content.objects.get(versions__subject__name="orders").bindings == [
        {"pointer": "/x-taxonomy", "taxonomy": "shop-errors", "range": "^1"}
    ]


def test_an_edition_tells_which_schemas_follow_and_which_stay(owner):
    owner.api.post("/api/v1/subjects/orders/versions", {"schema": json.dumps({"properties": {"c": CODE}})})
    changed = json.loads(json.dumps(SHOP))
    changed["areas"][0]["codes"][0]["severity"] = "CRITICAL"
    send = "/api/v1/taxonomies/shop-errors/versions?dryRun=true"
    (stays,) = owner.api.post(send, {**changed, "version": "2.0.0"}).json()["findings"]
    assert stays["sentence"].startswith("orders 1.0.0 stay with an older edition")
    refused = owner.api.post(send, {**changed, "version": "1.1.0"}).json()["details"]
    assert (refused["required"], refused["findings"]) == ("2.0.0", [stays])
    more = {**SHOP, "areas": [*SHOP["areas"], {"token": "SHIP", "codes": []}]}
    (follows,) = owner.api.post(send, more).json()["findings"]
    assert follows["facts"]["schemas"] == [
        {
            "subject": "orders",
            "version": 1,
            "semver": "1.0.0",
            "pointer": "/properties/c/x-taxonomy",
            "range": "^1",
            "follows": True,
        }
    ]
    told = owner.api.get("/api/v1/taxonomies/shop-errors/dependents").json()
    assert (told["schemas"], told["hidden"]) == (follows["facts"]["schemas"], 0)


def test_dependents_that_may_not_be_read_are_counted_only(owner, make_person):
    owner.api.post("/api/v1/subjects/orders/versions", {"schema": json.dumps({"properties": {"c": CODE}})})
    reader = make_person("reader", role="viewer", prefix="shop-")
    told = reader.api.get("/api/v1/taxonomies/shop-errors/dependents").json()
    assert (told["schemas"], told["hidden"]) == ([], 1)


def test_binding_a_field_that_was_free_before_is_told_at_upload(owner, settings):
    settings.UPLOAD_JUDGES = ["registry.taxonomy_bindings.changed_bindings"]
    address = "/api/v1/subjects/orders/versions"
    free = {"type": "object", "properties": {"c": {"type": "string"}}}
    owner.api.post(address, {"schema": json.dumps(free)})
    tied = {"type": "object", "properties": {"c": CODE, "new": CODE}}
    refused = owner.api.post(f"{address}?dryRun=true", {"schema": json.dumps(tied)}).json()
    findings = refused["details"]["findings"]
    assert [finding["facts"]["pointer"] for finding in findings] == ["/properties/c/x-taxonomy"]
    assert "was not bound to a taxonomy in version 1" in findings[0]["sentence"]


def test_the_page_of_a_version_links_the_taxonomies_it_is_bound_to(owner):
    owner.api.post("/api/v1/subjects/orders/versions", {"schema": json.dumps({"properties": {"c": CODE}})})
    html = owner.browser.get("/subjects/orders/versions/1").content.decode()
    assert '<a href="/taxonomies/shop-errors">shop-errors</a>' in html
    assert "/properties/c" in html


OTHER = {"type": "string", "x-taxonomy": "shop-errors@1.0.0"}
TEXT = {"type": "string"}


def fields(**properties):
    return {"type": "object", "properties": properties}


MOVED = {
    "type": "object",
    "properties": {"c": {"$ref": "#/definitions/code"}},
    "definitions": {"code": CODE},
}


@pytest.mark.parametrize(
    ("old", "new", "status", "step"),
    [
        (fields(c=CODE), fields(c=CODE, d=TEXT), "compatible", "minor"),
        (fields(c=TEXT), fields(c=TEXT, d=CODE), "compatible", "minor"),
        (fields(c=CODE), MOVED, "compatible", "patch"),
        (fields(c=CODE), fields(c=TEXT), "compatible", "minor"),
        (fields(c=TEXT), fields(c=CODE), "undecided", "major"),
        (fields(c=TEXT), MOVED, "undecided", "major"),
        (fields(c=CODE), fields(c=OTHER), "undecided", "major"),
        (fields(c=CODE, d=TEXT), fields(c=TEXT, d=CODE), "undecided", "major"),
        (fields(c=CODE), {**fields(c=CODE), "required": ["c"]}, "incompatible", "major"),
    ],
)
def test_a_verdict_never_calls_a_new_binding_of_a_field_compatible(owner, old, new, status, step):
    """Nobody can prove that what was sent as free text is a code; what was bound already stays proven."""
    address = "/api/v1/subjects/orders/versions"
    assert owner.api.post(address, {"schema": json.dumps(old)}).status_code == 200
    answer = owner.api.post(f"{address}?dryRun=true", {"schema": json.dumps(new)})
    verdict = answer.json()["verdict"] if answer.status_code == 200 else answer.json()["details"]
    assert (verdict["status"], verdict["semver"]["required"]) == (status, step)
    if status == "undecided":
        assert (answer.status_code, verdict["code"]) == (409, "undecided_schema")
        assert "x-taxonomy binds a field that was free before" in answer.json()["message"]


def test_a_declared_major_passes_a_new_binding(owner):
    address = "/api/v1/subjects/orders/versions"
    owner.api.post(address, {"schema": json.dumps(fields(c=TEXT))})
    answer = owner.api.post(address, {"schema": json.dumps(fields(c=CODE)), "semver": "2.0.0"})
    assert answer.json()["semver"] == "2.0.0"


def test_the_migration_binds_what_was_published_before():
    published = publish_version(actor=SYSTEM, subject="orders", schema=json.dumps(fields(c=CODE)))
    content = Content.objects.get(pk=published.content_id)
    before = content.bindings
    content.bindings = []
    content.save()
    migration = import_module("registry.migrations.0005_contents_are_bound_to_taxonomies")
    migration.bind(apps, None)
    content.refresh_from_db()
    assert (
        content.bindings
        == before
        == [{"pointer": "/properties/c/x-taxonomy", "taxonomy": "shop-errors", "range": "^1"}]
    )
