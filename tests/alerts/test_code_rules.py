"""Alert rules that name a code which a new edition of a taxonomy changes."""

import copy

import pytest

from access.actor import SYSTEM, Actor, Grant
from alerts.rule_spec import RuleSpec
from alerts.rules import create_rule
from registry.taxonomy import publish_taxonomy

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


@pytest.fixture(autouse=True)
def shop(settings, db):
    settings.TAXONOMY_JUDGES = ["alerts.code_rules.rules_naming"]
    return publish_taxonomy(actor=SYSTEM, document=SHOP)


def rule(name, op, value, field="error_code"):
    selector = {"all": [{"field": field, "op": op, "value": value}]}
    return create_rule(
        actor=SYSTEM, spec=RuleSpec(name=name, selector=selector, threshold=3, window_seconds=60)
    )


def findings(actor=SYSTEM):
    changed = copy.deepcopy(SHOP)
    changed["areas"][0]["codes"][0]["severity"] = "CRITICAL"
    told = publish_taxonomy(actor=actor, document={**changed, "version": "2.0.0"}, dry_run=True)
    return [finding.sentence for finding in told.findings]


@pytest.mark.parametrize(
    ("op", "value", "field"),
    [
        ("eq", "SHOP_PAY_001", "error_code"),
        ("eq", "SHOP_PAYMENT_001_DECLINED", "metadata.error_code"),
        ("in", ["SHOP_PAY_002", "SHOP_PAY_001"], "error_code"),
        ("prefix", "SHOP_PAY", "error_code"),
    ],
)
def test_a_rule_that_asks_for_a_changed_code_is_named(op, value, field):
    rule("declined cards", op, value, field)
    assert findings() == ["Alert rule 'declined cards' asks for SHOP_PAY_001."]


@pytest.mark.parametrize(
    ("op", "value", "field"),
    [
        ("eq", "SHOP_PAY_002", "error_code"),
        ("prefix", "SHOP_S", "error_code"),
        ("eq", "SHOP_PAY_001", "metadata.note"),
    ],
)
def test_other_rules_are_not(op, value, field):
    rule("another", op, value, field)
    assert findings() == []


def test_a_rule_that_may_not_be_seen_is_not_named():
    rule("secret", "eq", "SHOP_PAY_001")
    assert findings(Actor(label="w", roles=(Grant(frozenset({"read", "write"}), "shop-"),))) == [
        "An alert rule that you may not see asks for SHOP_PAY_001."
    ]


def test_a_mere_addition_asks_nobody():
    rule("declined cards", "eq", "SHOP_PAY_001")
    more = {**SHOP, "areas": [*SHOP["areas"], {"token": "SHIP", "codes": []}]}
    assert publish_taxonomy(actor=SYSTEM, document=more, dry_run=True).findings == ()
