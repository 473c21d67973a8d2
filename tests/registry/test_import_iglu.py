"""Importing self-describing schemas: history, declared changes beside verdicts, and one bad file that stops only its own."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from registry.import_iglu import import_iglu
from registry.models import Subject, Version
from tests.require import require

BASE = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 20}}}
WIDER = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 30}, "b": {"type": "integer"}}}
NARROWER = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 10}}, "required": ["a"]}


@pytest.fixture
def write(tmp_path):
    """`write("com.example", "order", "1-0-1", {...})`; `text` in place of a schema is written as it is."""

    def write(vendor, name, version, schema, /, text=None, **told):
        file = tmp_path / "schemas" / vendor / name / "jsonschema" / version
        file.parent.mkdir(parents=True, exist_ok=True)
        about = {"vendor": vendor, "name": name, "format": "jsonschema", "version": version} | told
        custom = "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#"
        file.write_text(text or json.dumps({"$schema": custom, "self": about, **schema}), encoding="utf-8")
        return file

    return write


@pytest.fixture
def command(db, tmp_path):
    """What the command prints: (standard output, standard error, exit code)."""

    def run(*arguments, folder=tmp_path):
        out, err, code = StringIO(), StringIO(), 0
        try:
            call_command("import_iglu", str(folder), *arguments, stdout=out, stderr=err)
        except SystemExit as end:
            code = end.code
        return out.getvalue(), err.getvalue(), code

    return run


def versions(subject="com.example.order"):
    rows = Version.objects.filter(subject__name=subject).order_by("number")
    return [(row.metadata["properties"].get("schemaver"), row.semver) for row in rows]


def test_versions_are_imported_in_the_order_of_schemaver_with_what_was_declared(write, command):
    write("com.example", "order", "1-0-10", {**WIDER, "title": "ten"})
    write("com.example", "order", "1-0-2", WIDER)
    write("com.example", "order", "1-0-0", BASE)
    write("com.example", "order", "2-0-0", {"type": "object"})
    out, err, code = command()
    assert code == 0, err
    assert versions() == [("1-0-0", "1.0.0"), ("1-0-2", "1.1.0"), ("1-0-10", "1.1.1"), ("2-0-0", "2.0.0")]
    last = Version.objects.get(semver="2.0.0").metadata["properties"]
    assert last["declared_change"] == "model"
    assert last["iglu"] == "iglu:com.example/order/jsonschema/2-0-0"
    assert "4 files: 4 added (3 follow another version), 0 there already, 0 failed." in out


def test_a_declared_addition_that_breaks_gets_a_major_and_is_listed_with_its_witness(write, command, owner):
    write("com.example", "order", "1-0-0", BASE)
    write("com.example", "order", "1-0-1", NARROWER)
    out, _, _ = command()
    assert versions() == [("1-0-0", "1.0.0"), ("1-0-1", "2.0.0")]
    assert "com.example.order 1-0-1 (2.0.0) declared addition, computed major: breaks" in out
    answer = owner.api.get("/api/v1/declared-changes?kind=any").json()
    assert (answer["declared"]["addition"], answer["contradicting"]["breaks"]) == (1, 1)
    (found,) = answer["results"]
    assert (found["schemaver"], found["declared"], found["computed"], found["contradiction"]) == (
        "1-0-1",
        "addition",
        "major",
        "breaks",
    )
    assert found["witness"]["errors"]
    shown = owner.browser.get(reverse("declared-changes")).content.decode()
    assert "there is an instance of the version before that it refuses" in shown
    assert json.dumps(found["witness"]["instance"]).replace('"', "&quot;") in shown


def test_a_model_that_breaks_nothing_is_a_contradiction_and_a_revision_never(write, command, owner):
    write("com.example", "order", "1-0-0", BASE)
    write("com.example", "order", "1-1-0", NARROWER)
    write("com.example", "order", "2-0-0", {**NARROWER, "title": "same"})
    command()
    assert versions() == [("1-0-0", "1.0.0"), ("1-1-0", "2.0.0"), ("2-0-0", "3.0.0")]
    found = owner.api.get("/api/v1/declared-changes?kind=any").json()
    assert [(one["schemaver"], one["contradiction"]) for one in found["results"]] == [("2-0-0", "milder")]
    everything = owner.api.get("/api/v1/declared-changes").json()["results"]
    assert [one["declared"] for one in everything] == ["revision", "model"]


def test_importing_again_changes_nothing_and_new_files_are_added(write, command):
    write("com.example", "order", "1-0-0", BASE)
    command()
    write("com.example", "order", "1-0-1", WIDER)
    out, _, code = command()
    assert "2 files: 1 added (1 follow another version), 1 there already, 0 failed." in out
    assert (code, len(versions())) == (0, 2)
    Version.objects.filter(number=2).delete()
    assert "0 added" not in command()[0]


def test_a_dry_run_reports_the_same_and_stores_nothing(write, command):
    write("com.example", "order", "1-0-0", BASE)
    write("com.example", "order", "1-0-1", NARROWER)
    out, _, _ = command("--dry-run")
    assert "2 would be added" in out
    assert "declared addition, computed major: breaks" in out
    assert not Subject.objects.exists()


def test_a_bad_file_is_named_and_stops_only_its_own_schema(write, command):
    write("com.example", "order", "1-0-0", {"type": "nonsense"})
    write("com.example", "order", "1-0-1", BASE)
    write("com.example", "bill", "1-0-0", BASE)
    write("com.example", "note", "1-0-0", {}, text="{")
    write("com.example", "plain", "1-0-0", {}, text="{}")
    write("com.example", "moved", "1-0-0", BASE, name="other")
    write("com.example", "odd", "1-0-0x", BASE)
    out, err, code = command()
    assert code == 1
    assert versions("com.example.bill") == [("1-0-0", "1.0.0")]
    assert "1 added (0 follow another version), 0 there already, 6 failed." in out
    for said in (
        "schemas/com.example/order/jsonschema/1-0-0: Invalid schema",
        "order/jsonschema/1-0-1: It waits for 1-0-0",
        "note/jsonschema/1-0-0: It cannot be read as JSON",
        'plain/jsonschema/1-0-0: It does not describe itself: the member "self" is missing.',
        'moved/jsonschema/1-0-0: "self" says com.example/other 1-0-0, and the file lies at com.example/moved 1-0-0.',
        "which is no MODEL-REVISION-ADDITION",
    ):
        assert said in err


def test_what_was_imported_never_changes_and_nothing_is_put_before_it(write, command):
    write("com.example", "order", "1-0-1", BASE)
    write("com.example", "bill", "1-0-0", BASE)
    command()
    write("com.example", "order", "1-0-0", BASE)
    write("com.example", "bill", "1-0-0", WIDER)
    _, err, code = command()
    assert code == 1
    assert "1-0-0 comes before 1-0-1, which is imported already." in err
    assert "1-0-0 was imported with another text." in err


def test_a_key_that_occurs_twice_counts_with_its_last_value_and_is_said(write, command):
    about = '"self": {"vendor": "com.example", "name": "order", "version": "1-0-0"}'
    write("com.example", "order", "1-0-0", {}, text=f'{{{about}, "type": "array", "type": "object"}}')
    _, err, code = command()
    assert "The key 'type' occurs twice in one object; the last one was taken." in err
    assert code == 0
    assert json.loads(Version.objects.get().content.text)["type"] == "object"
    assert "1 there already" in command()[0]


def test_a_folder_without_schemas_is_refused(tmp_path, command):
    with pytest.raises(CommandError, match="no self-describing schema under"):
        command()
    with pytest.raises(CommandError, match="is no folder"):
        command(folder=tmp_path / "none")


def test_lists_hold_only_what_one_may_read(write, command, teammate, stranger):
    write("com.example", "order", "1-0-0", BASE)
    write("com.example", "order", "1-0-1", NARROWER)
    command()
    for person in (teammate, stranger):
        answer = person.api.get("/api/v1/declared-changes").json()
        assert (
            answer["results"],
            sum(answer["declared"].values()),
            sum(answer["contradicting"].values()),
        ) == ([], 0, 0)
        assert "com.example" not in person.browser.get(reverse("declared-changes")).content.decode()


@pytest.mark.timeout(300)
def test_all_pairs_of_iglu_central_are_imported_and_at_least_five_additions_break(tmp_path, actor, owner):
    central = Path(require("data")) / "iglu"
    pairs = json.loads((central / "iglu-pairs.json").read_text(encoding="utf-8"))
    for pair in pairs:
        link = tmp_path / pair["vendor"] / pair["name"]
        link.parent.mkdir(exist_ok=True)
        if not link.exists():
            (link / "jsonschema").mkdir(parents=True)
            for file in (central / "schemas" / pair["vendor"] / pair["name"] / "jsonschema").iterdir():
                (link / "jsonschema" / file.name).symlink_to(file)
    report = import_iglu(actor=actor, folder=tmp_path)
    assert report.failed == []
    assert report.pairs == len(pairs) == 141
    answer = owner.api.get("/api/v1/declared-changes?kind=breaks").json()
    assert answer["declared"] == {"addition": 90, "revision": 4, "model": 47}
    assert len(answer["results"]) >= 5
    assert all(found["witness"]["errors"] for found in answer["results"])
