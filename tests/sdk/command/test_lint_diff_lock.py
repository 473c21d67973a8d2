"""`onex lint`, `onex diff` and `onex lock`: no network, the same findings and exit statuses."""

import json

from .conftest import ORDER, STRICTER


def test_lint_finds_what_is_no_schema(project, onex):
    assert onex("lint").status == 0
    project.write("schemas/bad.json", {"type": "sting"})
    project.write("schemas/twice.json", '{"type": "object",\n "type": "string"}')
    ran = onex("lint")
    assert ran.status == 1
    assert "schemas/bad.json:2:3: error: bad: this is no JSON Schema" in ran.out
    assert "the key 'type' occurs twice" in ran.out


def test_lint_warns_and_strict_makes_findings_of_it(project, onex):
    project.write("schemas/old.json", {"type": "object"})
    assert "no $schema" in onex("lint", "schemas/old.json").out
    assert onex("lint", "schemas/old.json").status == 0
    assert onex("lint", "schemas/old.json", "--strict").status == 1


def test_diff_says_in_words_what_changed_and_which_step_it_is(project, onex):
    project.write("schemas/order.created.json", STRICTER)
    ran = onex("diff")
    assert ran.status == 0
    assert ran.out.splitlines()[0].startswith("order.created (schemas/order.created.json): major: ")
    assert "! line 12: `currency` became required" in ran.out
    assert onex("diff", "--exit-code").status == 1
    [schema] = onex("diff", "--json").json["schemas"]
    assert (schema["step"]["level"], schema["changes"][0]["breaks"]) == ("major", ["backward"])


def test_diff_of_nothing(project, onex):
    ran = onex("diff", "--exit-code")
    assert (ran.status, ran.out) == (0, "")


def test_diff_cannot_compare_what_cannot_be_read(project, onex):
    project.write("schemas/order.created.json", "{")
    ran = onex("diff")
    assert ran.status == 3
    assert "`onex lint` says where" in ran.err


def test_the_lock_file_holds_a_hash_for_each_subject(project, onex):
    project.write("schemas/a.json", ORDER)
    assert onex("lock").out == "onex.lock: 2 subjects\n"
    locked = json.loads((project.root / "onex.lock").read_text())["subjects"]
    assert locked["a"] == {"file": "schemas/a.json", "hash": locked["order.created"]["hash"]}
    assert onex("lock", "--check").status == 0


def test_another_layout_is_the_same_schema(project, onex):
    onex("lock")
    project.write("schemas/order.created.json", json.dumps(ORDER, sort_keys=True))
    assert onex("lock", "--check").status == 0


def test_the_check_says_what_is_out_of_date(project, onex):
    onex("lock")
    project.write("schemas/order.created.json", STRICTER)
    project.write("schemas/new.json", ORDER)
    ran = onex("lock", "--check")
    assert ran.status == 1
    assert "order.created: it differs from the version in onex.lock" in ran.out
    assert "new: it is not in onex.lock" in ran.out
    (project.root / "schemas/order.created.json").unlink()
    assert "there is no such schema" in onex("lock", "--check").out


def test_versions_stay_in_the_lock_until_the_schema_changes(project, onex):
    onex("lock")
    place = project.root / "onex.lock"
    lock = json.loads(place.read_text())
    lock["subjects"]["order.created"] |= {"version": 3, "semver": "1.2.0", "id": 9}
    place.write_text(json.dumps(lock))
    onex("lock")
    assert json.loads(place.read_text())["subjects"]["order.created"]["semver"] == "1.2.0"
    project.write("schemas/order.created.json", STRICTER)
    onex("lock")
    assert "semver" not in json.loads(place.read_text())["subjects"]["order.created"]


def test_a_lock_file_with_a_merge_conflict_is_made_anew(project, onex):
    project.write("onex.lock", "<<<<<<< HEAD\n")
    ran = onex("lock", "--check")
    assert ran.status == 3
    assert "`onex lock` makes it anew" in ran.err
    assert onex("lock").status == 0
    assert onex("lock", "--check").status == 0


def test_no_hash_is_written_of_what_cannot_be_read(project, onex):
    project.write("schemas/bad.json", "{")
    assert onex("lock").status == 3
    assert not (project.root / "onex.lock").exists()
