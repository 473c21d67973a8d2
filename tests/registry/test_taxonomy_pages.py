"""Taxonomies in the browser: the tree, deprecations, what changed, publishing with a live verdict. No script needed."""

import copy
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from access.actor import SYSTEM
from registry.models import TaxonomyVersion
from registry.taxonomy import publish_taxonomy
from registry.taxonomy_text import write_document

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_judges_from_above(settings):
    settings.TAXONOMY_JUDGES = []


def code(number, slug, **more):
    facts = {"meaning": f"The meaning of {slug}.", "severity": "ERROR", "recoverable": "no"}
    return {"number": number, "slug": slug, **facts, **more}


SHOP = {
    "taxonomy": "shop-errors",
    "prefix": "SHOP",
    "areas": [
        {
            "token": "PAY",
            "name": "Payment",
            "codes": [
                code(1, "DECLINED"),
                code(2, "EXPIRED", parent="SHOP_PAY_001"),
                code(3, "STOLEN", parent="SHOP_PAY_002"),
                code(4, "REFUSED", deprecated="1.0.0", replaced_by="SHOP_PAY_001"),
            ],
        }
    ],
}


@pytest.fixture
def shop():
    return publish_taxonomy(actor=SYSTEM, document=SHOP).version


@pytest.fixture
def pages(make_person):
    return make_person("writer", role="developer", prefix="shop-").browser


def get(client, address, **query):
    answer = client.get(address, query)
    assert answer.status_code == 200, answer.content.decode()[:500]
    return answer.content.decode()


def test_codes_stand_below_the_more_general_one(shop, pages):
    html = get(pages, "/taxonomies/shop-errors")
    rows = re.findall(r'<tr id="(SHOP_PAY_\d+)">\s*<td(?: class="(below-\d)")?>', html)
    assert rows == [
        ("SHOP_PAY_001", ""),
        ("SHOP_PAY_002", "below-1"),
        ("SHOP_PAY_003", "below-2"),
        ("SHOP_PAY_004", ""),
    ]


def test_deprecated_codes_have_a_tab_and_name_their_successor(shop, pages):
    html = get(pages, "/taxonomies/shop-errors/versions/1.0.0", show="deprecated")
    assert re.findall(r'<tr id="(\w+)">', html) == ["SHOP_PAY_004"]
    assert 'use <a class="mono" href="/taxonomies/shop-errors/versions/1.0.0?q=SHOP_PAY_001">' in html
    assert re.search(r'aria-current="page">Deprecated<span class="count">1</span>', html)


def test_a_search_without_a_find_offers_what_may_have_been_meant(shop, pages):
    html = get(pages, "/taxonomies/shop-errors", q="SHOP_PAY_9_EXPIRED")
    assert "Perhaps one of these" in html
    assert "SHOP_PAY_002_EXPIRED" in html


def test_a_long_tree_is_opened_one_area_at_a_time(pages):
    areas = [
        {"token": token, "name": token.title(), "codes": [code(n, f"NUMBER_{n}") for n in range(600)]}
        for token in ("LEFT", "RIGHT")
    ]
    publish_taxonomy(actor=SYSTEM, document={"taxonomy": "shop-big", "prefix": "BIG", "areas": areas})
    html = get(pages, "/taxonomies/shop-big")
    assert 'href="?area=LEFT"' in html
    assert "BIG_LEFT_599" not in html
    opened = get(pages, "/taxonomies/shop-big", area="LEFT")
    assert "BIG_LEFT_599" in opened
    assert "BIG_RIGHT_001" not in opened
    assert '<tr id="BIG_RIGHT_007">' in get(pages, "/taxonomies/shop-big", q="BIG_RIGHT_007")


def test_what_changed_between_two_editions_is_said_in_words(shop, pages):
    changed = copy.deepcopy(SHOP)
    changed["areas"][0]["codes"][0]["severity"] = "CRITICAL"
    changed["areas"][0]["codes"].append(code(5, "LATE"))
    publish_taxonomy(actor=SYSTEM, document={**changed, "version": "2.0.0"})
    html = get(pages, "/taxonomies/shop-errors/compare")
    assert "severity of SHOP_PAY_001 changed from &#x27;ERROR&#x27; to &#x27;CRITICAL&#x27;." in html
    assert "SHOP_PAY_005_LATE is new." in html
    assert html.index("severity of") < html.index("is new")
    back = get(pages, "/taxonomies/shop-errors/compare", **{"from": "2.0.0", "to": "1.0.0"})
    assert "SHOP_PAY_005 was removed" in back
    told = pages.get("/api/v1/taxonomies/shop-errors/diff", {"from": "1", "to": "latest"}).json()
    assert (told["from"], told["to"], told["bump"]) == ("1.0.0", "2.0.0", "major")
    assert [change["kind"] for change in told["changes"]] == ["SEVERITY_CHANGED", "CODE_ADDED"]


def test_the_first_edition_has_nothing_to_be_compared_with(shop, pages):
    assert "one and the same edition" in get(pages, "/taxonomies/shop-errors/compare")
    assert pages.get("/api/v1/taxonomies/shop-errors/diff").json()["changes"] == []
    assert pages.get("/taxonomies/shop-errors/compare", {"from": "7.0.0"}).status_code == 404


def test_a_new_taxonomy_begins_with_an_example_that_can_be_published(make_person):
    pages = make_person("owner2", role="admin").browser
    html = get(pages, "/taxonomies/upload")
    example = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", html, re.DOTALL)[1]
    assert "CARD_DECLINED" in example
    answer = pages.post("/taxonomies/upload", {"document": example, "publish": "yes"})
    assert (answer.status_code, answer["Location"]) == (302, "/taxonomies/shop-errors/versions/1.0.0")


def test_an_edition_begins_with_the_latest_one_without_its_version(shop, pages):
    html = get(pages, "/taxonomies/upload", name="shop-errors")
    assert "prefix: SHOP" in html
    assert not re.search(r"^version:", html, re.MULTILINE)


def test_check_tells_and_stores_nothing_and_publish_stores(shop, pages):
    changed = copy.deepcopy(SHOP)
    changed["areas"][0]["codes"].append(code(5, "LATE"))
    text = write_document(changed, form="yaml")
    checked = pages.post("/taxonomies/upload", {"document": text, "check": "yes"})
    assert checked.status_code == 200
    assert "It would be edition 2 of shop-errors" in checked.content.decode()
    assert "1.1.0" in checked.content.decode()
    assert TaxonomyVersion.objects.count() == 1
    pages.post("/taxonomies/upload", {"document": text, "publish": "yes", "note": "Late payments"})
    assert TaxonomyVersion.objects.get(number=2).note == "Late payments"
    again = pages.post("/taxonomies/upload", {"document": text, "check": "yes"}).content.decode()
    assert "This very document is there already" in again


def test_a_file_is_taken_in_place_of_the_text(pages):
    file = SimpleUploadedFile("shop.json", json.dumps(SHOP).encode())
    answer = pages.post("/taxonomies/upload", {"document": "rubbish", "file": file, "publish": "yes"})
    assert answer["Location"] == "/taxonomies/shop-errors/versions/1.0.0"


def test_a_refusal_names_code_place_rule_and_what_to_do_and_keeps_the_text(shop, pages):
    changed = copy.deepcopy(SHOP)
    changed["areas"][0]["codes"].pop(3)
    answer = pages.post("/taxonomies/upload", {"document": json.dumps(changed), "publish": "yes"})
    html = answer.content.decode()
    assert answer.status_code == 422
    for said in (
        "SHOP_PAY_004 was removed",
        "/areas/0/codes/3",
        "codes-are-never-removed",
        "Put SHOP_PAY_004 back",
    ):
        assert said in html
    assert "&quot;SHOP&quot;" in html
    assert TaxonomyVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("", "holds 0 YAML documents"),
        ("prefix: [", "not YAML"),
        ("prefix: SHOP\nprefix: SHOP", "occurs twice"),
        ("prefix: SHOP", "areas"),
    ],
)
def test_what_is_no_taxonomy_is_told_on_the_page(pages, document, said):
    answer = pages.post("/taxonomies/upload", {"document": document, "publish": "yes"})
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_while_one_writes_only_the_verdict_is_answered_and_nothing_is_ever_stored(pages):
    data = {"document": json.dumps(SHOP), "publish": "yes"}
    answer = pages.post("/taxonomies/upload", data, headers={"HX-Request": "true"})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "It would be edition 1 of shop-errors" in html
    assert "<html" not in html
    assert not TaxonomyVersion.objects.exists()


def test_who_may_not_write_is_not_offered_to(shop, make_person):
    reader = make_person("reader", role="viewer", prefix="shop-").browser
    html = get(reader, "/taxonomies/shop-errors")
    assert "New edition" not in html
    assert "Publish a taxonomy" not in get(reader, "/taxonomies")
    answer = reader.post("/taxonomies/upload", {"document": json.dumps(SHOP), "publish": "yes"})
    assert answer.status_code == 422
    assert "needs the scope" in answer.content.decode()


def test_the_page_links_downloads_and_bound_schemas(shop, make_person):
    everything = make_person("owner3", role="admin")
    schema = {"properties": {"c": {"x-taxonomy": "shop-errors@^1"}}}
    everything.api.post("/api/v1/subjects/orders/versions", {"schema": json.dumps(schema)})
    html = get(everything.browser, "/taxonomies/shop-errors")
    for extension in ("py", "ts", "go", "java"):
        assert f"/api/v1/taxonomies/shop-errors/versions/1.0.0/codes.{extension}" in html
    assert '<a href="/subjects/orders/versions/1">orders 1.0.0</a>' in html


@pytest.mark.parametrize("query", [{"days": "x"}, {"show": "x"}, {"area": "NONE"}, {"q": "x" * 300}])
def test_a_filter_that_cannot_be_is_no_error(shop, pages, query):
    get(pages, "/taxonomies/shop-errors", **query)
