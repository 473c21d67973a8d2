"""Publishing taxonomies over REST: JSON and YAML, dry runs, computed and declared versions, what is refused and why."""

import copy
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client

from access.models import AuditEntry
from registry.configure import set_mode
from registry.models import Taxonomy, TaxonomyVersion
from registry.taxonomy_text import write_document

pytestmark = pytest.mark.django_db
NAME = "shop-errors"
ADDRESS = f"/api/v1/taxonomies/{NAME}/versions"


@pytest.fixture(autouse=True)
def _no_judges_from_above(settings):
    settings.TAXONOMY_JUDGES = []


def code(number, slug, **more):
    return {
        "number": number,
        "slug": slug,
        "meaning": f"The meaning of {slug}.",
        "severity": "ERROR",
        "recoverable": "no",
        **more,
    }


def shop(*codes, **more):
    codes = codes or (code(1, "CARD_DECLINED", http_status=402), code(2, "BANK_AWAY", recoverable="retry"))
    areas = [{"token": "PAY", "first": 1, "last": 99, "aliases": ["PAYMENT"], "codes": list(codes)}]
    return {"prefix": "SHOP", "areas": areas, **more}


@pytest.fixture
def send(owner):
    def send(document, *, kind="application/json", query="", address=ADDRESS, who=owner):
        body = document if isinstance(document, str | bytes) else json.dumps(document)
        return Client(headers=who.header).post(f"{address}{query}", body, content_type=kind)

    return send


def refusal(answer, status, code):
    body = answer.json()
    assert (answer.status_code, body["details"]["code"]) == (status, code), body
    return body


def test_the_first_edition_is_1_0_0_and_its_codes_are_there_since_then(send, owner):
    answer = send(shop())
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["taxonomy"], body["number"], body["version"]) == (NAME, 1, "1.0.0")
    assert (body["created"], body["bump"], body["changes"]) == (True, "first", [])
    document = owner.api.get(f"{ADDRESS}/latest").json()["document"]
    assert {c["since"] for c in document["areas"][0]["codes"]} == {"1.0.0"}
    assert AuditEntry.objects.get(action="taxonomy.published").actor == "owner/owner's token"


@pytest.mark.parametrize(
    "kind", ["application/yaml", "application/x-yaml", "text/yaml; charset=utf-8", "text/plain"]
)
def test_yaml_is_taken_as_well(send, kind):
    text = write_document(shop(), form="yaml").replace("'no'", "no")
    assert send(text, kind=kind).json()["version"] == "1.0.0"
    stored = TaxonomyVersion.objects.get().document
    assert stored["areas"][0]["codes"][0]["recoverable"] == "no"


def test_json_of_no_known_kind_is_recognised_by_its_first_character(send):
    assert send(shop(), kind="application/x-www-form-urlencoded").json()["created"]


def test_another_content_type_is_refused(send):
    refusal(send("<a/>", kind="application/xml"), 415, "unsupported_media_type")


@pytest.mark.parametrize(("form", "kind"), [("yaml", "application/yaml"), ("json", "application/json")])
def test_an_edition_comes_back_as_a_file_that_an_upload_takes(send, owner, form, kind):
    send(shop())
    answer = owner.api.get(f"{ADDRESS}/1.0.0", {"format": form})
    assert answer["Content-Type"].startswith(kind)
    assert answer["Content-Disposition"] == f'inline; filename="{NAME}-1.0.0.{form}"'
    again = send(answer.content, kind=kind)
    assert (again.json()["created"], again.json()["version"]) == (False, "1.0.0")


def test_accept_asks_for_yaml_and_an_unknown_format_is_told(send, owner):
    send(shop())
    yaml = owner.api.get(f"{ADDRESS}/latest", headers={"Accept": "application/yaml"})
    assert yaml.content.startswith(b"taxonomy: shop-errors\nversion: 1.0.0\nprefix: SHOP\n")
    refusal(owner.api.get(f"{ADDRESS}/latest", {"format": "xml"}), 400, "malformed_body")


def test_a_dry_run_says_what_an_upload_would_and_stores_nothing(send):
    told = send(shop(), query="?dryRun=true").json()
    assert not Taxonomy.objects.exists()
    assert not AuditEntry.objects.exists()
    assert told == send(shop()).json()


def test_the_same_again_is_the_same_edition_with_and_without_version(send):
    send(shop())
    for document in (shop(), shop(version="1.0.0"), shop(taxonomy=NAME)):
        again = send(document).json()
        assert (again["created"], again["number"], again["bump"]) == (False, 1, "none")
    assert TaxonomyVersion.objects.count() == AuditEntry.objects.count() == 1


def test_numbers_written_as_decimals_are_whole(send):
    send(shop(code(1.0, "CARD_DECLINED", http_status=402.0)))
    assert send(shop(code(1, "CARD_DECLINED", http_status=402))).json()["created"] is False


def test_a_value_of_the_wrong_type_is_told_by_the_type_it_should_have(send):
    body = refusal(send(shop(code(1, "CARD_DECLINED", replaced_by=2))), 422, "invalid_taxonomy")
    assert body["message"] == (
        'This is not a taxonomy at /areas/0/codes/0/replaced_by: 2 is not of type "string". '
        "docs/reference/taxonomies.md says what each member holds."
    )


def test_a_version_is_computed_from_the_changes(send):
    first = shop()
    send(first)
    more = copy.deepcopy(first)
    more["areas"][0]["codes"].append(code(3, "CARD_EXPIRED", parent="SHOP_PAY_001"))
    told = send(more).json()
    assert (told["version"], told["bump"], told["number"]) == ("1.1.0", "minor", 2)
    assert told["changes"][0]["kind"] == "CODE_ADDED"
    assert "below SHOP_PAY_001" in told["changes"][0]["sentence"]
    added = TaxonomyVersion.objects.get(number=2).document["areas"][0]["codes"]
    assert [c["since"] for c in added] == ["1.0.0", "1.0.0", "1.1.0"]
    more["description"] = "Other words."
    assert send(more).json()["version"] == "1.1.1"


def test_a_new_major_has_to_be_declared(send):
    send(shop())
    changed = shop(
        code(1, "CARD_DECLINED", severity="CRITICAL", http_status=402),
        code(2, "BANK_AWAY", recoverable="retry"),
    )
    body = refusal(send(changed), 409, "taxonomy_rule_broken")
    assert "has to be called 2.0.0 or higher, and that has to be declared" in body["message"]
    assert (body["details"]["required"], body["details"]["bump"]) == ("2.0.0", "major")
    (change,) = body["details"]["changes"]
    assert (change["about"], change["pointer"]) == ("SHOP_PAY_001", "/areas/0/codes/0/severity")
    assert change["rule"] == "promises-change-in-a-major"
    assert change["remedy"]
    assert send({**changed, "version": "2.0.0"}).json()["bump"] == "major"


def test_a_declared_version_that_says_too_little_is_refused(send):
    send(shop())
    more = shop(*shop()["areas"][0]["codes"], code(3, "NEW"), version="1.0.1")
    body = refusal(send(more), 409, "taxonomy_rule_broken")
    assert (body["details"]["required"], body["details"]["pointer"]) == ("1.1.0", "/version")


FORBIDDEN = {
    "removed": (lambda d: d["codes"].pop(1), "codes-are-never-removed", "SHOP_PAY_002", "/areas/0/codes/1"),
    "renumbered": (
        lambda d: d["codes"][1].update(number=7),
        "codes-are-never-renumbered",
        "SHOP_PAY_002",
        "/areas/0/codes/1",
    ),
    "renamed": (
        lambda d: d["codes"][1].update(slug="BANK_GONE"),
        "codes-are-never-reused",
        "SHOP_PAY_002",
        "/areas/0/codes/1/slug",
    ),
    "reused": (
        lambda d: d["codes"][1].update(slug="FRAUD", meaning="Somebody cheats."),
        "codes-are-never-reused",
        "SHOP_PAY_002",
        "/areas/0/codes/1/slug",
    ),
    "moved": (lambda d: d.update(token="BILL"), "codes-are-never-removed", "PAY", "/areas/0"),
    "freed": (lambda d: d.update(reserved=[]), "retired-numbers-stay-reserved", "PAY", "/areas/0/reserved"),
}


@pytest.mark.parametrize("how", FORBIDDEN)
@pytest.mark.parametrize("version", [None, "9.0.0"])
def test_no_edition_may_take_a_code_back_whatever_it_is_called(send, how, version):
    edit, rule, about, pointer = FORBIDDEN[how]
    document = shop()
    document["areas"][0]["reserved"] = [50]
    assert send(document).json()["created"]
    edit(document["areas"][0])
    if version:
        document["version"] = version
    body = refusal(send(document), 409, "taxonomy_rule_broken")
    change = next(c for c in body["details"]["changes"] if c["rule"] == rule)
    assert (change["about"], change["pointer"], change["weight"]) == (about, pointer, "forbidden")
    assert change["remedy"] in body["message"] or len(body["details"]["changes"]) > 1
    assert TaxonomyVersion.objects.count() == 1


def test_a_deprecated_code_keeps_its_number_and_names_its_successor(send):
    send(shop())
    document = shop(version="1.1.0")
    document["areas"][0]["codes"][1] |= {"deprecated": "1.1.0", "replaced_by": "SHOP_PAY_001"}
    told = send(document).json()
    assert [c["sentence"] for c in told["changes"]] == [
        "SHOP_PAY_002 is deprecated; use SHOP_PAY_001 instead."
    ]
    document["areas"][0]["codes"].pop(1)
    document["version"] = "2.0.0"
    refusal(send(document), 409, "taxonomy_rule_broken")


BAD = {
    "a code twice": (
        lambda a: a["codes"].append(code(1, "OTHER")),
        "/areas/0/codes/2/number",
        "no-duplicates",
    ),
    "a name twice": (
        lambda a: a["codes"].append(code(3, "BANK_AWAY")),
        "/areas/0/codes/2/slug",
        "no-duplicates",
    ),
    "an alias of two": (
        lambda a: [c.update(aliases=["E1"]) for c in a["codes"]],
        "/areas/0/codes/1/aliases/0",
        "one-meaning-per-spelling",
    ),
    "an alias that is another's spelling": (
        lambda a: a["codes"][0].update(aliases=["SHOP_PAYMENT_002_BANK_AWAY"]),
        "/areas/0/codes/0/aliases/0",
        "one-meaning-per-spelling",
    ),
    "a number out of range": (lambda a: a["codes"][0].update(number=500), "/areas/0/codes/0/number", "range"),
    "a reserved number": (
        lambda a: a.update(reserved=[2]),
        "/areas/0/codes/1/number",
        "retired-numbers-stay-reserved",
    ),
    "an unknown successor": (
        lambda a: a["codes"][0].update(deprecated="1.0.0", replaced_by="SHOP_PAY_077"),
        "/areas/0/codes/0/replaced_by",
        "links",
    ),
    "a circle": (
        lambda a: [
            c.update(parent=p) for c, p in zip(a["codes"], ["SHOP_PAY_002", "SHOP_PAY_001"], strict=True)
        ],
        "/areas/0/codes/0/parent",
        "links",
    ),
    "a time to come": (
        lambda a: a["codes"][0].update(since="3.0.0"),
        "/areas/0/codes/0/since",
        "order-of-editions",
    ),
    "a number that is none": (
        lambda a: a["codes"][0].update(number="1"),
        "/areas/0/codes/0/number",
        "schema",
    ),
    "a member nobody knows": (
        lambda a: a["codes"][0].update(serverity="ERROR"),
        "/areas/0/codes/0",
        "schema",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_taxonomy_is_refused_with_place_rule_and_remedy(send, what):
    edit, pointer, rule = BAD[what]
    document = shop()
    edit(document["areas"][0])
    details = refusal(send(document), 422, "invalid_taxonomy")["details"]
    problem = details["problems"][0]
    assert (problem["pointer"], problem["rule"]) == (pointer, rule)
    assert problem["message"]
    assert not Taxonomy.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b'{"prefix": "SHOP", "prefix": "OTHER", "areas": []}',
        b"prefix: SHOP\nprefix: OTHER\nareas: []\n",
        b"{",
        b"prefix: [",
        b"7",
        b"null",
        b"[]",
        b"",
        b"\xff\xfe",
    ],
)
def test_a_body_that_is_no_document_is_refused(send, body):
    refusal(send(body, kind="text/plain"), 422, "invalid_taxonomy")


def test_too_much_is_refused_by_bytes_and_by_codes(send, settings):
    settings.TAXONOMY_MAX_CODES = 1
    assert "TAXONOMY_MAX_CODES" in refusal(send(shop()), 413, "taxonomy_too_large")["message"]
    settings.TAXONOMY_MAX_BYTES = 20
    assert "TAXONOMY_MAX_BYTES" in refusal(send(shop()), 413, "taxonomy_too_large")["message"]


@pytest.mark.parametrize("name", ["a/versions", "a/codes", "upload", "a/../b", " ", "x" * 256])
def test_a_name_that_no_address_could_tell_apart_is_refused(send, name):
    answer = send({**shop(), "taxonomy": name}, address=f"/api/v1/taxonomies/{quote(name)}/versions")
    assert answer.status_code in {400, 404, 422}, answer.content
    assert not Taxonomy.objects.exists()


@pytest.mark.parametrize("name", ["team/errors", "fehler äöü 😀", "100%", "x" * 255])
def test_other_names_are_taken(send, owner, name):
    address = f"/api/v1/taxonomies/{quote(name, safe='')}/versions"
    assert send(shop(), address=address).status_code == 200
    assert owner.api.get(f"{address}/latest").json()["taxonomy"] == name


def test_the_document_and_the_address_have_to_name_the_same(send):
    details = refusal(send(shop(taxonomy="other")), 422, "invalid_taxonomy")["details"]
    assert details["pointer"] == "/taxonomy"


def test_publishing_needs_write_on_the_name(send, teammate, stranger):
    refusal(send(shop(), who=teammate), 403, "forbidden")
    refusal(send(shop(), who=stranger), 403, "forbidden")
    assert send(shop(), address="/api/v1/taxonomies/team.errors/versions", who=teammate).status_code == 200


def test_a_read_only_registry_takes_none(send, actor):
    set_mode(actor=actor, subject="", mode="READONLY")
    refusal(send(shop()), 422, "operation_not_permitted")


def test_a_note_is_kept_and_a_range_finds_the_highest_edition(send, owner):
    send(shop(), query="?note=Begin")
    send(shop(description="more"))
    assert owner.api.get(ADDRESS).json()[0]["note"] == "Begin"
    for wanted in ("^1", "~1.0", ">=1.0.0 <2"):
        assert owner.api.get(f"{ADDRESS}/{quote(wanted)}").json()["version"] == "1.0.1"
    refusal(owner.api.get(f"{ADDRESS}/^2"), 404, "taxonomy_version_not_found")


@pytest.mark.django_db(transaction=True)
def test_twenty_uploads_at_once_leave_consecutive_editions(owner):
    """Each adds a code of its own to what it found; who came second is judged again, and refused for the code it lacks."""

    def one(number):
        try:
            document = shop(*shop()["areas"][0]["codes"], code(10 + number, f"NUMBER_{number}"))
            return Client(headers=owner.header).post(
                ADDRESS, json.dumps(document), content_type="application/json"
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(20)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 1
    assert statuses.count(409) == 19
    assert all("was removed" in a.json()["message"] for a in answers if a.status_code == 409)
    assert list(TaxonomyVersion.objects.values_list("number", "semver")) == [(1, "1.0.0")]


@pytest.mark.django_db(transaction=True)
def test_one_document_sent_twenty_times_at_once_is_one_edition(owner):
    def one(_):
        try:
            return Client(headers=owner.header).post(
                ADDRESS, json.dumps(shop()), content_type="application/json"
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        created = [answer.json()["created"] for answer in pool.map(one, range(20))]
    assert created.count(True) == 1
    assert (
        TaxonomyVersion.objects.count() == AuditEntry.objects.filter(action="taxonomy.published").count() == 1
    )
