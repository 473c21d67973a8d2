"""How often stored events carry each code: over REST, on the page, and in what an upload of a taxonomy is told."""

import copy
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from access.actor import SYSTEM
from events import code_usage
from events.models import Event
from registry.taxonomy import publish_taxonomy
from registry.taxonomy_errors import TaxonomyRuleBroken
from tests.events.replays import store

pytestmark = pytest.mark.django_db
SHOP = {
    "taxonomy": "shop-errors",
    "prefix": "SHOP",
    "areas": [
        {
            "token": "PAY",
            "aliases": ["PAYMENT"],
            "codes": [
                {"number": n, "slug": slug, "meaning": slug, "severity": "ERROR", "recoverable": "no"}
                for n, slug in ((1, "DECLINED"), (2, "LATE"))
            ],
        }
    ],
}
ADDRESS = "/api/v1/taxonomies/shop-errors/usage"


@pytest.fixture(autouse=True)
def shop(db):
    return publish_taxonomy(actor=SYSTEM, document=SHOP)


def sent(code, *, hours_ago=1, **columns):
    (stored,) = store(0, error_code=code, **columns)
    at = timezone.now() - timedelta(hours=hours_ago)
    Event.objects.filter(position=stored.position).update(occurred_at=at)


def test_spellings_of_one_code_are_counted_together(owner):
    for text in ("SHOP_PAY_001", "SHOP_PAYMENT_001_DECLINED", "shop_pay_001", "SHOP_PAY_002"):
        sent(text)
    told = owner.api.get(ADDRESS).json()
    assert told["codes"] == [
        {
            "code": "SHOP_PAY_001",
            "events": 3,
            "weighted": 3.0,
            "spellings": {"SHOP_PAYMENT_001_DECLINED": 1, "SHOP_PAY_001": 1, "shop_pay_001": 1},
        },
        {"code": "SHOP_PAY_002", "events": 1, "weighted": 1.0, "spellings": {"SHOP_PAY_002": 1}},
    ]
    assert (told["unknown"], told["finished"]) == ([], True)


def test_sampled_events_stand_for_more(owner):
    sent("SHOP_PAY_001", sample_rate=0.1)
    sent("SHOP_PAY_001", sample_rate=0.5)
    (use,) = owner.api.get(ADDRESS).json()["codes"]
    assert (use["events"], round(use["weighted"], 6)) == (2, 12.0)


def test_codes_that_the_taxonomy_lacks_are_listed_and_other_texts_are_not(owner):
    for text in ("SHOP_PAY_009", "SHOP_SHIP_001", "something else", None):
        sent(text)
    unknown = owner.api.get(ADDRESS).json()["unknown"]
    assert [use["text"] for use in unknown] == ["SHOP_PAY_009", "SHOP_SHIP_001"]


def test_the_time_range_is_that_of_the_producers_clocks(owner):
    sent("SHOP_PAY_001", hours_ago=2)
    sent("SHOP_PAY_001", hours_ago=24 * 9)
    since = (timezone.now() - timedelta(days=30)).isoformat()
    assert owner.api.get(ADDRESS).json()["codes"][0]["events"] == 1
    assert owner.api.get(ADDRESS, {"since": since}).json()["codes"][0]["events"] == 2
    assert owner.api.get(ADDRESS, {"since": since, "until": since}).json()["codes"] == []
    assert owner.api.get(ADDRESS, {"since": "yesterday"}).status_code == 400


def test_only_events_that_the_caller_may_read_are_counted(make_person):
    reader = make_person("reader", role="viewer", prefix="shop")
    sent("SHOP_PAY_001", event_type="team.order")
    assert reader.api.get(ADDRESS).json()["codes"] == []
    sent("SHOP_PAY_001", event_type="shop.order")
    assert reader.api.get(ADDRESS).json()["codes"][0]["events"] == 1


def test_events_whose_schema_is_bound_to_another_taxonomy_are_not_counted(owner):
    publish_taxonomy(actor=SYSTEM, document={**SHOP, "taxonomy": "other"})
    schema = {"properties": {"error_code": {"x-taxonomy": "other@^1"}}}
    content = owner.api.post("/api/v1/subjects/x/versions", {"schema": json.dumps(schema)}).json()["id"]
    sent("SHOP_PAY_001", content_id=content)
    sent("SHOP_PAY_001", content_id=content + 1000)
    assert owner.api.get(ADDRESS).json()["codes"][0]["events"] == 1
    assert owner.api.get(ADDRESS.replace("shop-errors", "other")).json()["codes"][0]["events"] == 2


def test_a_refusal_says_how_many_events_carry_the_code():
    sent("SHOP_PAYMENT_002")
    sent("SHOP_PAY_002")
    document = copy.deepcopy(SHOP)
    document["areas"][0]["codes"].pop(1)
    with pytest.raises(TaxonomyRuleBroken) as refused:
        publish_taxonomy(actor=SYSTEM, document=document)
    assert "2 stored events carry SHOP_PAY_002, of the last 30 days." in refused.value.message
    assert refused.value.facts["findings"][0]["facts"] == {"code": "SHOP_PAY_002", "events": 2, "days": 30}


def test_a_deprecation_says_how_many_events_carry_the_code():
    sent("SHOP_PAY_002")
    document = copy.deepcopy(SHOP)
    document["areas"][0]["codes"][1] |= {"deprecated": "1.1.0", "replaced_by": "SHOP_PAY_001"}
    told = publish_taxonomy(actor=SYSTEM, document={**document, "version": "1.1.0"}, dry_run=True)
    assert [f.sentence for f in told.findings] == [
        "1 stored event carries SHOP_PAY_002, of the last 30 days."
    ]


def test_counting_that_takes_too_long_is_given_up_and_told(owner, settings, monkeypatch):
    sent("SHOP_PAY_001")
    settings.UPLOAD_JUDGE_SECONDS = 0.02
    real = code_usage._counted
    slow = "(SELECT pg_sleep(2)::text) IS NOT NULL"
    monkeypatch.setattr(code_usage, "_counted", lambda found: real(found.extra(where=[slow])))
    told = owner.api.get(ADDRESS).json()
    assert (told["codes"], told["finished"]) == ([], False)
    assert "could not be counted in time" in owner.browser.get("/taxonomies/shop-errors").content.decode()


def test_the_tree_shows_the_counts_and_links_the_events(owner):
    sent("SHOP_PAY_001", sample_rate=0.5)
    sent("SHOP_PAY_009")
    html = owner.browser.get("/taxonomies/shop-errors").content.decode()
    assert '<a href="/events?error_code=SHOP_PAY_001"' in html
    assert "≈ 2" in html
    assert "Sent, but not in this taxonomy" in html
    assert "SHOP_PAY_009" in html
    sent("SHOP_PAYMENT_001_DECLINED")
    spelled = owner.browser.get("/taxonomies/shop-errors").content.decode()
    assert '<a class="mono" href="/events?error_code=SHOP_PAYMENT_001_DECLINED">' in spelled
    only = owner.browser.get("/taxonomies/shop-errors", {"show": "sent"}).content.decode()
    assert '<tr id="SHOP_PAY_001">' in only
    assert '<tr id="SHOP_PAY_002">' not in only
