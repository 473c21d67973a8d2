"""Draft, active, deprecated, archived: which step follows which, and what each means to those who read."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from access.models import AuditEntry
from registry.change_state import TRANSITIONS, Deprecation, change_state, next_states
from registry.delete import delete_version
from registry.errors import (
    AlreadyPublished,
    Incompatible,
    InvalidDeprecation,
    InvalidTransition,
    InvalidVersion,
    ReadOnly,
    VersionNotFound,
)
from registry.lookup import find_version
from registry.models import Version
from tests.registry.conftest import A_REQUIRED, ONE_FIELD, OTHER_TYPE, TWO_FIELDS
from tests.registry.test_fast_path import server  # noqa: F401 -- a fixture

STATES = ["draft", "active", "deprecated", "archived"]
LATER = datetime.now(UTC).date() + timedelta(days=90)


@pytest.fixture
def become(actor):
    """`become("s", 1, "deprecated", sunset=…)`: the version afterwards."""

    def become(subject, version, state, **said):
        deprecation = Deprecation(**said) if said else None
        return change_state(
            actor=actor, subject=subject, version=str(version), state=state, deprecation=deprecation
        )

    return become


def in_state(publish, become, state):
    """Version 2 of `s`, in this state."""
    publish("s", ONE_FIELD)
    publish("s", TWO_FIELDS, draft=state == "draft")
    for step in {"deprecated": ["deprecated"], "archived": ["deprecated", "archived"]}.get(state, []):
        become("s", 2, step)
    return Version.objects.get(subject__name="s", number=2)


def test_what_refers_to_an_archived_version_is_still_found_and_new_schemas_may_not(publish, become, owner):
    publish("s", ONE_FIELD)
    publish("s", TWO_FIELDS)
    address = "/api/v1/subjects/user"
    body = {
        "schema": json.dumps({"properties": {"x": {"$ref": "s.json"}}}),
        "references": [{"name": "s.json", "subject": "s", "version": 1}],
    }
    first = owner.api.post(f"{address}/versions", body).json()
    for state in ("deprecated", "archived"):
        become("s", 1, state)
    again = owner.api.post(f"{address}/versions", body).json()
    assert (again["id"], again["created"]) == (first["id"], False)
    assert owner.api.post(address, body).json()["id"] == first["id"]
    changed = body | {"schema": json.dumps({"properties": {"x": {"$ref": "s.json"}, "y": {}}})}
    for refused in (
        owner.api.post(f"{address}/versions", changed),
        owner.api.post(f"/api/v1/compatibility{address.removeprefix('/api/v1')}/versions/latest", changed),
    ):
        assert (refused.status_code, refused.json()["error_code"]) == (422, 42201)
        assert "which is archived" in refused.json()["message"]


@pytest.mark.parametrize("present", STATES)
@pytest.mark.parametrize("wanted", STATES)
def test_the_table_of_steps_is_the_whole_truth(publish, become, present, wanted):
    version = in_state(publish, become, present)
    assert (wanted in next_states(version)) == ((present, wanted) in TRANSITIONS)
    if (present, wanted) in TRANSITIONS:
        assert become("s", 2, wanted).state == wanted
        assert AuditEntry.objects.filter(target="subject/s").first().action in {
            TRANSITIONS[present, wanted],
            "version.published",
        }
    else:
        with pytest.raises(InvalidTransition):
            become("s", 2, wanted)
        version.refresh_from_db()
        assert version.state == present


@pytest.mark.parametrize(("state", "inside"), [("draft", False), ("deprecated", True), ("archived", False)])
def test_what_a_state_means_for_latest_listings_and_compatibility(publish, become, owner, state, inside):
    in_state(publish, become, state)
    assert owner.api.get("/api/v1/subjects/s/versions").json() == ([1, 2] if inside else [1])
    assert find_version("s", "latest").number == (2 if inside else 1)
    assert owner.api.get("/api/v1/subjects/s/versions/2").status_code == (200 if inside else 404)
    assert owner.api.get("/api/v1/subjects/s/versions/2?deleted=true").json()["state"] == state
    # `b` as a text is compatible with version 1 only.
    retyped = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    if inside:
        with pytest.raises(Incompatible):
            publish("s", retyped)
    else:
        assert publish("s", retyped).number == 3


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_fetched_by_id(publish, become, owner, state):
    version = in_state(publish, become, state)
    answer = owner.api.get(f"/api/v1/schemas/ids/{version.content_id}")
    assert json.loads(answer.json()["schema"]) == TWO_FIELDS


def test_a_draft_is_refused_by_nothing_and_judged_when_it_is_activated(publish, become):
    publish("s", ONE_FIELD)
    draft = publish("s", A_REQUIRED, draft=True)
    assert (draft.version.state, draft.version.status) == ("draft", "incompatible")
    with pytest.raises(Incompatible):
        become("s", draft.number, "active")


def test_a_draft_uploaded_twice_is_one_draft(publish):
    publish("s", ONE_FIELD)
    first, second = publish("s", TWO_FIELDS, draft=True), publish("s", TWO_FIELDS, draft=True)
    assert (second.created, second.number) == (False, first.number)


def test_the_label_of_a_draft_is_a_proposal(publish, become):
    publish("s", ONE_FIELD)
    publish("s", TWO_FIELDS, draft=True)
    between = publish("s", ONE_FIELD | {"properties": {**ONE_FIELD["properties"], "c": {"type": "string"}}})
    assert (between.number, between.semver) == (3, "1.1.0")
    three = {"type": "object", "properties": {**between_fields(), "b": {"type": "integer"}}}
    publish("s", three, draft=True)
    activated = become("s", 4, "active")
    assert (activated.number, activated.semver) == (4, "1.2.0")


def between_fields():
    return {"a": {"type": "string"}, "c": {"type": "string"}}


def test_a_label_means_the_live_version_before_a_draft_that_proposes_it(publish, become):
    publish("s", ONE_FIELD)
    publish("s", TWO_FIELDS, draft=True)
    publish("s", {"type": "object", "properties": between_fields()})
    assert become("s", "1.1.0", "deprecated").number == 3


def test_an_activated_draft_comes_after_all_that_was_published_meanwhile(publish, become):
    publish("s", ONE_FIELD)
    draft = publish("s", ONE_FIELD | {"title": "draft"}, draft=True)
    publish("s", ONE_FIELD | {"title": "meanwhile"})
    activated = become("s", draft.number, "active")
    assert (activated.number, activated.semver, activated.content_id) == (4, "1.0.2", draft.content_id)
    assert find_version("s", "latest").pk == activated.pk


def test_a_draft_that_was_published_meanwhile_repeats_nothing(publish, become):
    publish("s", ONE_FIELD)
    draft = publish("s", TWO_FIELDS, draft=True)
    publish("s", TWO_FIELDS)
    with pytest.raises(AlreadyPublished):
        become("s", draft.number, "active")


def test_a_deprecation_says_until_when_and_what_instead(publish, become):
    publish("s", ONE_FIELD)
    publish("s", OTHER_TYPE, semver="2.0.0")
    version = become("s", 1, "deprecated", sunset=LATER, replaced_by="2.0.0", note="Amounts are numbers now.")
    assert (version.sunset, version.replaced_by.number, version.deprecation_note) == (
        LATER,
        2,
        "Amounts are numbers now.",
    )
    again = become("s", 1, "deprecated", sunset=LATER + timedelta(days=9))
    assert (again.sunset, again.replaced_by, again.deprecated_at) == (
        LATER + timedelta(days=9),
        None,
        version.deprecated_at,
    )
    back = become("s", 1, "active")
    assert (back.sunset, back.deprecated_at, back.deprecation_note) == (None, None, "")


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"sunset": LATER - timedelta(days=900)}, "/sunset"),
        ({"replaced_by": "9.9.9"}, "/replaced_by"),
        ({"replaced_by": "1"}, "/replaced_by"),
        ({"replaced_by": "1.0.0", "replaced_by_subject": "nobody"}, "/replaced_by"),
    ],
)
def test_a_deprecation_that_cannot_be(publish, become, said, pointer):
    publish("s", ONE_FIELD)
    with pytest.raises(InvalidDeprecation) as refused:
        become("s", 1, "deprecated", **said)
    assert refused.value.facts["pointer"] == pointer


def test_neither_ranges_nor_deleted_versions_nor_read_only_subjects_change_state(publish, become, actor):
    from registry.configure import set_mode

    publish("s", ONE_FIELD)
    publish("s", TWO_FIELDS)
    with pytest.raises(InvalidVersion):
        become("s", "^1", "deprecated")
    with pytest.raises(VersionNotFound):
        become("s", 9, "deprecated")
    delete_version(actor=actor, subject="s", version="2")
    with pytest.raises(InvalidTransition, match="deleted version"):
        become("s", 2, "deprecated")
    set_mode(actor=actor, subject="s", mode="READONLY")
    with pytest.raises(ReadOnly):
        become("s", 1, "deprecated")


def test_the_database_knows_no_deprecation_without_its_date(publish):
    publish("s", ONE_FIELD)
    with pytest.raises(IntegrityError), transaction.atomic():
        Version.objects.update(state="deprecated")


# --- over HTTP --------------------------------------------------------------------------------


def test_over_rest(publish, owner, teammate):
    publish("team.s", ONE_FIELD)
    publish("team.s", OTHER_TYPE, semver="2.0.0")
    address = "/api/v1/subjects/team.s/versions/1/state"
    assert teammate.api.get(address).json()["next"] == ["deprecated"]
    body = {"state": "deprecated", "sunset": LATER.isoformat(), "replaced_by": "2.0.0", "note": "Old."}
    told = teammate.api.post(address, body).json()
    assert (told["state"], told["sunset"]) == ("deprecated", LATER.isoformat())
    assert told["replaced_by"] == {"subject": "team.s", "version": 2, "semver": "2.0.0"}
    assert teammate.api.post(address, {"state": "archived"}).json()["note"] == "Old."
    refused = teammate.api.post(address, {"state": "active"})
    assert (refused.status_code, refused.json()["error_code"]) == (409, 40926)
    assert refused.json()["details"]["allowed"] == ["deprecated"]
    assert teammate.api.post(address, {"state": "gone"}).status_code == 422
    published = teammate.api.post(
        "/api/v1/subjects/team.s/versions",
        {"schema": json.dumps(OTHER_TYPE | {"title": "t"}), "state": "draft"},
    ).json()
    assert (published["state"], published["version"]) == ("draft", 3)
    wrong = teammate.api.post("/api/v1/subjects/team.s/versions", {"schema": "{}", "state": "archived"})
    assert wrong.json()["details"]["pointer"] == "/state"


def test_answers_about_a_deprecated_version_say_so(publish, become, owner):
    publish("größe/s", ONE_FIELD)
    publish("größe/s", OTHER_TYPE, semver="2.0.0")
    version = become("größe/s", 1, "deprecated", sunset=LATER, replaced_by="2")
    for address in ("subjects/größe%2Fs/versions/1", "subjects/größe%2Fs/versions/1/schema"):
        answer = owner.api.get(f"/api/v1/{address}")
        assert answer["Deprecation"] == f"@{int(version.deprecated_at.timestamp())}"
        assert answer["Sunset"] == LATER.strftime("%a, %d %b %Y 00:00:00 GMT")
        assert '</api/v1/subjects/gr%C3%B6%C3%9Fe%2Fs/versions/2>; rel="successor-version"' in answer["Link"]
    assert "Deprecation" not in owner.api.get("/api/v1/subjects/größe%2Fs/versions/2")


def test_the_fast_path_says_it_too_from_the_moment_of_the_change(publish, become, owner, server):  # noqa: F811
    content_id = publish("s", ONE_FIELD).content_id
    publish("s", OTHER_TYPE, semver="2.0.0")
    assert "Deprecation" not in server.get(content_id, owner)[1]
    become("s", 1, "deprecated", sunset=LATER, replaced_by="2")
    _, headers, _ = server.get(content_id, owner)
    assert server.behind.calls == 0
    from_view = owner.api.get(f"/api/v1/schemas/ids/{content_id}")
    for name in ("Deprecation", "Sunset", "Link"):
        assert headers[name] == from_view[name], name
    assert "Sunset" in server.get(content_id, owner, HTTP_IF_NONE_MATCH=headers["ETag"])[1]
    become("s", 1, "active")
    assert "Deprecation" not in server.get(content_id, owner)[1]


def test_clients_that_look_it_up_or_ask_by_metadata_are_told_too(publish, become, owner):
    publish("s", ONE_FIELD, metadata={"properties": {"owner": "shop"}})
    become("s", 1, "deprecated", sunset=LATER)
    for answer in (
        owner.api.post("/api/v1/subjects/s", {"schema": json.dumps(ONE_FIELD)}),
        owner.api.get("/api/v1/subjects/s/metadata?key=owner&value=shop"),
    ):
        assert answer.status_code == 200
        assert {"Deprecation", "Sunset", "Link"} <= {*answer.headers}


def test_a_schema_that_is_active_somewhere_is_not_deprecated(publish, become, owner, server):  # noqa: F811
    content_id = publish("s", ONE_FIELD).content_id
    become("s", 1, "deprecated")
    assert "Deprecation" in server.get(content_id, owner)[1]
    publish("other", ONE_FIELD)
    assert "Deprecation" not in server.get(content_id, owner)[1]


def test_a_schema_deprecated_in_several_subjects_names_none_that_one_may_not_read(
    publish,
    become,
    teammate,
    server,  # noqa: F811
):
    content_id = publish("team.s", ONE_FIELD).content_id
    publish("secret", ONE_FIELD)
    publish("secret", OTHER_TYPE, semver="2.0.0")
    become("team.s", 1, "deprecated")
    become("secret", 1, "deprecated", replaced_by="2")
    _, headers, _ = server.get(content_id, teammate)
    assert "Deprecation" in headers
    assert "secret/versions/2" not in headers["Link"]


# --- pages ------------------------------------------------------------------------------------


def test_the_pages_take_a_version_all_the_way_and_back(publish, owner):
    publish("s", ONE_FIELD)
    browser = owner.browser
    browser.post(
        reverse("upload"), {"subject": "s", "schema": json.dumps(TWO_FIELDS), "draft": "on", "publish": "yes"}
    )
    shown = browser.get(reverse("version", args=["s", 2])).content.decode()
    assert "A draft" in shown
    assert "Activate" in shown
    step = reverse("set-state", args=["s", 2])
    assert browser.post(step, {"state": "active"}).url == reverse("version", args=["s", 2])
    form = reverse("deprecate", args=["s", 2])
    assert "Replaced by a version of" in browser.get(form).content.decode()
    wrong = browser.post(form, {"replaced_by": "7"})
    assert "has to be a live version" in wrong.content.decode()
    assert (
        browser.post(form, {"replaced_by": "1", "sunset": LATER, "note": "b was a mistake."}).status_code
        == 302
    )
    shown = browser.get(reverse("version", args=["s", 2])).content.decode()
    for part in ("b was a mistake.", str(LATER), "s 1.0.0", "Archive", "Reinstate"):
        assert part in shown
    browser.post(step, {"state": "archived"})
    assert "By id it can still be fetched" in browser.get(reverse("version", args=["s", 2])).content.decode()
    refused = browser.post(step, {"state": "active"}, follow=True).content.decode()
    assert "cannot become active" in refused
    browser.post(step, {"state": "deprecated"})
    assert Version.objects.get(subject__name="s", number=2).deprecation_note == "b was a mistake."


@pytest.mark.parametrize("state", ["draft", "archived"])
def test_the_page_of_a_hidden_version_shows_ways_to_fetch_it_that_work(publish, become, owner, state):
    version = in_state(publish, become, state)
    shown = owner.browser.get(reverse("version", args=["s", 2])).content.decode()
    assert f"/api/v1/schemas/ids/{version.content_id}/schema" in shown
    assert "/api/v1/subjects/s/versions/2/schema?deleted=true" in shown


def test_latest_is_never_a_hidden_version_while_there_is_a_live_one(publish, owner):
    publish("s", ONE_FIELD)
    publish("s", OTHER_TYPE, semver="2.0.0", draft=True)
    base = "/api/v1/subjects/s/versions"
    for wanted in ("latest", "*"):
        for asked in ("usage", "state"):
            assert owner.api.get(f"{base}/{wanted}/{asked}").json()["version"] == 1
        for page in ("", "/usage", "/graph", "/similar"):
            shown = owner.browser.get(f"/subjects/s/versions/{wanted}{page}").content.decode()
            assert "1.0.0" in shown
            assert "2.0.0" not in shown
    # By its own number it is found.
    assert owner.api.get(f"{base}/2/usage").json()["version"] == 2
