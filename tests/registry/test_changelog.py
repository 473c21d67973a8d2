"""What changed between two versions of a subject: in words, with evidence each way, and side by side."""

import pytest
from django.urls import reverse

from registry.changelog import changes_between
from registry.references import ReferenceTo
from registry.side_by_side import MOST_LINES, side_by_side

ONE = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
THREE = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
BASE = "/api/v1/subjects/orders/versions"


@pytest.fixture
def orders(publish):
    publish("orders", ONE)
    publish("orders", TWO, note="adds b")
    publish("orders", THREE, semver="2.0.0", note="a is a number")


def test_changes_are_told_in_words_with_a_verdict_each_way(orders, owner):
    answer = owner.api.get(f"{BASE}/3/changes").json()
    assert (answer["old"]["semver"], answer["new"]["semver"]) == ("1.1.0", "2.0.0")
    assert answer["semver"]["level"] == "major"
    assert (
        answer["headline"]
        == "Neither version's readers understand all that is written with the other. 1 change, 1 of them breaking."
    )
    assert [change["kind"] for change in answer["changes"]] == ["TYPE_CHANGED"]
    for direction in ("backward", "forward"):
        assert answer[direction]["status"] == "incompatible"
        assert "a" in answer[direction]["witness"]["instance"]
        assert "changes" not in answer[direction]


def test_a_change_is_told_once(publish, actor):
    closed = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    publish("orders", {**closed, "additionalProperties": {"type": "boolean"}})
    publish(
        "orders", {**closed, "properties": {**closed["properties"], "b": {"type": "string"}}}, semver="2.0.0"
    )
    changes = changes_between(actor=actor, subject="orders", new="latest").changes
    places = [(change.kind, change.old_pointer, change.new_pointer) for change in changes]
    assert len(places) == len(set(places))


def test_any_two_versions_can_be_compared_in_either_order(orders, owner):
    forth = owner.api.get(f"{BASE}/latest/changes?since=1.0.0").json()
    assert [step["semver"] for step in forth["steps"]] == ["1.1.0", "2.0.0"]
    assert [step["note"] for step in forth["steps"]] == ["adds b", "a is a number"]
    back = owner.api.get(f"{BASE}/1/changes?since=%5E1.0").json()
    assert (back["old"]["version"], back["new"]["version"]) == (2, 1)
    assert back["headline"].startswith("Readers of either version understand")


def test_the_same_schema_under_two_labels_has_no_changes(publish, actor):
    publish("orders", ONE)
    publish("orders", ONE, semver="1.4.0")
    found = changes_between(actor=actor, subject="orders", new="latest")
    assert (found.same, found.headline()) == (True, "Both versions are the very same schema.")


@pytest.mark.parametrize("address", ["1/changes", "3/changes?since=9", "9/changes"])
def test_what_is_not_there_is_404(orders, owner, address):
    answer = owner.api.get(f"{BASE}/{address}")
    assert (answer.status_code, answer.json()["error_code"]) == (404, 40402)


def test_the_page_compares_the_latest_with_the_one_before(orders, owner):
    shown = owner.browser.get(reverse("compare", args=["orders"])).content.decode()
    assert "2.0.0 reads what 1.1.0 wrote" in shown
    assert "diff-removed" in shown
    assert shown.count('id="witness-') == 2


def test_the_page_leaves_a_draft_to_whoever_asks_for_it(orders, publish, owner):
    publish("orders", {"type": "integer"}, semver="9.0.0", draft=True)
    page = owner.browser.get("/subjects/orders/versions/compare").content.decode()
    assert "9.0.0 reads what" not in page
    assert (
        "9.0.0 reads what"
        in owner.browser.get("/subjects/orders/versions/compare?new=9.0.0").content.decode()
    )


def test_the_page_takes_any_two_and_says_what_lies_between(orders, owner):
    shown = owner.browser.get(reverse("compare", args=["orders"]) + "?old=1&new=3").content.decode()
    assert "Versions on the way" in shown
    assert '<option value="1" selected>' in shown


def test_a_single_version_has_nothing_to_be_compared_with(publish, owner):
    publish("orders", ONE)
    for query in ("", "?new=1"):
        answer = owner.browser.get(reverse("compare", args=["orders"]) + query)
        assert answer.status_code == 200
        assert "There is no version before this one" in answer.content.decode()
    assert owner.browser.get(reverse("compare", args=["orders"]) + "?old=7").status_code == 404


def test_who_may_not_read_may_not_compare(orders, teammate):
    assert teammate.browser.get(reverse("compare", args=["orders"])).status_code == 403


def test_changes_in_schemas_that_one_may_not_read_are_not_shown(publish, teammate, owner):
    schema = {"type": "object", "properties": {"to": {"$ref": "address"}}}
    for number, kind in enumerate(("string", "integer"), 1):
        publish("secret.address", {"properties": {"cave": {"type": kind}}}, semver=f"{number}.0.0")
        reference = ReferenceTo("address", "secret.address", number)
        publish("team.orders", schema, references=[reference], semver=f"{number}.0.0")
    address = "/api/v1/subjects/team.orders/versions/2/changes"
    answer = teammate.api.get(address)
    assert (answer.status_code, "cave" in answer.content.decode()) == (403, False)
    assert "cave" in owner.api.get(address).content.decode()


def test_lines_stand_beside_each_other_and_what_is_the_same_is_folded():
    old = "[" + ",".join(str(number) for number in range(40)) + "]"
    rows = side_by_side(old, old.replace("20,", "99,98,"))
    assert [row.kind for row in rows] == [
        "folded", "same", "same", "same", "changed", "added", "same", "same", "same", "folded",
    ]  # fmt: skip
    assert (rows[4].old_number, rows[4].old, rows[4].new) == (22, "  20,", "  99,")
    assert sum(row.count for row in rows) + 3 + 3 + 1 == 42


def test_numbers_and_escapes_are_shown_as_they_were_written():
    rows = side_by_side('{"a":1.50,"b":"\\u00e9"}', '{"a":1.5,"b":"\\u00e9"}')
    assert [row.old.strip() for row in rows] == ["{", '"a": 1.50,', '"b": "\\u00e9"', "}"]


def test_texts_too_long_to_compare_are_not():
    assert side_by_side("[" + "1," * MOST_LINES + "1]", "[]") is None
