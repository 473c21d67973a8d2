"""Roles by subject prefix, and shutting people out."""

import threading

import pytest
from django.db import connection

from access.actor import Actor
from access.errors import RoleInvalid, Unauthenticated
from access.models import AuditEntry, Role
from access.people import administrators, grant_role, take_role
from access.tokens import actor_of_secret, actor_of_user
from tests.conftest import Person

pytestmark = pytest.mark.django_db


def test_the_list_shows_everybody_with_their_roles(owner: Person, teammate: Person, stranger: Person):
    page = owner.browser.get("/people").content.decode()
    assert "developer on team.*" in page
    assert "stranger" in page


def test_a_role_is_given_and_taken_and_both_are_audited(owner: Person, stranger: Person):
    owner.browser.post("/people/of/stranger", {"role": "producer", "subject_prefix": "orders."})
    assert actor_of_user(stranger.user).may("ingest", "orders.placed")
    role = Role.objects.get(user=stranger.user)
    owner.browser.post(f"/people/of/stranger/roles/{role.pk}/take")
    assert not Role.objects.filter(user=stranger.user).exists()
    actions = (
        AuditEntry.objects.filter(target="person/stranger").order_by("id").values_list("action", flat=True)
    )
    assert list(actions) == ["role.granted", "role.taken"]


def test_giving_a_role_twice_changes_nothing(owner: Person, stranger: Person):
    for _ in range(2):
        grant_role(actor=owner.actor, username="stranger", role="viewer")
    assert AuditEntry.objects.filter(action="role.granted").count() == 1


def test_taking_a_role_from_a_person_takes_it_from_their_tokens(owner: Person, teammate: Person):
    role = Role.objects.get(user=teammate.user)
    owner.browser.post(f"/people/of/teammate/roles/{role.pk}/take")
    assert not teammate.token_actor.may("read", "team.x")


def test_somebody_shut_out_is_out_at_once_with_all_tokens_and_may_be_let_in_again(
    owner: Person, teammate: Person
):
    browser = teammate.browser
    owner.browser.post("/people/of/teammate/active", {"active": "no"})
    assert browser.get("/tokens").status_code == 302
    with pytest.raises(Unauthenticated):
        actor_of_secret(teammate.secret)
    owner.browser.post("/people/of/teammate/active", {"active": "yes"})
    assert actor_of_secret(teammate.secret).may("read", "team.x")


def test_nobody_shuts_themselves_out(owner: Person):
    page = owner.browser.post("/people/of/owner/active", {"active": "no"}, follow=True)
    assert "cannot shut yourself out" in page.content.decode()


def test_the_last_administrator_stays_one(owner: Person):
    role = Role.objects.get(user=owner.user)
    page = owner.browser.post(f"/people/of/owner/roles/{role.pk}/take", follow=True)
    assert "Nobody would be left" in page.content.decode()
    assert list(administrators()) == [owner.user]


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_take_each_others_role_at_once_do_not_both_succeed(owner: Person, make_person):
    other = make_person("other", role="admin")
    start = threading.Barrier(2)

    def take(actor: Actor, victim: Person) -> None:
        role = Role.objects.get(user=victim.user)
        start.wait()
        try:
            take_role(actor=actor, username=victim.user.username, role_id=role.pk)
        except RoleInvalid:
            pass
        finally:
            connection.close()

    threads = [
        threading.Thread(target=take, args=(owner.actor, other)),
        threading.Thread(target=take, args=(other.actor, owner)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert administrators().count() == 1


@pytest.mark.parametrize("path", ["/people", "/people/of/owner", "/people/invite", "/audit"])
def test_administrators_only(owner: Person, teammate: Person, stranger: Person, path):
    assert owner.browser.get(path).status_code == 200
    for person in (teammate, stranger):
        refused = person.browser.get(path)
        assert refused.status_code == 403
        assert "scope &#x27;admin&#x27;" in refused.content.decode()


def test_the_navigation_shows_administrators_pages_to_administrators_only(owner: Person, teammate: Person):
    assert 'href="/audit"' in owner.browser.get("/tokens").content.decode()
    assert 'href="/audit"' not in teammate.browser.get("/tokens").content.decode()


def test_an_unknown_person_is_a_page_that_says_so(owner: Person):
    assert owner.browser.get("/people/of/nobody").status_code == 404
