"""A subject that asserts `format` for its events asserts it for its versions, too."""

import json

import pytest

from registry.errors import Incompatible
from registry.models import Reference
from registry.references import ReferenceTo

pytestmark = pytest.mark.django_db

PLAIN = {"type": "object", "properties": {"at": {"type": "string"}}}
DATED = {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}}


def assert_formats(owner, wanted):
    answer = owner.api.patch("/api/v1/settings/orders", {"assert_formats": wanted})
    assert answer.status_code == 200, answer.content


@pytest.fixture
def asserting(publish, owner):
    """The subject `orders` with a plain version, its formats asserted."""
    publish("orders", PLAIN)
    assert_formats(owner, True)


def test_by_default_a_format_is_an_annotation(publish):
    publish("orders", PLAIN)
    assert publish("orders", DATED).semver == "1.0.1"


def test_asserted_a_new_format_is_refused_with_a_witness(publish, asserting):
    with pytest.raises(Incompatible) as refused:
        publish("orders", DATED)
    witness = refused.value.facts["witness"]["instance"]
    assert isinstance(witness["at"], str)


def test_asserted_a_format_taken_away_is_a_minor(publish, asserting):
    publish("orders", DATED, semver="2.0.0")
    assert publish("orders", PLAIN | {"title": "Order"}).semver == "2.1.0"


def test_switching_it_on_between_two_looks_is_noticed(publish, asserting, owner):
    """What was judged without formats is not remembered as the answer with them."""
    assert_formats(owner, False)
    assert publish("orders", DATED, dry_run=True).semver == "1.0.1"
    assert_formats(owner, True)
    with pytest.raises(Incompatible):
        publish("orders", DATED, dry_run=True)


def test_a_dependent_that_asserts_formats_would_break(publish, owner, settings):
    settings.UPLOAD_JUDGES = ["registry.dependents.broken_dependents"]
    publish("when", {"type": "string"})
    order = {"type": "object", "properties": {"at": {"$ref": "when.json"}}}
    publish("orders", order, references=[ReferenceTo("when.json", "when", "^1")])
    assert Reference.objects.get().range == "^1"
    dated = {"type": "string", "format": "date-time"}
    findings = publish("when", dated, dry_run=True).judgement.findings
    assert not [found for found in findings if found.severity == "warning"]
    assert_formats(owner, True)
    findings = publish("when", dated, dry_run=True).judgement.findings
    (warning,) = [found for found in findings if found.severity == "warning"]
    assert json.dumps(warning.facts["witness"])
