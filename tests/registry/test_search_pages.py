"""Search over REST and on its page."""

import pytest
from django.urls import reverse

ORDER = {"title": "Order", "properties": {"user_id": {"type": "string", "description": "Who bought it."}}}


@pytest.fixture
def orders(publish):
    publish("shop.orders", ORDER, metadata={"tags": {"**.user_id": ["PII"]}})
    publish("team.bills", {"properties": {"user_id": {"type": "integer"}}})


def shown(person, query="", status=200):
    answer = person.browser.get(reverse("search") + query)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_api_says_what_was_found_and_why(orders, owner):
    answer = owner.api.get("/api/v1/search", {"q": "field:user_id:string bought"}).json()
    assert (answer["query"], answer["count"], answer["more"], answer["offset"]) == (
        "field:user_id:string bought",
        1,
        False,
        0,
    )
    (found,) = answer["results"]
    assert (found["subject"], found["version"], found["semver"], found["tags"]) == (
        "shop.orders",
        1,
        "1.0.0",
        ["PII"],
    )
    (match,) = found["matches"]
    assert match == {
        "where": "field",
        "text": "user_id",
        "marked": ["user_id"],
        "types": ["string"],
        "note": "Who bought it.",
    }


def test_an_empty_question_is_answered_with_how_to_ask(orders, owner):
    answer = owner.api.get("/api/v1/search").json()
    assert (answer["count"], answer["results"]) == (0, [])
    assert "field" in answer["keys"]


def test_a_question_that_cannot_be_read_is_422_with_its_place(owner):
    answer = owner.api.get("/api/v1/search", {"q": "order color:red"})
    assert (answer.status_code, answer.json()["error_code"]) == (422, 42200)
    assert answer.json()["details"]["code"] == "invalid_search"
    assert answer.json()["details"]["position"] == 6


@pytest.mark.parametrize("query", ["?limit=1", "?limit=1&offset=1"])
def test_pages_over_the_api(orders, owner, query):
    answer = owner.api.get(f"/api/v1/search{query}&q=field:user_id").json()
    assert (answer["count"], len(answer["results"])) == (2, 1)


def test_the_page_teaches_how_to_ask(owner):
    text = shown(owner)
    assert "?q=field%3Auser_id%3Astring" in text
    assert "owner:" in text


def test_what_fits_is_marked(orders, owner):
    text = shown(owner, "?q=field:user_id:string+bought")
    assert "1 to 1 of 1" in text
    assert "<mark>user_id</mark>" in text
    assert "<mark>bought</mark>" in text
    assert 'value="field:user_id:string bought"' in text


def test_fields_of_the_form_are_terms(orders, owner):
    for query in ("?field=user_id&type=string", "?tag=pii", "?q=bought&field=user_id"):
        assert "1 to 1 of 1" in shown(owner, query)
    text = shown(owner, "?q=bought&field=user_id&type=string&owner=a+b")
    assert 'value="user_id"' in text
    answer = owner.api.get("/api/v1/search?q=bought&field=user_id&type=string&owner=a+b").json()
    assert answer["query"] == 'bought field:user_id:string owner:"a b"'


def test_what_cannot_be_read_is_said_on_the_page(owner):
    assert "is no key of the search" in shown(owner, "?q=color:red", status=422)


def test_nothing_found_says_what_to_do(orders, owner):
    text = shown(owner, "?q=nonsense")
    assert "Nothing fits" in text
    assert "Leave one out" in text


def test_what_was_written_is_shown_as_text(publish, owner):
    publish("x", {"title": "<b>bold</b> order"})
    assert "<b>" not in shown(owner, "?q=%3Cb%3E+order").replace("<body>", "")


def test_long_lists_have_pages(publish, owner):
    for number in range(27):
        publish(f"s{number:02}", {"title": str(number), "properties": {"f": {"type": "string"}}})
    first = shown(owner, "?q=field:f")
    assert "1 to 25 of 27" in first
    assert "q=field%3Af&amp;offset=25" in first
    last = shown(owner, "?q=field:f&offset=25")
    assert "26 to 27 of 27" in last
    assert "Nothing fits" in shown(owner, "?q=field:f&offset=900")


def test_only_ones_own_are_found(orders, teammate, stranger):
    assert "1 to 1 of 1" in shown(teammate, "?q=field:user_id")
    assert "Nothing fits" in shown(stranger, "?q=field:user_id")
