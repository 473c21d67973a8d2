"""Taxonomies in the database: publishing editions, finding codes, over REST and on pages."""

import copy
import json
from pathlib import Path

import pytest

import registry
from access.actor import SYSTEM, Actor, Grant
from access.errors import Forbidden
from access.models import AuditEntry
from registry.models import Taxonomy, TaxonomyVersion
from registry.taxonomy import find_code, find_taxonomy_version, publish_taxonomy, readable_taxonomies
from registry.taxonomy_errors import (
    CodeNotFound,
    InvalidTaxonomy,
    TaxonomyNotFound,
    TaxonomyRuleBroken,
    TaxonomyVersionNotFound,
)

pytestmark = pytest.mark.django_db

ERRORS = json.loads((Path(registry.__file__).parent / "onex/errors-1.0.0.json").read_text(encoding="utf-8"))
NAME = "onex-errors"
READER = Actor(label="reader", roles=(Grant(frozenset({"read"}), "onex-"),))
STRANGER = Actor(label="stranger", roles=(Grant(frozenset({"read", "write"}), "other."),))


@pytest.fixture
def document():
    return copy.deepcopy(ERRORS)


@pytest.fixture
def published():
    return publish_taxonomy(actor=SYSTEM, document=ERRORS).version


@pytest.fixture
def pages(make_person):
    return make_person("reader", role="viewer", prefix="onex-").browser


def test_the_first_edition_is_number_one_and_is_audited(published):
    assert (published.number, published.semver, published.published_by) == (1, "1.0.0", "system")
    entry = AuditEntry.objects.get(action="taxonomy.published")
    assert entry.target == "onex-errors 1.0.0"


def test_the_same_document_again_is_the_same_edition(published):
    again = publish_taxonomy(actor=SYSTEM, document=copy.deepcopy(ERRORS))
    assert (again.version, again.created) == (published, False)
    assert TaxonomyVersion.objects.count() == AuditEntry.objects.count() == 1


def test_a_new_code_makes_a_minor_edition(published, document):
    document["version"] = "1.1.0"
    document["areas"][8]["codes"].append(
        {
            "number": 800,
            "slug": "FIXTURE_NOT_FOUND",
            "meaning": "There is no such fixture.",
            "severity": "ERROR",
            "recoverable": "no",
            "since": "1.1.0",
        }
    )
    result = publish_taxonomy(actor=SYSTEM, document=document)
    assert (result.version.number, [change.kind for change in result.changes]) == (2, ["CODE_ADDED"])
    assert find_code(actor=READER, name=NAME, text="ONEX_FIXTURE_800")[0].since == "1.1.0"
    with pytest.raises(CodeNotFound):
        find_code(actor=READER, name=NAME, text="ONEX_FIXTURE_800", wanted="1.0.0")


def test_a_code_cannot_be_removed_not_even_in_a_major_edition(published, document):
    document["version"] = "2.0.0"
    document["areas"][0]["codes"].pop(0)
    with pytest.raises(TaxonomyRuleBroken, match="ONEX_STAMP_001 was removed"):
        publish_taxonomy(actor=SYSTEM, document=document)
    assert TaxonomyVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("declared", "fits"), [("1.0.1", False), ("1.1.0", False), ("2.0.0", True), ("3.0.0", True)]
)
def test_a_changed_severity_asks_for_a_major_edition(published, document, declared, fits):
    document["version"] = declared
    document["areas"][0]["codes"][0]["severity"] = "CRITICAL"
    if fits:
        assert publish_taxonomy(actor=SYSTEM, document=document).created
    else:
        with pytest.raises(TaxonomyRuleBroken, match=r"has to be called 2\.0\.0 or higher") as refused:
            publish_taxonomy(actor=SYSTEM, document=document)
        assert refused.value.facts["bump"] == "major"


def test_an_edition_is_not_called_like_one_that_exists(published, document):
    document["description"] = "The same codes in other words."
    with pytest.raises(TaxonomyRuleBroken, match=r"1\.0\.1 or higher, not 1\.0\.0"):
        publish_taxonomy(actor=SYSTEM, document=document)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda d: d.pop("areas"), "areas"),
        (lambda d: d["areas"][0]["codes"][0].update(number=1.5), "/areas/0/codes/0/number"),
        (lambda d: d["areas"][0]["codes"][0].update(recoverable=True), "/areas/0/codes/0/recoverable"),
        (lambda d: d.update(version="one"), "/version"),
        (lambda d: d["areas"][0]["codes"][1].update(number=1), "occurs 2 times"),
    ],
)
def test_what_is_no_taxonomy_is_refused_with_the_place(document, edit, sentence):
    edit(document)
    with pytest.raises(InvalidTaxonomy) as refused:
        publish_taxonomy(actor=SYSTEM, document=document)
    assert sentence in refused.value.message
    assert not Taxonomy.objects.exists()


def test_publishing_needs_write_on_the_name(document):
    with pytest.raises(Forbidden):
        publish_taxonomy(actor=READER, document=document)


@pytest.mark.parametrize("wanted", ["latest", "LATEST", "-1", "1", "1.0.0"])
def test_an_edition_is_found_by_latest_number_or_semver(published, wanted):
    assert find_taxonomy_version(actor=READER, name=NAME, wanted=wanted) == published


@pytest.mark.parametrize("wanted", ["2", "9.9.9", "nonsense", "0", "99999999999999999999", "²"])
def test_an_unknown_edition_is_not_found(published, wanted):
    with pytest.raises(TaxonomyVersionNotFound):
        find_taxonomy_version(actor=READER, name=NAME, wanted=wanted)


def test_a_stranger_neither_reads_nor_sees_the_taxonomy(published):
    assert not readable_taxonomies(actor=STRANGER).exists()
    with pytest.raises(Forbidden):
        find_taxonomy_version(actor=STRANGER, name=NAME)
    with pytest.raises(TaxonomyNotFound):
        find_taxonomy_version(actor=SYSTEM, name="nothing")


def test_rest_lists_names_and_editions(published, pages):
    assert pages.get("/api/v1/taxonomies").json() == [NAME]
    (edition,) = pages.get(f"/api/v1/taxonomies/{NAME}/versions").json()
    assert (edition["number"], edition["version"]) == (1, "1.0.0")
    assert pages.get(f"/api/v1/taxonomies/{NAME}/versions/latest").json()["document"] == ERRORS


@pytest.mark.parametrize("text", ["ONEX_VALIDATE_103", "ONEX_VALID_103_MISSING_REQUIRED_FIELD"])
def test_rest_answers_a_code_in_any_spelling(published, pages, text):
    code = pages.get(f"/api/v1/taxonomies/{NAME}/codes/{text}").json()
    assert code["code"] == "ONEX_VALID_103"
    assert code["long"] == "ONEX_VALID_103_MISSING_REQUIRED_FIELD"
    assert (code["severity"], code["recoverable"], code["http_status"]) == ("ERROR", "no", 422)
    assert (code["ancestors"], code["version"]) == (["ONEX_VALID_102"], "1.0.0")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nothing-here/versions/latest", 403, "forbidden"),
        ("onex-nothing/versions/latest", 404, "taxonomy_not_found"),
        ("onex-nothing/versions", 404, "taxonomy_not_found"),
        (f"{NAME}/versions/7", 404, "taxonomy_version_not_found"),
        (f"{NAME}/codes/ONEX_REGISTRY_001", 404, "code_not_found"),
        (f"{NAME}/codes/rubbish", 404, "code_not_found"),
        (f"{NAME}/codes/ONEX_STAMP_001?version=7", 404, "taxonomy_version_not_found"),
    ],
)
def test_rest_says_what_is_not_there(published, pages, path, status, code):
    answer = pages.get(f"/api/v1/taxonomies/{path}")
    assert (answer.status_code, answer.json()["details"]["code"]) == (status, code)


def test_an_unknown_code_of_a_known_area_is_answered_with_that_area(published, pages):
    details = pages.get(f"/api/v1/taxonomies/{NAME}/codes/ONEX_REGISTRY_001").json()["details"]
    assert (details["looked_up"], details["area"]) == ("ONEX_REG_001", "REG")


def test_the_list_page_names_the_taxonomy_with_its_counts(published, pages):
    html = pages.get("/taxonomies").content.decode()
    assert "onex-errors" in html
    assert '<td class="num">50</td>' in html


def test_the_empty_list_page_names_the_next_step(pages):
    assert "load_onex_catalogue" in pages.get("/taxonomies").content.decode()


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("", "ONEX_SYS_904", None),
        ("ONEX_VALIDATE_102", "ONEX_VALID_103", "ONEX_VALID_100"),
        ("registry", "ONEX_REG_200", "ONEX_RT_400"),
        ("disk full", "ONEX_SYS_901", "ONEX_SYS_900"),
    ],
)
def test_the_tree_page_finds_codes_by_spelling_area_and_words(published, pages, query, shown, hidden):
    html = pages.get(f"/taxonomies/{NAME}", {"q": query}).content.decode()
    assert f'<tr id="{shown}">' in html
    assert f'<tr id="{hidden}">' not in html


def test_an_older_edition_has_its_own_page_and_a_missing_one_says_so(published, pages):
    assert pages.get(f"/taxonomies/{NAME}/versions/1.0.0").status_code == 200
    missing = pages.get(f"/taxonomies/{NAME}/versions/7.0.0")
    assert missing.status_code == 404
    assert "has no version" in missing.content.decode()
