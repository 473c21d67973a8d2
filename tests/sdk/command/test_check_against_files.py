"""`onex check` against a file, a folder, and the bundle that `onex pull` writes."""

import json

from .conftest import ORDER, STRICTER


def test_against_one_file(folder, onex):
    folder.write("new.json", STRICTER)
    folder.write("old.json", ORDER)
    ran = onex("check", "new.json", "--against", "old.json")
    assert ran.status == 1
    assert 'valid for old.json and refused now: {"amount": 0}' in ran.out


def test_one_file_is_compared_with_one_schema(folder, onex):
    folder.write("schemas/a.json", ORDER)
    folder.write("schemas/b.json", ORDER)
    folder.write("old.json", ORDER)
    ran = onex("check", "--against", "file:old.json")
    assert ran.status == 2
    assert "2 are to be compared" in ran.err


def test_against_a_folder_by_subject(folder, onex):
    folder.write("schemas/order.created.schema.json", STRICTER)
    folder.write("before/deep/order.created.json", ORDER)
    assert onex("check", "schemas", "--against", "before").status == 1
    (folder.root / "empty").mkdir()
    ran = onex("check", "schemas", "--against", "empty")
    assert ran.status == 3
    assert "There are no .json files in empty" in ran.err


def test_against_the_latest_versions_of_the_bundle(folder, onex):
    folder.write("schemas/order.created.json", STRICTER)
    versions = [
        {"version": number, "schema": json.dumps(schema)} for number, schema in ((2, ORDER), (1, True))
    ]
    folder.write("onex-schemas.json", {"subjects": {"order.created": {"versions": versions}}})
    ran = onex("check", "--against", "onex-schemas.json")
    assert ran.status == 1
    assert '{"amount": 0}' in ran.out
    folder.write("onex-schemas.json", {"subjects": {"order.created": {"versions": [{"version": 1}]}}})
    broken = onex("check", "--against", "onex-schemas.json")
    assert broken.status == 3
    assert "/subjects/order.created/versions/0" in broken.err


def test_a_file_goes_before_a_revision_of_the_same_name(project, onex):
    project.write("main", "{")
    project.git("branch", "-f", "-M", "main")
    project.commit()
    assert onex("check", "schemas/order.created.json", "--against", "main").status == 3
    assert onex("check", "--against", "git:main").status == 0
