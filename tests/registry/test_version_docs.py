"""The documentation of a version over REST, as Markdown and on its page; and an example of it."""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from compat import compile_validator
from registry.change_state import change_state
from registry.delete import delete_version
from registry.describe import describe_version
from registry.models import Version
from registry.references import ReferenceTo
from registry.taxonomy import publish_taxonomy
from registry.taxonomy_bindings import bindings_of, bound_validator, editions_of
from tests.require import require

FIRST = {
    "type": "object",
    "title": "Order",
    "description": "What was bought.",
    "required": ["id"],
    "properties": {"id": {"type": "string", "format": "uuid"}, "old": {"type": "string"}},
}
SECOND = {
    **FIRST,
    "properties": {**FIRST["properties"], "amount": {"type": "integer", "minimum": 0, "default": 1}},
}
NAME = "team.orders/größe"
BASE = "/api/v1/subjects/team.orders%2Fgr%C3%B6%C3%9Fe/versions"


@pytest.fixture
def orders(publish):
    publish(NAME, FIRST)
    publish(NAME, SECOND)


@pytest.fixture
def bound(publish, actor):
    """A schema whose fields are codes of a taxonomy: with examples that are none, and with one that is."""
    codes = [
        {"number": number, "slug": slug, "meaning": slug, "severity": "ERROR", "recoverable": "no", **more}
        for number, slug, more in (
            (1, "FAILED", {}),
            (2, "DECLINED", {}),
        )
    ]
    areas = [{"token": "PAY", "codes": codes}]
    document = {"taxonomy": "shop-errors", "version": "1.0.0", "prefix": "SHOP", "areas": areas}
    publish_taxonomy(actor=actor, document=document)
    code = {"type": "string", "x-taxonomy": "shop-errors@^1"}
    properties = {
        "code": {**code, "examples": ["SHOP_PAY_999"]},
        "seen": {"type": "array", "items": code},
        "known": {**code, "examples": ["SHOP_PAY_002_DECLINED"]},
        "no": {"type": "integer", "x-taxonomy": "shop-errors@^1"},
    }
    publish("failures", {"type": "object", "required": ["code"], "properties": properties})


def test_every_field_comes_with_since_when_it_is_there(orders, owner):
    answer = owner.api.get(f"{BASE}/latest/docs").json()
    assert (answer["subject"], answer["version"], answer["semver"]) == (NAME, 2, "1.1.0")
    assert (answer["title"], answer["description"]) == ("Order", "What was bought.")
    fields = {field["path"]: field for field in answer["fields"]}
    assert {path: field["since"] for path, field in fields.items()} == {
        "id": "1.0.0",
        "old": "1.0.0",
        "amount": "1.1.0",
    }
    assert fields["id"]["required"]
    assert fields["id"]["constraints"] == ["format uuid"]
    assert fields["amount"]["default"] == 1
    assert "default" not in fields["id"]


def test_a_field_that_was_away_is_there_since_it_came_back(publish, actor):
    publish("orders", SECOND)
    publish("orders", FIRST, semver="2.0.0")
    publish("orders", {**SECOND, "title": "again"})
    described = describe_version(actor=actor, subject="orders", version="latest")
    assert described.since == {"id": "1.0.0", "old": "1.0.0", "amount": "2.1.0"}


def test_deleted_versions_do_not_count(publish, actor):
    publish("orders", FIRST)
    publish("orders", SECOND)
    delete_version(actor=actor, subject="orders", version="1")
    assert set(describe_version(actor=actor, subject="orders", version="2").since.values()) == {"1.1.0"}


def test_the_example_is_valid_with_its_formats(orders, owner):
    answer = owner.api.get(f"{BASE}/2/docs").json()["example"]
    event = owner.api.get(f"{BASE}/2/example").json()
    assert answer == {"event": event, "formats_hold": True}
    assert set(event) == {"id", "old", "amount"}
    assert compile_validator(SECOND, formats=True).is_valid(event)


def test_an_example_follows_references(publish, owner):
    publish("address", {"type": "object", "required": ["zip"], "properties": {"zip": {"type": "integer"}}})
    schema = {"type": "object", "properties": {"to": {"$ref": "address"}}}
    publish("orders", schema, references=[ReferenceTo("address", "address", 1)])
    assert owner.api.get("/api/v1/subjects/orders/versions/1/example").json() == {"to": {"zip": 1}}


def test_an_example_shows_real_codes_of_the_taxonomies_that_fields_are_bound_to(bound, owner):
    event = owner.api.get("/api/v1/subjects/failures/versions/1/example").json()
    assert event == {
        "code": "SHOP_PAY_001",
        "seen": ["SHOP_PAY_001"],
        "known": "SHOP_PAY_002_DECLINED",
        "no": 1,
    }
    content = Version.objects.get(subject__name="failures").content
    judge = bound_validator(
        json.loads(content.text),
        dialect="draft-07",
        store={},
        formats=True,
        editions=editions_of(bindings_of(content)),
    )
    assert judge.errors(event) == []


def test_markdown_links_a_field_to_the_taxonomy_it_is_bound_to(bound, owner, settings):
    told = owner.api.get("/api/v1/subjects/failures/versions/1/docs?format=markdown").content.decode()
    address = f"{settings.PUBLIC_URL}/taxonomies/shop-errors"
    assert f"a code of [shop-errors@^1]({address}) |" in told


def test_a_taxonomy_that_one_may_not_read_is_not_linked(bound, make_person):
    producer = make_person("producer", "viewer", "failures")
    base = "/subjects/failures/versions/1"
    told = producer.api.get(f"/api/v1{base}/docs?format=markdown").content.decode()
    page = producer.browser.get(base).content.decode()
    assert "a code of shop-errors@^1" in told
    assert "/taxonomies/shop-errors" not in told + page


def test_schemas_that_one_may_not_read_are_not_shown_through_those_that_refer_to_them(
    publish, teammate, owner
):
    publish(
        "secret.address", {"type": "object", "title": "Hideout", "properties": {"cave": {"type": "string"}}}
    )
    schema = {"type": "object", "properties": {"to": {"$ref": "address"}}}
    publish("team.orders", schema, references=[ReferenceTo("address", "secret.address", 1)])
    base = "/api/v1/subjects/team.orders/versions/1"
    told = teammate.api.get(f"{base}/docs").json()
    assert (told["hidden"], told["example"], [field["path"] for field in told["fields"]]) == (
        ["address"],
        None,
        ["to"],
    )
    assert teammate.api.get(f"{base}/example").status_code == 403
    page = teammate.browser.get(reverse("version", args=["team.orders", 1])).content.decode()
    markdown = teammate.api.get(f"{base}/docs?format=markdown").content.decode()
    for shown in (str(told), page, markdown):
        assert "Hideout" not in shown
        assert "cave" not in shown
    for asked in ("field:cave", "cave", "hideout"):
        assert teammate.api.get("/api/v1/search", {"q": asked}).json()["count"] == 0
    fields = {field["path"]: field["since"] for field in owner.api.get(f"{base}/docs").json()["fields"]}
    assert fields == {"to": "1.0.0", "to.cave": None}


def test_what_only_hidden_schemas_refer_to_is_not_even_named(publish, teammate):
    publish("secret.cave", {"type": "object", "properties": {"cave": {"type": "string"}}})
    publish(
        "secret.address",
        {"type": "object", "properties": {"at": {"$ref": "cave.json"}}},
        references=[ReferenceTo("cave.json", "secret.cave", 1)],
    )
    schema = {"type": "object", "properties": {"to": {"$ref": "address"}}}
    publish("team.orders", schema, references=[ReferenceTo("address", "secret.address", 1)])
    base = "/api/v1/subjects/team.orders/versions/1"
    assert teammate.api.get(f"{base}/docs").json()["hidden"] == ["address"]
    publish(
        "team.orders", {**schema, "title": "again"}, references=[ReferenceTo("address", "secret.address", 1)]
    )
    refused = teammate.api.get("/api/v1/subjects/team.orders/versions/2/changes")
    for answer in (teammate.api.get(f"{base}/docs"), teammate.api.get(f"{base}/example"), refused):
        assert "cave" not in answer.content.decode()
    assert refused.status_code == 403


def test_drafts_and_archived_versions_are_documented_for_who_asks_for_them(orders, publish, actor, owner):
    publish(NAME, {**SECOND, "title": "Next"}, draft=True)
    assert owner.api.get(f"{BASE}/3/docs").status_code == 404
    told = owner.api.get(f"{BASE}/3/docs?deleted=true").json()
    assert (told["state"], told["title"]) == ("draft", "Next")
    page = owner.browser.get(reverse("version", args=[NAME, 3])).content.decode()
    assert "/versions/3/docs?format=markdown&amp;deleted=true" in page
    change_state(actor=actor, subject=NAME, version="1", state="deprecated")
    change_state(actor=actor, subject=NAME, version="1", state="archived")
    since = {field["path"]: field["since"] for field in owner.api.get(f"{BASE}/2/docs").json()["fields"]}
    assert since == {"id": "1.1.0", "old": "1.1.0", "amount": "1.1.0"}


def test_without_an_instance_there_is_no_example(publish, owner):
    publish("nothing", {"type": "integer", "minimum": 2, "maximum": 1})
    answer = owner.api.get("/api/v1/subjects/nothing/versions/1/example")
    assert (answer.status_code, answer.json()["details"]["code"]) == (404, "no_example")
    assert owner.api.get("/api/v1/subjects/nothing/versions/1/docs").json()["example"] is None
    assert (
        "No example that validates"
        in owner.browser.get(reverse("version", args=["nothing", 1])).content.decode()
    )


@pytest.mark.parametrize(
    ("query", "accept", "markdown"),
    [
        ("?format=markdown", "application/json", True),
        ("", "text/markdown", True),
        ("", "text/html, text/markdown;q=0.9", True),
        ("?format=json", "text/markdown", False),
        ("", "*/*", False),
    ],
)
def test_markdown_is_asked_for_by_parameter_or_by_accept(orders, owner, query, accept, markdown):
    answer = owner.api.get(f"{BASE}/2/docs{query}", HTTP_ACCEPT=accept)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/markdown") is markdown
    assert answer.content.startswith(b"# team.orders" if markdown else b"{")
    if markdown:
        text = answer.content.decode()
        assert text.startswith(f"# {NAME} 1.1.0\n")
        assert "| `amount` | integer | no | at least 0 | 1.1.0 | `1` |" in text
        assert "```json" in text


def test_what_an_author_wrote_stays_text_in_markdown(publish, owner):
    nasty = "a|b\n# head <script>alert(1)</script> [x](javascript:1) `code` *bold*"
    publish("orders", {"title": nasty, "properties": {"a|`b": {"description": nasty, "const": "|"}}})
    text = owner.api.get("/api/v1/subjects/orders/versions/1/docs?format=markdown").content.decode()
    assert "<script>" not in text
    assert "\n# head" not in text
    assert r"\[x\](javascript:1)" in text
    row = next(line for line in text.splitlines() if line.startswith("| ``"))
    assert row.replace("\\|", "").count("|") == 8


def test_the_page_shows_fields_and_example(orders, owner):
    shown = owner.browser.get(reverse("version", args=[NAME, 2])).content.decode()
    assert "<code>amount</code>" in shown
    assert "at least 0" in shown
    assert "two independent validators accept it, its formats included" in shown
    assert f"{BASE.replace('%2F', '/')}/2/docs?format=markdown" in shown.replace("%2F", "/")


def test_the_number_of_statements_does_not_grow_with_versions_and_fields(publish, actor):
    counts = []
    for versions in (range(1, 3), range(3, 9)):
        for number in versions:
            publish(
                "orders",
                {"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(number)}},
            )
        with CaptureQueriesContext(connection) as asked:
            describe_version(actor=actor, subject="orders", version="latest")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_docs_are_for_those_who_may_read(publish, teammate):
    publish("other", FIRST)
    for what in ("docs", "docs?format=markdown", "example", "changes", "similar"):
        assert teammate.api.get(f"/api/v1/subjects/other/versions/1/{what}").status_code == 403


def test_real_schemas_are_documented_and_have_examples(publish, owner):
    whole = json.loads(
        (Path(require("data")) / "github-webhooks/schemas/7.6.1/schema.json").read_text(encoding="utf-8")
    )
    for name in ("issues$opened", "push$event", "release$published"):
        schema = {"$ref": f"#/definitions/{name}", "definitions": whole["definitions"]}
        publish(name, schema)
        answer = owner.api.get(f"/api/v1/subjects/{name.replace('$', '%24')}/versions/1/docs").json()
        assert len(answer["fields"]) > 50
        assert answer["example"]["formats_hold"]
