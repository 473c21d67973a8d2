"""Signing in and out, one's password, and the door that closes after too many failures."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from access import throttle
from access.errors import LoginThrottled
from access.models import AuditEntry, LoginAttempt
from tests.conftest import Person

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", password=PASSWORD)


def sign_in(client: Client, password: str = PASSWORD, username: str = "ann", query: str = "") -> Any:
    return client.post(f"/login{query}", {"username": username, "password": password})


def test_every_page_asks_for_a_sign_in_and_comes_back_to_where_one_wanted_to_go(client, ann):
    asked = client.get("/tokens")
    assert asked.status_code == 302
    assert asked["Location"] == "/login?next=/tokens"
    assert sign_in(client, query="?next=/tokens")["Location"] == "/tokens"
    assert client.get("/tokens").status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "tokens", "home", "/\\evil.example"],
)
def test_signing_in_never_leads_to_another_server(client, ann, elsewhere):
    assert sign_in(client, query=f"?next={elsewhere}")["Location"] == "/"


def test_whoever_is_signed_in_already_goes_home_from_an_address_that_is_none(owner: Person):
    assert owner.browser.get("/login?next=abc")["Location"] == "/"


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client, ann):
    wrong, unknown = sign_in(client, "wrong"), sign_in(client, username="nobody")
    assert wrong.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()
    assert "do not belong together" in wrong.content.decode()


def test_signing_in_is_audited_without_the_password(client, ann):
    sign_in(client)
    entry = AuditEntry.objects.get(action="person.signed_in")
    assert (entry.actor, entry.target, entry.details) == ("ann", "person/ann", {"address": "127.0.0.1"})


def test_too_many_failures_close_the_door_even_for_the_right_password(client, ann, settings):
    for _ in range(settings.LOGIN_ATTEMPTS_ALLOWED):
        assert sign_in(client, "wrong").status_code == 200
    refused = sign_in(client)
    assert refused.status_code == 429
    assert "Too many failed sign-ins. Try again in 5 minutes" in refused.content.decode()


def test_the_door_opens_again_when_the_window_has_passed(client, ann, settings):
    for _ in range(settings.LOGIN_ATTEMPTS_ALLOWED + 1):
        sign_in(client, "wrong")
    LoginAttempt.objects.update(at=timezone.now() - settings.LOGIN_ATTEMPTS_WINDOW - timedelta(seconds=1))
    assert sign_in(client).status_code == 302
    assert not LoginAttempt.objects.exists()


def test_the_right_password_forgives_earlier_slips(client, ann, settings):
    for _ in range(3):
        for _ in range(settings.LOGIN_ATTEMPTS_ALLOWED - 1):
            sign_in(client, "wrong")
        assert sign_in(client).status_code == 302
        client.logout()


def test_guesses_from_elsewhere_do_not_lock_a_person_out(client, ann, settings):
    for _ in range(settings.LOGIN_ATTEMPTS_ALLOWED * 2):
        client.post("/login", {"username": "ann", "password": "wrong"}, REMOTE_ADDR="203.0.113.9")
    assert sign_in(client).status_code == 302


def test_one_address_cannot_try_one_password_on_every_name(settings):
    for number in range(settings.LOGIN_ATTEMPTS_ALLOWED * throttle.ADDRESS_FACTOR):
        throttle.admit(username=f"name-{number}", address="203.0.113.9")
    with pytest.raises(LoginThrottled) as refused:
        throttle.admit(username="one-more", address="203.0.113.9")
    assert 0 < refused.value.facts["retry_after"] <= 301


@pytest.mark.django_db(transaction=True)
def test_simultaneous_guesses_count_each(settings):
    outcomes = []

    def guess() -> None:
        try:
            throttle.admit(username="ann", address="203.0.113.9")
            outcomes.append("tried")
        except LoginThrottled:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(settings.LOGIN_ATTEMPTS_ALLOWED * 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("tried") <= settings.LOGIN_ATTEMPTS_ALLOWED
    assert len(outcomes) == settings.LOGIN_ATTEMPTS_ALLOWED * 3


def test_signing_out_takes_a_post(client, ann):
    sign_in(client)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout")["Location"] == "/login"
    assert client.get("/tokens").status_code == 302


def test_the_password_is_changed_and_other_browsers_are_signed_out(ann):
    here, elsewhere = Client(), Client()
    sign_in(here)
    sign_in(elsewhere)
    form = {"old": PASSWORD, "new": "four other plain words", "again": "four other plain words"}
    assert here.post("/password", form).status_code == 302
    assert here.get("/tokens").status_code == 200
    assert elsewhere.get("/tokens").status_code == 302
    assert sign_in(Client(), "four other plain words").status_code == 302
    assert AuditEntry.objects.filter(action="person.password_changed", details={}).exists()


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"old": "wrong"}, "old", "not your present password"),
        ({"again": "something else"}, "again", "not the same"),
        ({"new": "short", "again": "short"}, "new", "too short"),
        ({"new": "password1234", "again": "password1234"}, "new", "too common"),
    ],
)
def test_a_password_that_cannot_be_changed_says_why_beside_its_field(owner: Person, change, field, sentence):
    good = {
        "old": "the password of owner",
        "new": "four other plain words",
        "again": "four other plain words",
    }
    answer = owner.browser.post("/password", good | change)
    assert answer.status_code == 200
    assert sentence in str(answer.context["form"].errors[field])


def test_the_sign_in_page_is_never_cached_and_loads_nothing_from_elsewhere(client):
    answer = client.get("/login")
    assert "no-store" in answer["Cache-Control"]
    assert "http://" not in answer.content.decode()
    assert "https://" not in answer.content.decode()
