"""Fields bound to a taxonomy at ingest: foreign codes are violations of their own kind, deprecated ones are linted."""

import copy
import json

import pytest

from access.actor import SYSTEM
from events import judging
from events.models import Event, QuarantinedEvent
from registry.models import Content
from registry.publish import publish_version
from registry.taxonomy import publish_taxonomy
from tests.events.conftest import event

pytestmark = pytest.mark.django_db
SHOP = {
    "taxonomy": "shop-errors",
    "prefix": "SHOP",
    "areas": [
        {
            "token": "PAY",
            "codes": [
                {"number": 1, "slug": "DECLINED", "meaning": "No.", "severity": "ERROR", "recoverable": "no"}
            ],
        }
    ],
}
NULLABLE = {"anyOf": [{"type": "null"}, {"type": "string", "x-taxonomy": "shop-errors@^1"}]}
FAILED = {
    "type": "object",
    "properties": {
        "error_code": {"type": "string", "x-taxonomy": "shop-errors@^1"},
        "causes": {"type": "array", "items": NULLABLE},
    },
}


@pytest.fixture
def shop(publish):
    """The taxonomy 1.0.0, and the subject `order.failed` bound to it."""
    publish_taxonomy(actor=SYSTEM, document=SHOP)
    return publish("order.failed", FAILED, "1.0.0")


def failed(**metadata):
    return event("order.failed", metadata=metadata)


def next_edition(**changed):
    document = copy.deepcopy(SHOP)
    document["areas"][0]["codes"][0] |= changed
    codes = document["areas"][0]["codes"]
    codes.append({**codes[0], "number": 2, "slug": "LATE", "deprecated": None, "replaced_by": None})
    return document


def test_a_code_of_the_taxonomy_is_stored_without_a_word(shop, send):
    (outcome,) = send(failed(error_code="SHOP_PAY_001_DECLINED", causes=[None, "shop_pay_001"])).results
    assert (outcome.status, outcome.errors) == ("stored", [])
    assert Event.objects.get().lints is None


def test_a_foreign_code_is_a_violation_of_its_own_kind(shop, send):
    (outcome,) = send(failed(error_code="SHOP_PAY_002")).results
    assert outcome.status == "stored_with_violations"
    assert outcome.errors == [
        {
            "code": "violates_taxonomy",
            "pointer": "/metadata/error_code",
            "keyword": "x-taxonomy",
            "message": "'SHOP_PAY_002' is not a code of shop-errors 1.0.0, which has the area PAY but not this number",
        }
    ]
    assert Event.objects.get().violations == outcome.errors


def test_in_a_branch_it_is_told_by_its_own_name_as_well(shop, send):
    (outcome,) = send(failed(causes=["SHOP_PAY_001", "rubbish"])).results
    assert [(e["code"], e["pointer"], e["keyword"]) for e in outcome.errors] == [
        ("violates_schema", "/metadata/causes/1", "anyOf"),
        ("violates_taxonomy", "/metadata/causes/1", "x-taxonomy"),
    ]


def test_a_strict_subject_quarantines_it(publish, send):
    publish_taxonomy(actor=SYSTEM, document=SHOP)
    publish("order.failed", FAILED, "1.0.0", strict=True)
    (outcome,) = send(failed(error_code="SHOP_PAY_002")).results
    assert outcome.status == "quarantined"
    assert QuarantinedEvent.objects.get().reason == "violates_taxonomy"


def test_a_later_edition_in_the_range_judges_from_its_commit_on(shop, send):
    assert send(failed(error_code="SHOP_PAY_002")).counts == {"stored_with_violations": 1}
    publish_taxonomy(actor=SYSTEM, document=next_edition())
    assert send(failed(error_code="SHOP_PAY_002")).counts == {"stored": 1}


def test_an_edition_outside_the_range_does_not_judge(shop, send):
    publish_taxonomy(actor=SYSTEM, document={**next_edition(severity="INFO"), "version": "2.0.0"})
    assert send(failed(error_code="SHOP_PAY_002")).counts == {"stored_with_violations": 1}


def test_a_deprecated_code_is_stored_and_linted(shop, send):
    deprecated = next_edition(deprecated="1.1.0", replaced_by="SHOP_PAY_002")
    publish_taxonomy(actor=SYSTEM, document={**deprecated, "version": "1.1.0"})
    assert send(failed(error_code="SHOP_PAY_001"), failed(error_code="SHOP_PAY_002")).counts == {"stored": 2}
    lints = {e.error_code: e.lints for e in Event.objects.all()}
    assert lints == {"SHOP_PAY_001": ["deprecated_code"], "SHOP_PAY_002": None}


def test_a_binding_that_leads_nowhere_asserts_nothing_and_is_linted(publish, send):
    """As a restored or imported catalogue may have one."""
    subject = publish("order.failed", {"type": "object"}, "1.0.0")
    Content.objects.filter(versions__subject=subject).update(
        bindings=[{"pointer": "/x-taxonomy", "taxonomy": "gone", "range": "^1"}]
    )
    judging.forget()
    assert send(failed(error_code="WHATEVER")).counts == {"stored": 1}
    assert Event.objects.get().lints == ["unresolved_taxonomy"]


def test_compiled_schemas_are_kept_until_an_edition_comes(shop, send, monkeypatch):
    compiled = []
    real = judging.bound_validator
    monkeypatch.setattr(judging, "bound_validator", lambda *a, **k: compiled.append(1) or real(*a, **k))
    judging._validators.clear()
    for _ in range(3):
        send(failed(error_code="SHOP_PAY_001"))
    assert len(compiled) == 1
    publish_taxonomy(actor=SYSTEM, document=next_edition())
    for _ in range(3):
        send(failed(error_code="SHOP_PAY_001"))
    assert len(compiled) == 2


def test_an_upload_is_told_how_many_stored_events_carry_foreign_codes(publish, send, settings):
    publish_taxonomy(actor=SYSTEM, document=SHOP)
    publish("order.failed", {"type": "object", "properties": {"error_code": {"type": "string"}}}, "1.0.0")
    send(*(failed(error_code=f"SHOP_PAY_00{n}") for n in (1, 1, 2)))
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    told = publish_version(
        actor=SYSTEM, subject="order.failed", schema=json.dumps(FAILED), semver="2.0.0", dry_run=True
    )
    refused = next(f for f in told.judgement.findings if "refused" in f.facts)
    assert (refused.facts["refused"], refused.facts["seen"]) == (1, 3)
    assert refused.facts["examples"][0]["keyword"] == "x-taxonomy"


def test_the_page_of_an_event_links_what_its_code_means(shop, send, owner):
    send(event("order.failed", event_id="e1", metadata={"error_code": "SHOP_PAY_001_DECLINED"}))
    html = owner.browser.get("/events/id/e1").content.decode()
    link = "/taxonomies/shop-errors?q=SHOP_PAY_001_DECLINED"
    assert f'<a href="{link}">What it means</a>' in html
    assert '<tr id="SHOP_PAY_001">' in owner.browser.get(link).content.decode()
