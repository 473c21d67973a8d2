"""What search knows is written with the version, and for versions from before by a migration."""

import importlib
from dataclasses import replace

import pytest
from django.apps import apps
from django.db import connection

from registry.edit_subject import SubjectSettings, edit_subject
from registry.index import words_in
from registry.models import ContentField, ContentIndex, VersionIndex, VersionTag
from registry.references import ReferenceTo

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
