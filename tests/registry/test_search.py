"""Finding schemas: words everywhere, structured terms, and nothing of what one may not read."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.change_state import change_state
from registry.delete import delete_version
from registry.edit_subject import SubjectSettings, edit_subject
from registry.errors import InvalidSearch
from registry.search import search

BASE = "/api/v1"
ORDER = {
    "type": "object",
    "title": "Order placed",
    "description": "A customer bought something.",
    "required": ["user_id"],
    "properties": {
        "user_id": {"type": "string", "description": "Who bought it."},
        "userName": {"type": "string"},
        "total": {"type": "number", "x-tags": ["money"]},
        "address": {"type": "object", "properties": {"zip": {"type": "string"}}},
    },
}
BILL = {
    "type": "object",
    "title": "Bill",
    "properties": {"user_id": {"type": "integer"}, "lines": {"type": "array"}},
}


@pytest.fixture
def catalogue(publish, actor):
    publish("shop.orderPlaced", ORDER, metadata={"tags": {"**.user_id": ["PII"]}})
    publish("billing.bill", BILL)
    publish("team.other", {"type": "object", "properties": {"x": {"type": "boolean"}}})
    settings = SubjectSettings("Team Müller", "What the shop's till says", False, "latest", None, None)
    edit_subject(actor=actor, subject="shop.orderPlaced", settings=settings)


def found(actor, text, **more):
    return [hit.version.subject.name for hit in search(actor=actor, text=text, **more).hits]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("order", ["shop.orderPlaced"]),  # the name, cut at the capital
        ("PLACED", ["shop.orderPlaced"]),
        ("plac", ["shop.orderPlaced"]),  # the beginning of a word
        ('"plac"', []),  # a whole word
        ("bought", ["shop.orderPlaced"]),  # descriptions, of fields too
        ("till", ["shop.orderPlaced"]),  # the subject's own description
        ("müller", ["shop.orderPlaced"]),  # the owner
        ("pii", ["shop.orderPlaced"]),  # a tag
        ("order till pii total", ["shop.orderPlaced"]),  # from four places, all have to be there
        ("order lines", []),
        ("user", ["billing.bill", "shop.orderPlaced"]),
        ("user -bill", ["shop.orderPlaced"]),
        ("field:user_id", ["billing.bill", "shop.orderPlaced"]),
        ("field:user_id:string", ["shop.orderPlaced"]),
        ("field:USER_ID:Integer", ["billing.bill"]),
        ("field:user*", ["billing.bill", "shop.orderPlaced"]),
        ("field:username", ["shop.orderPlaced"]),
        ("field:user*:integer", ["billing.bill"]),
        ("field:address.zip", ["shop.orderPlaced"]),
        ("field:total.zip", []),
        ("-field:user_id", ["team.other"]),
        ("required:user_id", ["shop.orderPlaced"]),
        ("type:array", ["billing.bill"]),
        ("tag:PII", ["shop.orderPlaced"]),
        ("tag:mon*", ["shop.orderPlaced"]),
        ('owner:"team müller"', ["shop.orderPlaced"]),
        ("owner:team*", ["shop.orderPlaced"]),
        ("title:bill", ["billing.bill"]),
        ("title:bought", []),
        ("subject:shop.*", ["shop.orderPlaced"]),
        ("subject:shop", []),
        ("state:deprecated", []),
        ("subject:team.* -type:string", ["team.other"]),
        ("'; DROP TABLE x; --", []),
        ("\\ ' & | ! ( :* <->", []),
        ("100%", []),
        ("field:%", []),
        ("", []),
    ],
)
def test_what_is_found(catalogue, actor, text, names):
    assert found(actor, text) == names


def test_subjects_that_are_called_so_come_first(publish, actor):
    publish("a.bill", {"properties": {"order": {"type": "string"}}})
    publish("z.order", {"type": "object"})
    assert found(actor, "order") == ["z.order", "a.bill"]


def test_only_the_latest_live_version_is_found_unless_all_are_asked_for(publish, actor):
    publish("orders", {"properties": {"old": {"type": "string"}}})
    publish("orders", {"properties": {"new": {"type": "string"}}}, semver="2.0.0")
    assert found(actor, "field:old") == []
    assert found(actor, "field:old", every_version=True) == ["orders"]
    delete_version(actor=actor, subject="orders", version="2")
    assert found(actor, "field:old") == ["orders"]
    assert found(actor, "field:new", every_version=True) == []


def test_states_decide_what_is_found(publish, actor):
    publish("orders", {"properties": {"first": {"type": "string"}}})
    publish("orders", {"properties": {"second": {"type": "string"}}}, semver="2.0.0")
    publish("orders", {"properties": {"third": {"type": "string"}}}, draft=True)
    change_state(actor=actor, subject="orders", version="2", state="deprecated")
    assert found(actor, "field:second") == ["orders"]
    assert found(actor, "state:deprecated") == ["orders"]
    assert found(actor, "field:third", every_version=True) == []
    change_state(actor=actor, subject="orders", version="2", state="archived")
    assert found(actor, "field:second", every_version=True) == []
    assert found(actor, "field:first") == ["orders"]


def test_ids_are_those_of_the_context(publish, owner):
    publish("orders", ORDER)
    numbered = owner.api.post(
        f"{BASE}/subjects/:.berlin:orders/versions", {"schema": json.dumps(ORDER)}
    ).json()["id"]
    found = owner.api.get(f"{BASE}/search", {"q": "subject::.berlin:orders"}).json()["results"]
    assert [hit["id"] for hit in found] == [numbered]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour:red", "'colour:' is no key of the search, at character 1"),
        ("ok field:a:text", "'text' is no type of a field, at character 4"),
        ("type:text", "There are any, array, boolean"),
        ("state:draft", "There are active, deprecated"),
        ("a " * 30, "at most 20 terms"),
        ("a" * 501, "at most 500 characters"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(actor, text, said):
    with pytest.raises(InvalidSearch) as refused:
        search(actor=actor, text=text)
    assert said in refused.value.message


def test_nothing_of_other_peoples_subjects_is_found_or_counted(catalogue, teammate, stranger):
    everything = search(actor=teammate.actor, text="type:string type:integer type:boolean -x -bill")
    assert (everything.count, everything.hits) == (0, ())
    assert found(teammate.actor, "type:boolean") == ["team.other"]
    assert search(actor=teammate.actor, text="order").count == 0
    assert search(actor=stranger.actor, text="type:boolean").count == 0


def test_it_is_said_why_something_was_found(catalogue, actor):
    (hit,) = search(actor=actor, text="buy bought field:user_id:string".removeprefix("buy ")).hits
    told = {match.where: match for match in hit.matches}
    assert told["description"].pieces == (("A customer ", False), ("bought", True), (" something.", False))
    assert (told["field"].text, told["field"].types) == ("user_id", ("string",))
    assert ("bought", True) in told["field"].note


def test_a_page_costs_the_same_number_of_statements_however_much_is_on_it(publish, actor):
    counts = []
    for names in (["a.one"], [f"a.more{number}" for number in range(9)]):
        for name in names:
            publish(name, {"title": name, "properties": {"field_x": {"type": "string"}}})
        with CaptureQueriesContext(
            connection,
        ) as asked:
            search(actor=actor, text="field:field_x one more".removesuffix(" one more"))
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_pages_are_cut_from_one_order(publish, actor):
    for number in range(7):
        publish(f"s{number}", {"title": str(number), "properties": {"f": {"type": "string"}}})
    pages = [search(actor=actor, text="field:f", offset=offset, limit=3) for offset in (0, 3, 6)]
    assert [hit.version.subject.name for page in pages for hit in page.hits] == [f"s{n}" for n in range(7)]
    assert {page.count for page in pages} == {7}
