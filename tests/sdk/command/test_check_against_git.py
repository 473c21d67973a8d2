"""`onex check` against a commit: witness, sentence and line for what breaks, and an exit status that means one thing."""

import pytest

from .conftest import ORDER, STRICTER

LOOKAROUND = {"type": "string", "pattern": "a(?!b)c"}


def test_what_breaks_is_shown_with_a_witness_and_exits_1(project, onex):
    project.write("schemas/order.created.json", STRICTER)
    project.commit()
    ran = onex("check", "--against", "HEAD~1")
    assert ran.status == 1
    first, witness, because, summary = ran.out.splitlines()
    assert first.startswith(
        "schemas/order.created.json:12:3: error: order.created: `currency` became required"
    )
    assert witness == '    valid for HEAD~1 and refused now: {"amount": 0}'
    assert because.strip() == '(root): "currency" is a required property'
    assert summary == "1 schema against HEAD~1: 1 incompatible"


def test_without_against_the_working_tree_is_compared_with_the_last_commit(project, onex):
    assert onex("check").out == "1 schema against HEAD: 1 unchanged\n"
    project.write("schemas/order.created.json", STRICTER)
    assert onex("check").status == 1


def test_each_broken_direction_has_a_finding_and_a_witness_of_its_own(project, onex):
    project.write("schemas/order.created.json", {**ORDER, "required": ["currency"]})
    assert "valid now and refused by HEAD" in onex("check", "--level", "forward").out
    findings = onex("check", "--level", "full", "--format", "json").json["findings"]
    assert [finding["shown"] for finding in findings] == [
        "valid for HEAD and refused now",
        "valid now and refused by HEAD",
    ]
    assert [finding["witness"] for finding in findings] == [{"amount": 0}, {"currency": ""}]


def test_an_added_optional_field_is_safe_for_writers_that_send_what_they_declare(project, onex):
    changed = {**ORDER, "properties": {**ORDER["properties"], "note": {"type": "string"}}}
    project.write("schemas/order.created.json", changed)
    declared = onex("check")
    assert declared.status == 0
    assert "note: order.created: safe unless a writer already sends an undeclared 'note'" in declared.out
    assert onex("check", "--world", "open").status == 1


def test_new_moved_and_removed_schemas(project, onex):
    project.git("mv", "schemas", "events")
    project.write("onex.toml", 'schemas = ["events/*.json", "schemas/*.json"]')
    project.write("events/order.paid.json", ORDER)
    moved = onex("check")
    assert (moved.status, moved.out) == (0, "2 schemas against HEAD: 1 unchanged, 1 new\n")
    project.commit()
    project.git("rm", "-q", "events/order.paid.json")
    removed = onex("check")
    assert removed.status == 0
    assert "warning: order.paid: it was in HEAD and is gone" in removed.out
    assert onex("check", "--strict").status == 1


def test_what_a_reference_leads_to_is_compared_as_it_was_then(project, onex):
    project.write("schemas/address.json", {**ORDER, "required": []})
    referring = {**ORDER, "properties": {"to": {"$ref": "address.json"}}, "required": []}
    project.write("schemas/order.created.json", referring)
    project.commit()
    project.write("schemas/address.json", {**ORDER, "required": ["amount"]})
    findings = onex("check", "--format", "json").json["findings"]
    assert [(finding["subject"], finding["witness"]) for finding in findings] == [
        ("address", {}),
        ("order.created", {"to": {}}),
    ]


def test_a_file_that_is_no_json_is_a_finding_with_its_line(project, onex):
    project.write("schemas/order.created.json", '{\n  "type" "object"\n}\n')
    ran = onex("check")
    assert ran.status == 1
    assert ran.out.startswith("schemas/order.created.json:2:10: error: order.created: this is not JSON")


def test_a_file_that_is_no_schema_is_a_finding_with_its_line(project, onex):
    project.write("schemas/order.created.json", '{\n  "properties": {\n    "a": {"type": "sting"}\n  }\n}\n')
    ran = onex("check")
    assert ran.status == 1
    assert "schemas/order.created.json:3:11: error: order.created: this is no JSON Schema" in ran.out


def test_a_reference_that_leads_nowhere_is_a_finding(project, onex):
    project.write("schemas/order.created.json", {"$ref": "nowhere.json"})
    ran = onex("check")
    assert ran.status == 1
    assert "it refers to 'nowhere.json', which is no schema here" in ran.out


def test_an_older_version_that_cannot_be_read_cannot_be_compared(project, onex):
    project.write("schemas/order.created.json", "{")
    project.commit()
    project.write("schemas/order.created.json", ORDER)
    ran = onex("check")
    assert ran.status == 3
    assert "not known: order.created: schemas/order.created.json of HEAD cannot be read" in ran.out


def test_undecided_is_neither_clean_nor_a_finding(project, onex):
    project.write("schemas/order.created.json", LOOKAROUND)
    project.commit()
    project.write("schemas/order.created.json", {"type": "string", "pattern": "ac"})
    ran = onex("check")
    assert ran.status == 3
    assert "not known: order.created: neither proven nor refuted against HEAD" in ran.out
    assert onex("check", "--accept-undecided").status == 0


def test_what_is_wrong_weighs_more_than_what_is_not_known(project, onex):
    project.write("schemas/other.json", LOOKAROUND)
    project.commit()
    project.write("schemas/other.json", {"type": "string", "pattern": "ac"})
    project.write("schemas/order.created.json", STRICTER)
    assert onex("check").status == 1


def test_a_revision_that_is_not_there_cannot_be_compared_with(project, onex):
    ran = onex("check", "--against", "v9")
    assert (ran.status, ran.out) == (3, "")
    assert "git knows no revision 'v9'" in ran.err
    assert onex("check", "--against=--output=x").status == 3


def test_the_depth_of_a_shallow_clone_is_named(project, onex, tmp_path, monkeypatch):
    project.write("schemas/order.created.json", STRICTER)
    project.commit()
    clone = tmp_path / "clone"
    project.git("clone", "-q", "--depth", "1", project.root.as_uri(), str(clone))
    monkeypatch.chdir(clone)
    ran = onex("check", "--against", "HEAD~1")
    assert ran.status == 3
    assert "The clone is shallow" in ran.err
    assert "fetch-depth: 0" in ran.err


def test_a_folder_that_is_no_repository_cannot_be_compared(folder, onex):
    folder.write("schemas/order.created.json", ORDER)
    ran = onex("check")
    assert ran.status == 3
    assert "is not in a git repository" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [["--level", "sideways"], ["--nonsense"], ["missing.json"], ["--against", "file:missing.json"]],
)
def test_wrong_usage_exits_2(project, onex, arguments):
    ran = onex("check", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err


def test_a_project_without_schemas_is_told_how_to_name_them(folder, onex):
    ran = onex("check")
    assert ran.status == 2
    assert 'schemas = ["events/**/*.json"]' in ran.err


def test_without_the_library_that_judges_the_install_line_is_said(project, onex, without_verdicts):
    ran = onex("check", "--against", "HEAD")
    assert ran.status == 3
    assert "pip install 'onex-sdk[check]'" in ran.err


def test_named_files_and_folders_only(project, onex):
    project.write("schemas/order.created.json", STRICTER)
    project.write("other/thing.json", ORDER)
    assert onex("check", "other").out == "1 schema against HEAD: 1 new\n"
    assert onex("check", "schemas/order.created.json").status == 1


def test_two_files_of_one_subject_are_refused_with_the_remedy(project, onex):
    project.write("schemas/old/order.created.json", ORDER)
    ran = onex("check")
    assert ran.status == 2
    assert "[subjects]" in ran.err
    project.write("onex.toml", '[subjects]\n"schemas/old/order.created.json" = "order.legacy"\n')
    assert onex("check").status == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("level = 'sideways'", "level is one of"),
        ("levle = 'full'", "'levle'"),
        ("schemas = 'x'", "schemas has the wrong type"),
        ("= 1", "is not TOML"),
    ],
)
def test_settings_that_cannot_be_are_wrong_usage(project, onex, text, said):
    project.write("onex.toml", text)
    ran = onex("check")
    assert ran.status == 2
    assert said in ran.err


def test_the_project_file_says_what_the_command_does_not(project, onex):
    project.write("schemas/order.created.json", {**ORDER, "required": []})
    assert onex("check").status == 0
    project.write("onex.toml", 'level = "full"\nworld = "open"\nagainst = "HEAD"\n')
    assert onex("check").status == 1
    assert onex("check", "--level", "backward").status == 0
