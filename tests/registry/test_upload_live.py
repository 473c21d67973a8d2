"""The upload page beside every version: while somebody writes, and after Check."""

import json

import pytest

from registry.configure import set_rules
from registry.models import Version

ONE = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO = {"type": "object", "properties": {"a": {"type": "integer"}}}
NEXT = {"type": "object", "properties": {"a": {"type": "integer", "maximum": 9}}}


@pytest.fixture
def orders(publish):
    publish("orders", ONE)
    publish("orders", TWO, semver="2.0.0")


@pytest.fixture
def write(owner):
    """What is shown beside the form while this is written."""

    def write(schema, person=owner, **fields):
        text = schema if isinstance(schema, str) else json.dumps(schema)
        body = {"subject": "orders", "schema": text, "publish": "yes", **fields}
        answer = person.browser.post("/upload", body, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        return answer.content.decode()

    return write


def test_every_live_version_has_its_verdict_while_one_writes(orders, write):
    shown = write(NEXT)
    assert 'It would be <span class="tag">3.0.0</span>' in shown
    assert "Level BACKWARD refuses it" in shown
    assert shown.count("incompatible") == 2
    assert "the maximum of <code>a</code> is now 9" in shown
    assert "the type of <code>a</code> changed from string to integer" in shown
    assert "<form" not in shown


def test_nothing_is_stored_and_no_judge_is_asked_while_one_writes(orders, write, settings):
    settings.UPLOAD_JUDGES = ["nobody.there"]
    write(NEXT, semver="3.0.0", exact="on")
    assert Version.objects.count() == 2


def test_a_declared_major_is_not_called_refused(orders, write):
    assert "refuses it" not in write(NEXT, semver="3.0.0")


@pytest.mark.parametrize(
    ("schema", "fields", "said"),
    [
        ("{", {}, "The schema is not JSON"),
        ('{"a', {}, "Unterminated string starting at line 1"),
        ("", {}, "This field is required."),
        (NEXT, {"semver": "2.1.0"}, "this is a major one"),
        (NEXT, {"references": "x nobody 1"}, "nobody"),
    ],
)
def test_what_cannot_be_compared_says_why(orders, write, schema, fields, said):
    assert said in write(schema, **fields)


def test_a_subject_that_compares_with_nothing_is_shown_the_verdicts_all_the_same(orders, write, actor):
    set_rules(actor=actor, subject="orders", level="NONE")
    shown = write(NEXT)
    assert shown.count("incompatible") == 2
    assert "refuses it" not in shown


def test_who_may_not_read_the_subject_is_shown_nothing_of_it(orders, write, stranger):
    shown = write(NEXT, person=stranger)
    assert "incompatible" not in shown
    assert "2.0.0" not in shown


def test_check_shows_it_without_scripts(orders, owner):
    body = {"subject": "orders", "schema": json.dumps(NEXT), "check": "yes"}
    shown = owner.browser.post("/upload", body).content.decode()
    assert "Level BACKWARD refuses it" in shown
    assert '<span class="tag">1.0.0</span>' in shown
