"""A catalogue that was exported and brought in elsewhere is the same catalogue."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import registry
from access.actor import SYSTEM
from access.errors import ProductError
from access.models import AuditEntry
from registry.change_state import change_state
from registry.configure import configuration_of, set_mode
from registry.delete import delete_subject, delete_version
from registry.load_catalogue import load_onex_catalogue
from registry.lookup import find_version
from registry.models import Content, SchemaId, Subject, Version, VersionIndex
from registry.references import ReferenceTo, bundled
from registry.signals import version_published
from tests.registry.catalogues import (
    MONEY,
    ODD_NAMES,
    empty_catalogue,
    exported,
    imported,
    manifest,
    members,
    publish,
    publish_everything,
)
from tests.registry.test_confluent_client import client_of
from tests.require import require

pytestmark = pytest.mark.django_db


def assert_round_trip() -> bytes:
    before = exported()
    empty_catalogue()
    assert not Version.objects.exists()
    report = imported(before)
    assert (report.refused, report.kept) == ([], [])
    assert exported() == before
    return before


def test_exported_imported_and_exported_again_is_the_same_file():
    publish_everything()
    before = assert_round_trip()
    assert manifest(before)["complete"] is True
    assert {name for name in ODD_NAMES if find_version(name, "1")} == set(ODD_NAMES)


def test_a_second_import_changes_nothing_and_says_so():
    publish_everything()
    archive = exported()
    before = AuditEntry.objects.count()
    again = imported(archive)
    assert (again.changed, again.refused, again.kept) == (False, [], [])
    assert again.sentence == "Nothing was changed: all of it is here already."
    assert again.unchanged["versions"] == manifest(archive)["counts"]["versions"]
    assert AuditEntry.objects.count() == before


def test_what_is_restored_is_what_it_was():
    publish_everything()
    before = {
        (row.subject.name, row.number): (row.published_at, row.published_by, row.verdict, row.deleted_at)
        for row in Version.objects.select_related("subject")
    }
    gone = SchemaId.objects.filter(versions=None).values_list("number", flat=True)
    unused = set(gone)
    assert unused
    assert_round_trip()
    after = {
        (row.subject.name, row.number): (row.published_at, row.published_by, row.verdict, row.deleted_at)
        for row in Version.objects.select_related("subject")
    }
    assert after == before
    deprecated, archived = find_version("states", "1"), find_version("states", "2", deleted=True)
    assert (deprecated.state, str(deprecated.replaced_by)) == ("deprecated", "states v4 (1.0.3)")
    assert (archived.state, archived.replaced_by.subject.name) == ("archived", "money")
    states = Subject.objects.get(name="states")
    assert (states.owner, states.retention_days, states.evolution_rules) == ("shop", 30, "ONEX")
    assert configuration_of("money").by_wire_api
    # Search finds each of them.
    assert VersionIndex.objects.count() == Version.objects.count()
    assert bundled(SYSTEM, find_version("orders", "1").content).count("amount") == 1
    # No id is ever given again, used or not.
    assert publish("new", {"title": "new"}).schema_id > max(
        SchemaId.objects.filter(context=".")
        .exclude(versions__subject__name="new")
        .values_list("number", flat=True)
    )
    assert unused <= set(SchemaId.objects.filter(versions=None).values_list("number", flat=True))


def test_the_same_catalogue_gives_the_same_bytes_in_order_and_readable():
    publish_everything()
    archive = exported()
    assert exported() == archive
    held = members(archive)
    assert list(held)[-1] == "manifest.json"
    assert json.loads(held["subjects/money/versions/1.json"])["note"] == "Amounts"
    assert held["subjects/money/versions/1.json"].startswith(b'{\n  "number": 1,\n')
    digest = json.loads(held["subjects/money/versions/1.json"])["schema"]
    # A schema lies there as it was uploaded.
    assert json.loads(held[f"schemas/{digest}.json"]) == MONEY


def test_the_onex_catalogue():
    load_onex_catalogue(actor=SYSTEM)
    archive = assert_round_trip()
    files = list((Path(registry.__file__).parent / "onex").glob("*-*.json"))
    counts = manifest(archive)["counts"]
    assert counts["versions"] + counts["taxonomies"] == len(files)
    # A start after it adds nothing.
    assert load_onex_catalogue(actor=SYSTEM).added == []


def test_a_start_with_the_onex_catalogue_is_no_hindrance():
    """Two installations give its schemas the same ids, at other times."""
    load_onex_catalogue(actor=SYSTEM)
    publish("orders", MONEY)
    archive = exported()
    empty_catalogue()
    first = Content.objects.order_by("pk").values_list("pk", flat=True).first()
    assert first is None
    imported(archive)
    Version.objects.filter(subject__name="orders").delete()
    Subject.objects.filter(name="orders").delete()
    report = imported(archive)
    assert (report.refused, report.added) == ([], {"subjects": 1, "versions": 1})


@pytest.mark.timeout(600)
def test_the_history_of_githubs_webhooks_with_references():
    folder = Path(require("data")) / "github-webhooks" / "schemas"
    for version in ("5.8.0", "7.3.1", "7.6.1"):
        definitions = json.loads((folder / version / "schema.json").read_text(encoding="utf-8"))[
            "definitions"
        ]
        publish("github.user", definitions["user"], semver=version)
        event = {
            "type": "object",
            "properties": {"sender": {"$ref": "user.json"}, "label": definitions.get("label", {})},
        }
        publish("github.event", event, references=[ReferenceTo("user.json", "github.user", version)])
    assert_round_trip()
    assert (
        Version.objects.filter(uses__isnull=False).count()
        == Version.objects.filter(subject__name="github.event").count()
    )


def test_subjects_that_refer_to_each_other_come_in_together():
    publish("a", {"title": "a1"})
    publish("b", {"title": "b1", "allOf": [{"$ref": "a"}]}, references=[ReferenceTo("a", "a", 1)])
    publish("b", {"title": "b2"}, semver="2.0.0")
    publish(
        "a", {"title": "a2", "allOf": [{"$ref": "b"}]}, references=[ReferenceTo("b", "b", 2)], semver="2.0.0"
    )
    assert_round_trip()
    assert Version.objects.filter(uses__isnull=False).count() == 2


def test_live_versions_are_announced_and_each_subject_is_audited(django_capture_on_commit_callbacks):
    publish_everything()
    archive = exported()
    empty_catalogue()
    announced = []

    def hear(subject, version, **_):
        announced.append((subject, version))

    version_published.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            imported(archive)
    finally:
        version_published.disconnect(hear)
    live = set(Version.objects.live().values_list("subject__name", "number"))
    assert set(announced) == live
    entry = AuditEntry.objects.filter(action="subject.restored", target="subject/money").get()
    assert [version["version"] for version in entry.details["restored"]] == [1, 2]
    assert AuditEntry.objects.filter(action="taxonomy.restored").count() == 1
    assert AuditEntry.objects.filter(action="catalogue.restored").count() == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning:confluent_kafka")
def test_an_unmodified_client_reads_restored_ids(live_server, owner):
    publish_everything()
    expected = {
        row.identity.number: row.content.text
        for row in Version.objects.live().filter(identity__context=".").select_related("identity", "content")
    }
    archive = exported()
    empty_catalogue()
    imported(archive)
    with client_of(live_server, owner.secret) as client:
        assert {number: client.get_schema(number).schema_str for number in expected} == expected
        registered = client.get_latest_version("orders")
        assert [(use.name, use.subject, use.version) for use in registered.schema.references] == [
            ("money.json", "money", 2)
        ]


NAMES = st.sampled_from(["a", "b", ":.c:a", "x/y"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), NAMES, st.integers(1, 4)),
        st.tuples(st.just("draft"), NAMES, st.integers(1, 4)),
        st.tuples(st.just("refer"), NAMES, NAMES),
        st.tuples(st.just("delete"), NAMES, st.integers(1, 3)),
        st.tuples(st.just("purge"), NAMES, st.just(0)),
        st.tuples(st.just("deprecate"), NAMES, st.integers(1, 3)),
        st.tuples(st.just("read only"), NAMES, st.just(0)),
    ),
    max_size=12,
)


def do(step: str, name: str, what) -> None:
    if step in {"publish", "draft"}:
        publish(name, {"title": f"number {what}"}, draft=step == "draft")
    elif step == "refer":
        publish(
            name,
            {"title": "refers", "allOf": [{"$ref": "other"}]},
            references=[ReferenceTo("other", what, -1)],
        )
    elif step == "delete":
        delete_version(actor=SYSTEM, subject=name, version=str(what))
    elif step == "purge":
        delete_subject(actor=SYSTEM, subject=name)
        delete_subject(actor=SYSTEM, subject=name, permanent=True)
    elif step == "deprecate":
        change_state(actor=SYSTEM, subject=name, version=str(what), state="deprecated")
    else:
        set_mode(actor=SYSTEM, subject=name, mode="READONLY")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happened_to_a_catalogue(steps):
    empty_catalogue()
    for step in steps:
        try:
            do(*step)
        except ProductError:
            continue
    archive = exported()
    empty_catalogue()
    report = imported(archive)
    assert report.refused == []
    assert exported() == archive
