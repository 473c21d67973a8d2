"""Subjects, versions, upload and settings in the browser."""

import json

import pytest
from django.urls import reverse

from access.models import AuditEntry
from registry.configure import rules_of, set_rules
from registry.models import Study, Subject, Version
from registry.references import ReferenceTo

ONE_FIELD = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO_FIELDS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
A_REQUIRED = {**ONE_FIELD, "required": ["a"]}
OTHER_TYPE = {"type": "object", "properties": {"a": {"type": "integer"}}}
NAME = "team.orders/größe"
# Names are shown with places to break them; a link holds them whole.
LINK = "/subjects/team.orders/gr%C3%B6%C3%9Fe"


@pytest.fixture
def browser(owner):
    return owner.browser


@pytest.fixture
def page(browser):
    def get(name, *args, query="", status=200):
        answer = browser.get(reverse(name, args=args) + query)
        assert answer.status_code == status
        return answer.content.decode()

    return get


@pytest.fixture
def send(browser):
    def post(name, *args, **fields):
        return browser.post(reverse(name, args=args), fields)

    return post


def test_the_rules_name_the_group_within_which_versions_are_compared(publish, page, actor):
    publish("orders", ONE_FIELD)
    set_rules(actor=actor, subject="orders", compatibility_group="application.major")
    assert "the latest version with the same <code>application.major</code>" in page("subject", "orders")


def test_without_subjects_the_list_says_what_to_do(page):
    assert "Register the first schema" in page("subjects")


def test_the_list_shows_the_latest_version_and_verdict(publish, page):
    publish(NAME, ONE_FIELD)
    publish(NAME, TWO_FIELDS)
    shown = page("subjects")
    assert LINK in shown
    assert "1.1.0" in shown
    assert "compatible" in shown


def test_the_filter_is_in_the_address(publish, page):
    publish("orders", ONE_FIELD)
    publish("bills", ONE_FIELD)
    assert "/subjects/bills" not in page("subjects", query="?q=ORD")
    assert "No subject fits" in page("subjects", query="?q=nothing")
    assert "/subjects/bills" in page("subjects", query="?verdict=first")
    assert "No subject fits" in page("subjects", query="?verdict=compatible")


def test_lists_hold_only_what_one_may_read(publish, teammate):
    publish("orders", ONE_FIELD)
    publish(NAME, ONE_FIELD)
    shown = teammate.browser.get(reverse("subjects")).content.decode()
    assert LINK in shown
    assert '"/subjects/orders"' not in shown


def test_a_subject_shows_where_its_rules_come_from(publish, page, send):
    publish(NAME, ONE_FIELD)
    assert "BACKWARD" in page("subject", NAME)
    send("subject-settings", NAME, level="FULL_TRANSITIVE", version_when_absent="1.0.0", strict="on")
    shown = page("subject", NAME)
    assert "FULL_TRANSITIVE" in shown
    assert "set here" in shown
    assert "all live versions of the current major" in shown
    assert "quarantined" in shown


def test_a_subject_shows_who_uses_its_latest_version_as_far_as_one_may_know(publish, page, teammate):
    publish("team.address", ONE_FIELD)
    for user in ("secret.order", "team.order"):
        schema = {"type": "object", "title": user, "properties": {"to": {"$ref": "address"}}}
        publish(user, schema, references=[ReferenceTo("address", "team.address", 1)])
    shown = page("subject", "team.address")
    assert "2 schemas refer to it" in shown
    assert "secret.order 1, team.order 1" in shown
    assert reverse("usage", args=["team.address", 1]) in shown
    limited = teammate.browser.get(reverse("subject", args=["team.address"])).content.decode()
    assert "team.order 1" in limited
    assert "secret.order" not in limited


def test_settings_are_saved_and_audited(publish, send):
    publish(NAME, ONE_FIELD)
    answer = send(
        "subject-settings",
        NAME,
        owner="shop",
        level="NONE",
        policy="OPEN",
        mode="READONLY",
        accept_undecided="yes",
        version_when_absent="latest",
        retention_days="7",
    )
    assert answer.status_code == 302
    row, rules = Subject.objects.get(), rules_of(NAME)
    assert (row.owner, row.strict, row.retention_days, row.accept_undecided) == ("shop", False, 7, True)
    assert (rules.level, rules.policy, rules.mode, rules.confluent_levels) == (
        "NONE",
        "OPEN",
        "READONLY",
        False,
    )
    assert {"subject.edited", "rules.set", "mode.set"} <= set(
        AuditEntry.objects.values_list("action", flat=True)
    )


def test_a_version_that_is_none_is_shown_beside_its_field(publish, send):
    publish(NAME, ONE_FIELD)
    answer = send("subject-settings", NAME, version_when_absent="newest")
    assert answer.status_code == 200
    assert "one exact version such as 1.0.0" in answer.content.decode()
    assert Subject.objects.get().version_when_absent == "latest"


def test_a_version_shows_schema_evidence_and_snippets(publish, page):
    publish(NAME, ONE_FIELD)
    publish(NAME, OTHER_TYPE, semver="2.0.0", note="a is a number now")
    shown = page("version", NAME, "2")
    assert "a is a number now" in shown
    assert "Counterexample" in shown
    assert "The new major was declared" in shown
    assert "curl -H" in shown
    assert "team.orders%2Fgr%C3%B6%C3%9Fe/versions/2/schema" in shown


def test_the_upload_form_begins_with_the_latest_version(publish, page):
    publish("orders", ONE_FIELD)
    assert json.dumps(ONE_FIELD).replace('"', "&quot;") in page("upload", query="?subject=orders")


def test_check_says_what_publishing_would_come_to_and_stores_nothing(publish, send):
    publish("orders", ONE_FIELD)
    shown = send("upload", subject="orders", schema=json.dumps(TWO_FIELDS), check="yes").content.decode()
    assert "This can be published" in shown
    assert "1.1.0" in shown
    assert Version.objects.count() == 1


@pytest.fixture
def typing(owner):
    """What the page asks for while somebody types: the verdict alone."""

    def ask(**fields):
        answer = owner.browser.post(reverse("upload"), fields, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert "<html" not in answer.content.decode()
        return answer.content.decode()

    return ask


def never_asked(proposal):
    raise AssertionError("a judge of the layers above was asked with a change that was typed")


def test_while_one_types_the_verdict_is_answered_and_nothing_is_stored(publish, typing, settings):
    publish("orders", ONE_FIELD)
    settings.UPLOAD_JUDGES = [f"{__name__}.never_asked"]
    good = typing(subject="orders", schema=json.dumps(TWO_FIELDS), publish="yes", exact="on")
    assert "This can be published" in good
    assert "1.1.0" in good
    assert "Counterexample" in typing(subject="orders", schema=json.dumps(A_REQUIRED), force="yes")
    assert "not JSON" in typing(subject="orders", schema='{"type":')
    assert "is not a name, a subject" in typing(subject="orders", schema="{}", references="nonsense")
    assert "while you write" in typing(subject="orders", schema="")
    assert (Version.objects.count(), Study.objects.count()) == (1, 0)


def test_the_verdict_stands_beside_every_live_version(publish, typing, send):
    """The level looks at the latest only; whoever still reads with an older one is told all the same."""
    publish("orders", OTHER_TYPE)
    publish("orders", ONE_FIELD, semver="2.0.0")
    publish("orders", {**ONE_FIELD, "title": "t"})
    fields = {"subject": "orders", "schema": json.dumps(TWO_FIELDS)}
    for shown in (typing(**fields), send("upload", **fields, check="yes").content.decode()):
        assert "This can be published" in shown
        rows = shown.partition("Beside every version")[2].split("<tr>")[2:]
        assert [("decides" in row, "incompatible" in row) for row in rows] == [
            (True, False),
            (False, False),
            (False, True),
        ]
        assert "integer to string" in rows[2]


def test_versions_for_which_there_is_no_time_are_counted(publish, typing, settings):
    settings.UPLOAD_JUDGE_SECONDS = 0.0
    publish("orders", ONE_FIELD)
    publish("orders", {**ONE_FIELD, "title": "t"})
    assert "no time for 2 older versions" in typing(subject="orders", schema=json.dumps(TWO_FIELDS))


def test_publish_leads_to_the_version(send):
    answer = send("upload", subject=NAME, schema=json.dumps(ONE_FIELD), publish="yes")
    assert answer.status_code == 302
    assert answer.url == reverse("version", args=[NAME, 1])


@pytest.mark.parametrize("button", ["check", "publish"])
def test_a_refused_upload_shows_why_and_keeps_what_was_typed(publish, send, button):
    publish("orders", ONE_FIELD)
    answer = send("upload", subject="orders", schema=json.dumps(A_REQUIRED), **{button: "yes"})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "This cannot be published as it is" in shown
    assert "Counterexample" in shown
    assert "required&quot;: [&quot;a&quot;]" in shown
    assert Version.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"schema": "{"}, "not JSON"),
        ({"subject": "a/versions"}, "cannot be told from the address"),
        ({"semver": "2"}, "not a SemVer version"),
        ({"references": "nonsense"}, "is not a name, a subject and a version"),
        ({"references": "x none 1"}, "not found"),
    ],
)
def test_what_was_typed_wrong_is_said_at_its_field(send, fields, said):
    asked = {"subject": "orders", "schema": "{}", "check": "yes"} | fields
    answer = send("upload", **asked)
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_deleting_goes_softly_first(publish, page, send):
    publish(NAME, ONE_FIELD)
    publish(NAME, TWO_FIELDS)
    send("delete-version", NAME, 2)
    assert "deleted" in page("version", NAME, "2")
    send("delete-subject", NAME)
    page("subject", NAME)
    assert LINK not in page("subjects")
    assert LINK in page("subjects", query="?deleted=on")
    assert "Delete for good" in page("subject", NAME)
    assert send("delete-subject", NAME, permanent="yes").url == reverse("subjects")
    assert not Subject.objects.exists()


def test_a_refused_deletion_says_why(publish, send, page):
    publish("orders", ONE_FIELD)
    answer = send("delete-subject", "orders", permanent="yes")
    assert answer.url == reverse("subject", args=["orders"])
    assert "was not deleted first" in page("subject", "orders")


@pytest.mark.parametrize("name", ["old.name", ":.:orders"])
def test_other_names_lead_to_the_subject(publish, browser, actor, name):
    publish("orders", ONE_FIELD)
    set_rules(actor=actor, subject="old.name", alias="orders")
    for address, args in (("subject", []), ("version", [1])):
        answer = browser.get(reverse(address, args=[name, *args]))
        assert (answer.status_code, answer.url) == (302, reverse(address, args=["orders", *args]))
    # One that is a subject itself, too, has its page.
    publish("old.name", TWO_FIELDS)
    assert browser.get(reverse("subject", args=["old.name"])).status_code == 200


def test_pages_ask_for_the_same_rights(publish, teammate, stranger):
    publish("orders", ONE_FIELD)
    publish("team.orders", ONE_FIELD)
    for person, name, expected in (
        (teammate, "team.orders", {200, 302}),
        (teammate, "orders", {403}),
        (stranger, "team.orders", {403}),
    ):
        for address in ("subject", "subject-settings"):
            assert person.browser.get(reverse(address, args=[name])).status_code in expected
        assert person.browser.get(reverse("version", args=[name, 1])).status_code in expected
    answer = stranger.browser.post(reverse("upload"), {"subject": "x", "schema": "{}", "publish": "yes"})
    assert answer.status_code == 422
    assert "needs the scope" in answer.content.decode()
    stranger.browser.post(reverse("delete-subject", args=["orders"]))
    assert Version.objects.live().count() == 2


@pytest.mark.parametrize("address", ["subject", "version"])
def test_what_is_not_there_is_404(page, address):
    args = ["none"] if address == "subject" else ["none", 1]
    page(address, *args, status=404)
