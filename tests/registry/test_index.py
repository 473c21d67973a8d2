"""What search knows is written with the version, and for versions from before by a migration."""

import importlib
import json
from dataclasses import replace

import pytest
from django.apps import apps
from django.db import connection

from registry.approve import approve
from registry.change_state import change_state
from registry.edit_subject import SubjectSettings, edit_subject
from registry.errors import ApprovalRequired
from registry.import_iglu import import_iglu
from registry.index import words_in
from registry.load_catalogue import load_onex_catalogue
from registry.models import (
    Content,
    ContentField,
    ContentIndex,
    Subject,
    Version,
    VersionIndex,
    VersionTag,
)
from registry.references import ReferenceTo
from registry.search import search

ADDRESS = {
    "type": "object",
    "title": "Address",
    "properties": {"street": {"type": "string", "x-tags": ["PII"]}},
}
ORDER = {
    "type": "object",
    "description": "What a customer bought.",
    "required": ["orderId"],
    "properties": {"orderId": {"type": "string"}, "to": {"$ref": "address"}},
}


@pytest.fixture
def published(publish):
    publish("address", ADDRESS)
    publish(
        "orders",
        ORDER,
        references=[ReferenceTo("address", "address", 1)],
        metadata={"tags": {"**.to": ["GDPR"]}},
    )


def rows():
    fields = set(ContentField.objects.values_list("path", "name", "key", "required"))
    tags = set(VersionTag.objects.values_list("version__subject__name", "tag"))
    words = set(VersionIndex.objects.values_list("version__subject__name", "own", "words"))
    return fields, tags, words, set(ContentIndex.objects.values_list("title", "description", "field_count"))


def test_fields_words_and_tags_are_written_with_the_version(published):
    fields, tags, words, texts = rows()
    assert fields == {
        ("street", "street", "street", False),
        ("orderId", "orderId", "orderid", True),
        ("to", "to", "to", False),
    }
    assert tags == {("address", "PII"), ("orders", "GDPR")}
    assert ("address", "'address' 'pii' 'street'", "'address' 'pii' 'street'") in words
    assert texts == {("Address", "", 1), ("", "What a customer bought.", 2)}


def test_a_schema_that_several_subjects_share_is_written_once(publish):
    publish("a", ADDRESS)
    publish("b", ADDRESS)
    assert ContentField.objects.count() == 1
    assert VersionTag.objects.count() == 2


def test_a_draft_is_written_too_and_found_when_it_is_active(publish, actor):
    publish("orders", ORDER | {"properties": {}}, draft=True)
    assert search(actor=actor, text="customer", every_version=True).count == 0
    change_state(actor=actor, subject="orders", version="1", state="active")
    assert search(actor=actor, text="customer").count == 1


def test_what_a_second_person_lets_in_is_found_from_then_on(publish, actor, make_person):
    publish("address", ADDRESS)
    Subject.objects.update(needs_approval=True)
    with pytest.raises(ApprovalRequired) as waits:
        publish("address", {"type": "array", "title": "Places"})
    assert search(actor=actor, text="places", every_version=True).count == 0
    second = make_person("second", role="developer").actor
    approve(actor=second, approval_id=waits.value.facts["approval"])
    assert [hit.version.number for hit in search(actor=actor, text="places").hits] == [2]


def test_every_other_way_to_a_version_makes_it_findable(published, publish, actor, owner, tmp_path):
    base = "/api/v1"
    owner.api.put(f"{base}/mode/old", {"mode": "IMPORT"})
    imported = {"schema": '{"title": "Ancient"}', "schemaType": "JSON", "id": 4_000, "version": 7}
    assert owner.api.post(f"{base}/subjects/old/versions", imported).status_code == 200
    tags = {
        "tagsToAdd": [
            {"schemaEntity": {"entityType": "sr_field", "entityPath": "object.orderId"}, "tags": ["KEY"]}
        ]
    }
    assert owner.api.post(f"{base}/subjects/orders/versions/1/tags", tags).status_code == 200
    file = tmp_path / "com.example" / "thing" / "jsonschema" / "1-0-0"
    file.parent.mkdir(parents=True)
    about = {"vendor": "com.example", "name": "thing", "format": "jsonschema", "version": "1-0-0"}
    file.write_text(json.dumps({"self": about, "title": "Gizmo"}), encoding="utf-8")
    import_iglu(actor=actor, folder=tmp_path)
    load_onex_catalogue(actor=actor)
    publish(":.berlin:orders", {"title": "Bestellung"})
    for words in ("ancient", "tag:key", "gizmo", "subject:onex.envelope", "bestellung"):
        assert search(actor=actor, text=words).count == 1, words
    assert not Version.objects.filter(index=None).exists()
    assert not Content.objects.filter(index=None).exists()


def test_a_dry_run_writes_nothing(publish):
    publish("a", ADDRESS, dry_run=True)
    assert not ContentIndex.objects.exists()


def test_the_migration_makes_the_same_rows_for_what_was_published_before(published):
    before = rows()
    for model in (ContentField, ContentIndex, VersionIndex, VersionTag):
        model.objects.all().delete()
    migration = importlib.import_module("registry.migrations.0013_make_what_was_published_findable")
    with connection.schema_editor() as editor:
        migration.index_contents(apps, editor)
        assert rows() == before
        migration.index_contents(apps, editor)
    assert rows() == before


@pytest.mark.parametrize(
    "schema",
    [
        {"title": "\u0000", "properties": {"\u0000a": {"description": "\u0000"}}},
        {"properties": {"x" * 5_000: {"description": "y" * 100_000}}},
        {"properties": {f"field {number}": {"type": "string"} for number in range(3_000)}},
        {"description": " ".join(f"word{number}" for number in range(50_000))},
        {"properties": {"a": {"$ref": "#"}}, "tags": [1, None, "t" * 400]},
        True,
    ],
)
def test_what_is_odd_is_published_all_the_same(publish, schema):
    assert publish("odd", schema).created
    assert ContentIndex.objects.count() == 1


def test_words_of_the_subject_follow_its_settings(published, actor):
    settings = SubjectSettings("Team Shop", "All that is sold", False, "latest", None, None)
    edit_subject(actor=actor, subject="orders", settings=settings)
    edit_subject(actor=actor, subject="orders", settings=replace(settings, owner="Team Till"))
    found = VersionIndex.objects.get(version__subject__name="orders").words
    assert {"'till'", "'sold'", "'customer'", "'gdpr'"} <= set(found.split())
    assert "'shop'" not in found


def test_names_are_cut_into_words():
    assert list(words_in("shop.orderPlaced_at")) == ["shop", "order", "placed", "at"]
    assert list(words_in("Größe HTTPServer2")) == ["größe", "httpserver2"]
