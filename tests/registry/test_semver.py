"""What versions are called: computed from the schemas, or declared and held to what the schemas keep."""

import json
from urllib.parse import quote

import pytest

from registry.configure import set_rules
from registry.errors import Incompatible, InvalidSemver, VersionTaken, VersionTooLow
from registry.lookup import find_version
from tests.registry.test_forced_uploads import HARD, HARDER

ONE_FIELD = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO_FIELDS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
A_REQUIRED = {**ONE_FIELD, "required": ["a"]}
OTHER_TYPE = {"type": "object", "properties": {"a": {"type": "integer"}}}


def test_a_change_of_words_is_a_patch(publish):
    publish("s", ONE_FIELD)
    assert publish("s", ONE_FIELD | {"title": "Order"}).semver == "1.0.1"


def test_an_optional_field_is_a_minor_never_a_patch(publish):
    publish("s", ONE_FIELD)
    published = publish("s", TWO_FIELDS)
    assert published.semver == "1.1.0"
    assert published.judgement.label.required.level == "minor"


def test_a_declared_version_is_taken(publish):
    assert publish("s", ONE_FIELD, semver="0.3.0").semver == "0.3.0"
    assert publish("s", TWO_FIELDS, metadata={"properties": {"semver": "0.7.0"}}).semver == "0.7.0"


def test_a_declared_version_below_the_required_step_is_refused_with_the_counterexample(publish, actor):
    set_rules(actor=actor, subject="s", level="NONE")
    publish("s", ONE_FIELD)
    with pytest.raises(VersionTooLow) as refused:
        publish("s", A_REQUIRED, semver="1.1.0")
    assert refused.value.facts["required"] == "major"
    assert refused.value.facts["at_least"] == "2.0.0"
    assert refused.value.facts["witness"]["instance"] == {}


def test_a_declared_minor_does_not_pass_what_the_level_refuses(publish):
    publish("s", ONE_FIELD)
    with pytest.raises(VersionTooLow):
        publish("s", OTHER_TYPE, semver="1.1.0")
    with pytest.raises(Incompatible):
        publish("s", OTHER_TYPE)


def test_a_declared_major_passes_what_the_level_refuses_and_keeps_the_evidence(publish):
    publish("s", ONE_FIELD)
    published = publish("s", OTHER_TYPE, semver="2.0.0")
    assert published.semver == "2.0.0"
    assert published.version.verdict["status"] == "incompatible"
    assert published.version.verdict["semver"]["declared_major"] is True


def test_after_a_new_major_the_level_holds_within_it(publish):
    publish("s", ONE_FIELD)
    publish("s", OTHER_TYPE, semver="2.0.0")
    with pytest.raises(Incompatible):
        publish("s", ONE_FIELD | {"title": "back again"})


def test_a_declared_version_has_to_be_above_the_latest(publish):
    publish("s", ONE_FIELD, semver="1.5.0")
    with pytest.raises(VersionTooLow, match=r"is not above 1\.5\.0"):
        publish("s", TWO_FIELDS, semver="1.4.0")


def test_a_label_means_one_schema(publish):
    publish("s", ONE_FIELD)
    with pytest.raises(VersionTaken):
        publish("s", TWO_FIELDS, semver="1.0.0")


def test_one_schema_may_carry_several_labels(publish):
    first = publish("s", ONE_FIELD, semver="1.0.0")
    second = publish("s", ONE_FIELD, semver="1.1.0")
    assert (first.content_id, second.number) == (second.content_id, 2)
    assert publish("s", ONE_FIELD, semver="1.0.0").number == 1
    assert publish("s", ONE_FIELD).number == 2


@pytest.mark.parametrize("semver", ["1", "1.0", "v1.0.0", "1.0.0.0", "one", "1.0.0-" + "x" * 60])
def test_what_is_no_semver_is_refused(publish, semver):
    with pytest.raises(InvalidSemver):
        publish("s", ONE_FIELD, semver=semver)


def test_the_label_of_a_deleted_version_is_not_given_again(publish, actor):
    from registry.delete import delete_version

    publish("s", ONE_FIELD)
    publish("s", TWO_FIELDS)
    delete_version(actor=actor, subject="s", version="2")
    assert publish("s", TWO_FIELDS | {"title": "again"}).semver == "1.1.1"


def test_fetch_by_label_and_range(publish):
    publish("s", ONE_FIELD)
    publish("s", TWO_FIELDS)
    publish("s", OTHER_TYPE, semver="2.0.0-rc.1")
    assert find_version("s", "1.0.0").number == 1
    assert find_version("s", "^1").number == 2
    assert find_version("s", "*").number == 2
    assert find_version("s", "2.0.0-rc.1").number == 3
    assert find_version("s", ">=2.0.0-rc.0").number == 3
    assert find_version("s", "latest").number == 3


@pytest.mark.parametrize("level", ["NONE", "FORWARD"])
def test_a_change_the_level_allows_gets_its_computed_step_by_itself_majors_too(publish, actor, level):
    set_rules(actor=actor, subject="s", level=level)
    publish("s", ONE_FIELD)
    assert publish("s", A_REQUIRED).semver == "2.0.0"


def test_what_is_undecided_is_a_major(publish):
    publish("s", HARD)
    published = publish("s", HARDER, force=True)
    assert (published.semver, published.judgement.label.required.level) == ("2.0.0", "major")
    assert published.judgement.label.required.reason.startswith("it could not be proven")


def test_the_sets_are_compared_in_one_world_whatever_the_level(publish, actor):
    """Under OPEN the optional field takes something away from what anybody may send, so it is a major."""
    set_rules(actor=actor, subject="s", level="NONE", policy="OPEN")
    publish("s", ONE_FIELD)
    assert publish("s", TWO_FIELDS).semver == "2.0.0"


def test_the_reason_is_stored_and_shown(publish, owner):
    publish("s", ONE_FIELD)
    version = publish("s", TWO_FIELDS).version
    version.refresh_from_db()
    reason = "the new version admits everything the old one did, and more"
    assert version.verdict["semver"]["reason"] == reason
    shown = owner.browser.get("/subjects/s/versions/2").content.decode()
    assert reason.capitalize() in shown
    body = {"schema": json.dumps(TWO_FIELDS | {"title": "t"})}
    dry = owner.api.post("/api/v1/subjects/s/versions?dryRun=true", body).json()
    assert dry["verdict"]["semver"]["reason"] == "both versions admit the same instances"


@pytest.mark.parametrize(
    ("wanted", "number"),
    [("latest", 4), ("-1", 4), ("2", 2), ("1.1.0", 2), ("^1", 3), ("~1.1", 2), ("1.x || >=2", 4)],
)
def test_fetch_over_rest_by_latest_number_label_and_range(publish, owner, wanted, number):
    publish("s", ONE_FIELD)
    publish("s", TWO_FIELDS)
    publish("s", TWO_FIELDS | {"properties": {**TWO_FIELDS["properties"], "c": {"type": "null"}}})
    publish("s", OTHER_TYPE, semver="2.0.0")
    answer = owner.api.get(f"/api/v1/subjects/s/versions/{quote(wanted, safe='')}")
    assert answer.json()["version"] == number
