"""The file of schemas that `onex pull` writes: what is read from it, and what is said of one that is none."""

import json

import pytest

from onex_sdk import UnusableBundle
from onex_sdk._bundle import bundle_of, read_bundle

VERSION = {"version": 2, "semver": "1.1.0", "id": 7, "schema": '{"type": "object"}', "dialect": "2020-12"}


def test_versions_are_what_the_registry_answers_the_oldest_first():
    older = {**VERSION, "version": 1, "semver": "1.0.0", "id": 3, "versionWhenAbsent": "1.0.0"}
    bundle = bundle_of({"subjects": {"order.created": {"versions": [VERSION, older]}}})
    first, second = bundle.subjects["order.created"]
    assert (first.number, first.semver, first.schema.id, first.version_when_absent) == (
        1,
        "1.0.0",
        3,
        "1.0.0",
    )
    assert (second.number, second.dialect, second.schema.text) == (2, "2020-12", VERSION["schema"])
    assert second.subject == "order.created"
    assert bundle.taxonomies == {}


def test_a_version_may_be_nothing_but_a_number_and_a_schema():
    (version,) = bundle_of({"subjects": {"s": {"versions": [{"version": 1, "schema": "{}"}]}}}).subjects["s"]
    assert (version.semver, version.asserts_formats, version.version_when_absent) == (None, False, "latest")


def test_it_is_read_from_a_file(tmp_path):
    file = tmp_path / "schemas.json"
    file.write_text(
        json.dumps({"subjects": {}, "taxonomies": {"codes@^1": {"prefix": "X"}}}), encoding="utf-8"
    )
    assert read_bundle(file).taxonomies == {"codes@^1": {"prefix": "X"}}


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], "no JSON object"),
        ({}, "/subjects is"),
        ({"subjects": {"s": []}}, "/subjects/s is"),
        ({"subjects": {"s": {}}}, "/subjects/s/versions is"),
        ({"subjects": {"s": {"versions": [{"version": 1}]}}}, "/subjects/s/versions/0 has"),
        ({"subjects": {"s": {"versions": [7]}}}, "/subjects/s/versions/0 has"),
        ({"subjects": {}, "taxonomies": []}, "/taxonomies is"),
        ({"subjects": {}, "taxonomies": {"x": 1}}, "/taxonomies/x is"),
    ],
)
def test_what_is_no_bundle_is_refused_with_the_place(document, place):
    with pytest.raises(UnusableBundle, match=place):
        bundle_of(document)


@pytest.mark.parametrize("content", [None, "not json"])
def test_a_file_that_is_not_there_or_not_json_is_named(tmp_path, content):
    file = tmp_path / "schemas.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(UnusableBundle, match=r"schemas\.json"):
        read_bundle(file)
