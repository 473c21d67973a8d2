"""Making, rotating and revoking tokens in the browser."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from access.errors import Unauthenticated
from access.models import Token
from access.tokens import actor_of_secret
from tests.conftest import Person

pytestmark = pytest.mark.django_db


def secret_in(page: str) -> str:
    found = re.search(r'value="(onex_[^"]+)"', page)
    assert found, page
    return found[1]


def make(person: Person, **form: object):
    return person.browser.post("/tokens/new", {"name": "ci", "scopes": ["read"], "lifetime": "90", **form})


def test_a_new_token_is_shown_once_and_works(owner: Person):
    page = make(owner, scopes=["read", "ingest"], subject_prefixes="orders.\npayments.\n")
    assert "no-store" in page["Cache-Control"]
    actor = actor_of_secret(secret_in(page.content.decode()))
    assert actor.may("ingest", "orders.placed")
    assert not actor.may("ingest", "github.push")
    assert not actor.may("write", "orders.placed")
    listed = owner.browser.get("/tokens").content.decode()
    assert "ci" in listed
    assert secret_in(page.content.decode()) not in listed


@pytest.mark.parametrize(("lifetime", "days"), [("30", 30), ("90", 90), ("365", 365), ("0", None)])
def test_a_token_ends_when_it_was_told_to(owner: Person, lifetime, days):
    make(owner, lifetime=lifetime)
    ends = Token.objects.get(name="ci").expires_at
    assert (
        (ends is None)
        if days is None
        else abs(ends - timezone.now() - timedelta(days=days)) < timedelta(minutes=1)
    )


def test_the_form_offers_only_scopes_that_one_holds(teammate: Person):
    form = teammate.browser.get("/tokens/new").context["form"]
    assert [scope for scope, _ in form.fields["scopes"].choices] == ["read", "write", "ingest"]


def test_without_prefixes_a_token_reaches_what_its_owner_reaches(teammate: Person):
    make(teammate, scopes=["read", "write"])
    assert Token.objects.get(name="ci").subject_prefixes == ["team."]


def test_nobody_gives_away_more_than_they_have(teammate: Person):
    answer = make(teammate, scopes=["write"], subject_prefixes="orders.")
    assert "needs the scope" in str(answer.context["form"].non_field_errors())
    assert not Token.objects.filter(name="ci").exists()


@pytest.mark.parametrize(
    ("form", "field"),
    [({"name": " "}, "name"), ({"scopes": []}, "scopes"), ({"lifetime": "7000"}, "lifetime")],
)
def test_what_is_missing_is_said_beside_its_field(owner: Person, form, field):
    assert field in make(owner, **form).context["form"].errors


def test_rotating_shows_a_new_secret_while_the_old_one_goes_on(owner: Person):
    old = secret_in(make(owner).content.decode())
    token = Token.objects.get(name="ci")
    page = owner.browser.post(f"/tokens/{token.pk}/rotate").content.decode()
    new = secret_in(page)
    assert new != old
    assert "goes on working until" in page
    assert actor_of_secret(old).may("read", "x")
    assert actor_of_secret(new).may("read", "x")


def test_a_revoked_token_stops_and_leaves_the_list_unless_one_asks_for_it(owner: Person):
    secret = secret_in(make(owner).content.decode())
    token = Token.objects.get(name="ci")
    assert owner.browser.post(f"/tokens/{token.pk}/revoke").status_code == 302
    with pytest.raises(Unauthenticated):
        actor_of_secret(secret)
    assert token.hint not in owner.browser.get("/tokens").content.decode()
    assert "revoked" in owner.browser.get("/tokens?all=on").content.decode()


def test_one_sees_and_changes_only_ones_own_tokens_unless_one_administers(owner: Person, teammate: Person):
    make(owner, name="owner's ci")
    token = Token.objects.get(name="owner's ci")
    assert token.hint not in teammate.browser.get("/tokens").content.decode()
    assert teammate.browser.post(f"/tokens/{token.pk}/rotate").status_code == 404
    assert teammate.browser.post(f"/tokens/{token.pk}/revoke").status_code == 404
    assert "teammate&#x27;s token" in owner.browser.get("/tokens?owner=teammate").content.decode()


def test_an_empty_list_says_what_to_do_next(stranger: Person):
    Token.objects.all().delete()
    assert "No tokens yet" in stranger.browser.get("/tokens").content.decode()
