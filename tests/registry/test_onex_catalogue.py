"""The catalogue that comes with the product: its schemas, how they evolve, and its error codes.

The ground truth is what the original validator said about 28 recorded events.
"""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

import compat
from access.actor import SYSTEM
from access.errors import Forbidden
from access.models import AuditEntry
from registry.load_catalogue import ENVELOPE, FOLDER, load_onex_catalogue, schema_entries
from registry.models import Subject, TaxonomyVersion, Version
from registry.publish import publish_version
from registry.taxonomy_problems import problems
from registry.taxonomy_tree import Tree
from tests.require import require

TYPES = {
    "NODE_START",
    "NODE_SUCCESS",
    "NODE_FAILURE",
    "TELEMETRY_OPERATION_START",
    "TELEMETRY_OPERATION_SUCCESS",
    "TELEMETRY_OPERATION_ERROR",
}
SCHEMAS = {(e.name, e.semver): json.loads(e.file.read_text(encoding="utf-8")) for e in schema_entries()}
TREE = Tree.of(json.loads((FOLDER / "errors-1.0.0.json").read_text(encoding="utf-8")))
EVOLVED = sorted(TYPES | {ENVELOPE, "PERFORMANCE_PROFILE"})


def names(key):
    return f"{key[0]}-{key[1]}" if isinstance(key, tuple) else key


def properties_in(schema):
    for name, property_ in schema.get("properties", {}).items():
        yield name, property_
        yield from properties_in(property_)
        yield from properties_in(property_.get("items", {}))


def test_the_catalogue_holds_the_envelope_the_six_types_and_the_profile_twice():
    assert set(SCHEMAS) == {(name, version) for name in EVOLVED for version in ("1.0.0", "1.1.0")}


@pytest.mark.parametrize("key", SCHEMAS, ids=names)
def test_every_schema_is_one_and_accepts_its_own_examples(key):
    schema = SCHEMAS[key]
    assert compat.inspect_schema(schema).notes == ()
    validator = compat.compile_validator(schema, formats=True)
    assert schema["examples"]
    assert [validator.errors(example) for example in schema["examples"]] == [[]] * len(schema["examples"])


@pytest.mark.parametrize("key", SCHEMAS, ids=names)
def test_every_field_is_described_and_its_examples_are_valid(key):
    for name, property_ in properties_in(SCHEMAS[key]):
        assert property_["description"].endswith((".", ")")), name
        validator = compat.compile_validator({**property_, "$schema": SCHEMAS[key]["$schema"]})
        assert property_["examples"], name
        assert all(validator.is_valid(example) for example in property_["examples"]), name


@pytest.mark.parametrize("name", EVOLVED)
def test_1_1_0_is_a_proven_compatible_minor_step(name):
    old, new = SCHEMAS[name, "1.0.0"], SCHEMAS[name, "1.1.0"]
    assert compat.check(old, new, mode="backward", world="declared").status == "compatible"
    assert compat.bump(old, new).level == "minor"


@pytest.mark.parametrize("name", EVOLVED)
def test_1_1_0_only_adds_optional_members(name):
    old, new = SCHEMAS[name, "1.0.0"], SCHEMAS[name, "1.1.0"]
    assert set(old["properties"]) < set(new["properties"])
    assert old["required"] == new["required"]
    assert all(new["properties"][member] == old["properties"][member] for member in old["properties"])


def test_the_envelope_1_1_0_adds_exactly_the_planned_fields():
    added = set(SCHEMAS[ENVELOPE, "1.1.0"]["properties"]) - set(SCHEMAS[ENVELOPE, "1.0.0"]["properties"])
    assert added == {
        "schema_version",
        "parent_correlation_id",
        "trace_id",
        "span_id",
        "sample_rate",
        "signature",
    }


@pytest.mark.parametrize(
    ("member", "good", "bad"),
    [
        ("sample_rate", [0.0001, 1, None], [0, 1.1, "1"]),
        (
            "trace_id",
            ["4bf92f3577b34da6a3ce929d0e0e4736", None],
            ["4BF9", "610c3c35-110d-5838-852d-9cb895a95147"],
        ),
        ("span_id", ["00f067aa0ba902b7"], ["0"]),
        ("schema_version", ["1.1.0", "2.0.0-rc.1", None], ["1.1", "v1.1.0", "01.1.0"]),
        ("node_id", ["stamper_node", "stamper_node-a8f2g"], ["", None, 7]),
        (
            "timestamp",
            ["2025-05-25T14:30:00", "2025-05-25T14:30:00.1+02:00", "2025-05-25 14:30:00Z"],
            ["now", 0, ""],
        ),
    ],
)
def test_the_envelope_draws_the_line_here(member, good, bad):
    validator = compat.compile_validator(SCHEMAS[ENVELOPE, "1.1.0"])
    event = SCHEMAS[ENVELOPE, "1.1.0"]["examples"][0]
    assert all(validator.is_valid({**event, member: value}) for value in good)
    assert not any(validator.is_valid({**event, member: value}) for value in bad)


@pytest.mark.parametrize("name", ["NODE_FAILURE", "TELEMETRY_OPERATION_ERROR"])
def test_failures_carry_a_catalogued_code_from_1_1_0_on(name):
    new = SCHEMAS[name, "1.1.0"]
    assert "error_code" not in SCHEMAS[name, "1.0.0"]["properties"]
    assert new["properties"]["error_code"]["x-taxonomy"] == "onex-errors@^1"
    validator = compat.compile_validator(new)
    failure = new["examples"][0]
    assert validator.is_valid({**failure, "error_code": "ONEX_VALIDATE_107_SCHEMA_VERSION_MISMATCH"})
    assert not validator.is_valid({**failure, "error_code": 500})


# --- the recorded events ----------------------------------------------------------------------

#: Where we judge otherwise than the original validator, and why.
DIFFERENCES = {23: "PERFORMANCE_PROFILE was not in the enum of 1.0.0; here it is a subject of the catalogue"}


def recorded(name):
    return json.loads((Path(require("data")) / "onex" / name).read_text(encoding="utf-8"))


@pytest.fixture
def samples():
    return recorded("sample_events.json")


def judged(event):
    """Violations of an event by the rules of ingest: exact version, else the highest of that major."""
    wanted = event.get("schema_version") or "1.0.0"
    violations = compat.compile_validator(SCHEMAS[ENVELOPE, "1.1.0"]).errors(event)
    if (event["event_type"], "1.0.0") not in SCHEMAS:
        return [*violations, f"unknown event type {event['event_type']}"]
    versions = sorted(version for name, version in SCHEMAS if name == event["event_type"])
    schema = SCHEMAS[event["event_type"], wanted if wanted in versions else versions[-1]]
    return violations + compat.compile_validator(schema).errors(event["metadata"])


@pytest.mark.parametrize("number", range(1, 28))
def test_recorded_events_are_judged_as_the_original_validator_judged_them(samples, number):
    sample = samples[number - 1]
    assert sample["n"] == number
    expected = sample["v1_valid"] or sample["n"] in DIFFERENCES
    assert (judged(sample["event"]) == []) is expected


def test_the_recorded_events_are_the_ones_this_was_written_for(samples):
    assert len(samples) == 28
    assert sum(sample["v1_valid"] is False for sample in samples) == 11
    assert {sample["n"] for sample in samples if sample["v1_valid"] is None} == {28}


def test_the_recorded_error_object_is_no_event_and_its_code_belongs_to_no_area_of_ours(samples):
    (sample,) = [sample for sample in samples if sample["n"] == 28]
    assert "event_type" not in sample["event"]
    assert TREE.find(sample["event"]["error_code"]) is None
    assert TREE.normalise(sample["event"]["error_code"]) == "ONEX_CORE_021"


# --- the taxonomy -----------------------------------------------------------------------------

NUMBERS = {
    "STAMP": range(1, 11),
    "VALID": range(100, 108),
    "REG": range(200, 206),
    "CLI": range(300, 305),
    "RT": range(400, 405),
    "TELEM": range(500, 504),
    "EVENT": range(600, 604),
    "SCHEMA": range(700, 703),
    "FIX": range(0),
    "SYS": range(900, 905),
}


def test_the_taxonomy_holds_exactly_the_50_codes_in_10_areas():
    assert {area.token: [code.number for code in area.codes] for area in TREE.areas} == {
        area: list(numbers) for area, numbers in NUMBERS.items()
    }
    assert len(TREE.by_short) == 50
    assert problems(TREE) == []


def test_the_severities_and_ways_to_recover_are_those_of_the_draft():
    severities = [code.severity for code in TREE.codes]
    assert {severity: severities.count(severity) for severity in set(severities)} == {
        "ERROR": 40,
        "CRITICAL": 5,
        "WARNING": 5,
    }
    retry = {code.short.removeprefix("ONEX_") for code in TREE.codes if code.recoverable == "retry"}
    assert retry == {
        "STAMP_002",
        "STAMP_003",
        "REG_203",
        "REG_204",
        "TELEM_501",
        "EVENT_600",
        "EVENT_601",
        "SYS_902",
        "SYS_903",
        "SYS_904",
    }
    assert {c.short for c in TREE.codes if c.recoverable == "yes"} == {
        "ONEX_STAMP_009",
        "ONEX_TELEM_500",
        "ONEX_TELEM_502",
        "ONEX_TELEM_503",
    }


def test_codes_of_the_implementation_are_known_only_where_they_mean_the_same():
    implemented = recorded("implemented_codes.json")
    known = {entry["code"] for entry in implemented if TREE.find(entry["code"])}
    assert known == {
        "ONEX_STAMP_001_FILE_NOT_FOUND",
        "ONEX_STAMP_002_FILE_READ_ERROR",
        "ONEX_STAMP_003_FILE_WRITE_ERROR",
        "ONEX_STAMP_004_PERMISSION_DENIED",
        "ONEX_STAMP_005_INVALID_FILE_TYPE",
    }


# --- loading ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_loading_publishes_everything_through_the_one_operation():
    loaded = load_onex_catalogue(actor=SYSTEM)
    assert (len(loaded.added), loaded.present, loaded.refused) == (17, [], [])
    found = set(Version.objects.values_list("subject__name", "semver", "number"))
    assert found == {(name, semver, 1 if semver == "1.0.0" else 2) for name, semver in SCHEMAS}
    assert TaxonomyVersion.objects.get().semver == "1.0.0"
    assert set(Subject.objects.values_list("version_when_absent", flat=True)) == {"1.0.0"}
    assert not Subject.objects.filter(strict=True).exists()
    assert AuditEntry.objects.filter(action="version.published").count() == 16
    assert Version.objects.get(subject__name="NODE_START", number=2).note == (
        "Comes with the product; adds node_type, tags"
    )


@pytest.mark.django_db
def test_loading_again_changes_nothing_and_leaves_what_operators_did():
    load_onex_catalogue(actor=SYSTEM)
    Subject.objects.filter(name="NODE_START").update(version_when_absent="latest", strict=True)
    Version.objects.filter(subject__name="NODE_FAILURE", number=2).update(deleted_at="2026-01-01T00:00:00Z")
    audited = AuditEntry.objects.count()

    again = load_onex_catalogue(actor=SYSTEM)
    assert (again.added, len(again.present), again.refused) == ([], 17, [])
    assert (Version.objects.count(), AuditEntry.objects.count()) == (16, audited)
    assert Subject.objects.get(name="NODE_START").strict


@pytest.mark.django_db
def test_a_subject_that_somebody_made_before_keeps_its_settings_and_says_why_ours_is_not_there():
    own = '{"type": "object", "required": ["colour"], "properties": {"colour": {"enum": ["red"]}}}'
    publish_version(actor=SYSTEM, subject="NODE_START", schema=own, semver="1.0.5")
    loaded = load_onex_catalogue(actor=SYSTEM)
    assert [sentence.partition(":")[0] for sentence in loaded.refused] == [
        "NODE_START 1.0.0",
        "NODE_START 1.1.0",
    ]
    assert len(loaded.added) == 15
    assert Subject.objects.get(name="NODE_START").version_when_absent == "latest"


@pytest.mark.django_db
def test_loading_needs_the_right_to_write_everywhere(teammate):
    with pytest.raises(Forbidden):
        load_onex_catalogue(actor=teammate.actor)
    assert not Subject.objects.exists()


@pytest.mark.django_db
def test_the_command_counts_what_it_did(capsys):
    call_command("load_onex_catalogue")
    call_command("load_onex_catalogue")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["17 added, 0 there already.", "0 added, 17 there already."]
    assert "added onex-errors 1.0.0" in lines
