"""The mode IMPORT: ids and version numbers as they were elsewhere, and what is never given twice."""

import pytest

from registry.models import Content
from tests.registry.wire import (
    BASE,
    ONE_FIELD,
    OTHER_TYPE,
    THREE_FIELDS,
    TWO_FIELDS,
    assert_error,
    register,
    text,
)

S = f"{BASE}/subjects/s"


@pytest.fixture
def api(owner):
    return owner.api


@pytest.fixture
def importing(api):
    """The subject `s` takes imports."""
    assert api.put(f"{BASE}/mode/s", {"mode": "IMPORT"}).json() == {"mode": "IMPORT"}
    return api


def content_of(api, number):
    return api.get(f"{BASE}/schemas/ids/{number}").json()["schema"]


def test_ids_and_numbers_are_kept_and_compatibility_is_not_asked(importing):
    assert register(importing, "s", ONE_FIELD, id=4_000, version=7)["id"] == 4_000
    assert register(importing, "s", OTHER_TYPE, id=3_000, version=3)["id"] == 3_000
    assert importing.get(f"{S}/versions").json() == [3, 7]
    assert content_of(importing, 4_000) == text(ONE_FIELD)["schema"]
    labels = [importing.get(f"{S}/versions/{number}").json()["semver"] for number in (3, 7)]
    assert len(set(labels)) == 2


def test_importing_the_same_again_changes_nothing(importing):
    first = register(importing, "s", ONE_FIELD, id=4_000, version=7)
    again = register(importing, "s", ONE_FIELD, id=4_000, version=7)
    assert (again["created"], again["version"]) == (False, first["version"])
    # Neither does a client that registers what it is about to send, as auto-registering ones do.
    assert register(importing, "s", ONE_FIELD)["id"] == 4_000
    assert importing.get(f"{S}/versions").json() == [7]


def test_an_import_needs_ids_and_everybody_else_may_give_none(api, importing):
    refused = api.post(f"{S}/versions", text(TWO_FIELDS))
    assert_error(refused, 42205, "Subject s in context . is not in read-write mode")
    refused = api.post(f"{BASE}/subjects/other/versions", text(TWO_FIELDS, id=9))
    assert_error(refused, 42205, "Subject other in context . is not in import mode")


def test_an_id_means_one_schema(importing):
    register(importing, "s", ONE_FIELD, id=4_000, version=1)
    refused = importing.post(f"{S}/versions", text(TWO_FIELDS, id=4_000, version=2))
    message = "Overwrite new schema with id 4000 in context . is not permitted."
    assert_error(refused, 42207, message)
    importing.delete(S)
    importing.delete(f"{S}?permanent=true")
    importing.put(f"{BASE}/mode/s", {"mode": "IMPORT"})
    # Not even when nobody uses it any more: somebody's topic may hold it.
    assert_error(importing.post(f"{S}/versions", text(TWO_FIELDS, id=4_000, version=1)), 42207, message)
    assert register(importing, "s", ONE_FIELD, id=4_000, version=1)["id"] == 4_000


def test_one_schema_may_have_been_given_two_ids(importing):
    register(importing, "s", ONE_FIELD, id=100, version=1)
    register(importing, "s", ONE_FIELD, id=200, version=2)
    assert content_of(importing, 100) == content_of(importing, 200)
    assert importing.get(f"{BASE}/schemas/ids/200/versions").json() == [{"subject": "s", "version": 2}]


def test_an_id_that_only_deleted_versions_have_may_take_on_metadata(api):
    first = register(api, "s", ONE_FIELD)["id"]
    api.delete(S)
    api.put(f"{BASE}/mode/s", {"mode": "IMPORT"})
    metadata = {"properties": {"owner": "shop"}}
    register(api, "s", ONE_FIELD, id=first, version=1, metadata=metadata)
    assert api.get(f"{BASE}/schemas/ids/{first}").json()["metadata"] == metadata
    refused = api.post(f"{S}/versions", text(ONE_FIELD, id=first, version=2))
    assert_error(refused, 42207)


def test_the_number_of_a_soft_deleted_version_is_taken_over_and_a_live_one_is_not(importing):
    register(importing, "s", ONE_FIELD, id=100, version=1)
    refused = importing.post(f"{S}/versions", text(TWO_FIELDS, id=101, version=1))
    assert_error(refused, 42205)
    assert "Published versions never change" in refused.json()["message"]
    importing.delete(f"{S}/versions/1")
    register(importing, "s", TWO_FIELDS, id=101, version=1)
    assert importing.get(f"{S}/versions?deleted=true").json() == [1]
    assert importing.get(f"{S}/versions/1").json()["id"] == 101


def test_new_ids_come_after_imported_ones(importing):
    last = Content.objects.order_by("pk").values_list("pk", flat=True).last() or 0
    register(importing, "s", ONE_FIELD, id=last + 5_000, version=1)
    assert register(importing, "t", TWO_FIELDS)["id"] > last + 5_000
    # An import below moves nothing back.
    register(importing, "s", THREE_FIELDS, id=last + 10, version=2)
    assert register(importing, "t", TWO_FIELDS | {"title": "t"})["id"] > last + 5_000


def test_an_id_at_the_end_of_four_bytes_leaves_room_for_others(importing):
    assert register(importing, "s", ONE_FIELD, id=2**31 - 1, version=1)["id"] == 2**31 - 1
    assert register(importing, "t", TWO_FIELDS)["id"] < 2**31 - 1
    for wrong in (2**31, -5, "7", 1.5, True):
        assert_error(importing.post(f"{S}/versions", text(TWO_FIELDS, id=wrong, version=2)), 40000)


def test_an_import_begins_where_there_is_nothing_unless_it_is_forced(api):
    register(api, "s", ONE_FIELD)
    assert_error(api.put(f"{BASE}/mode/s", {"mode": "IMPORT"}), 42205)
    assert_error(api.put(f"{BASE}/mode", {"mode": "IMPORT"}), 42205)
    assert api.put(f"{BASE}/mode/:.berlin:", {"mode": "IMPORT"}).status_code == 200
    assert api.put(f"{BASE}/mode?force=true", {"mode": "import"}).json() == {"mode": "IMPORT"}
    assert register(api, "new", OTHER_TYPE, id=500, version=4)["version"] == 4


def test_forward_takes_what_an_import_takes(api):
    register(api, "s", ONE_FIELD)
    assert api.put(f"{BASE}/mode", {"mode": "FORWARD"}).json() == {"mode": "FORWARD"}
    assert register(api, "s", OTHER_TYPE, id=600, version=2)["id"] == 600
    assert_error(api.put(f"{BASE}/mode/s", {"mode": "FORWARD"}), 42204)


def test_what_is_there_already_is_answered_in_every_mode(api):
    first = register(api, "s", ONE_FIELD)["id"]
    api.put(f"{BASE}/mode/s", {"mode": "READONLY"})
    assert register(api, "s", ONE_FIELD)["id"] == first
    assert_error(api.post(f"{S}/versions", text(TWO_FIELDS)), 42205, "Subject s is in read-only mode")


def test_an_imported_subject_goes_on_like_any_other(importing):
    register(importing, "s", ONE_FIELD, id=100, version=3)
    importing.delete(f"{BASE}/mode/s")
    assert_error(importing.post(f"{S}/versions", text(OTHER_TYPE)), 40901)
    assert register(importing, "s", TWO_FIELDS)["version"] == 4
