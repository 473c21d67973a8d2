"""Django's admin is a window, not a second door: people come in at /login and are changed on /people."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from access.models import AuditEntry
from tests.conftest import Person

pytestmark = pytest.mark.django_db
PASSWORD = "the operator's password"


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser("operator", password=PASSWORD)


@pytest.fixture
def browser(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def test_admins_own_form_lets_nobody_in(client: Client, operator: User):
    answer = client.post("/admin/login/?next=/admin/", {"username": "operator", "password": PASSWORD})
    assert answer["Location"].startswith("/login?next=")
    assert "_auth_user_id" not in client.session


def test_signing_in_leads_on_to_admin_and_is_audited(client: Client, operator: User):
    wanted = client.get("/admin/", follow=True).redirect_chain[-1][0]
    answer = client.post(wanted, {"username": "operator", "password": PASSWORD}, follow=True)
    assert answer.status_code == 200
    assert answer.request["PATH_INFO"] == "/admin/"
    assert AuditEntry.objects.filter(action="person.signed_in").count() == 1


def test_whoever_is_no_operator_is_told_so(owner: Person):
    assert owner.browser.get("/admin/", follow=True).status_code == 403


def test_a_password_is_changed_where_that_is_audited(browser: Client):
    assert browser.get("/admin/password_change/")["Location"] == "/password"


def test_people_are_looked_at_and_not_changed(browser: Client, operator: User, owner: Person):
    shown = browser.get(f"/admin/auth/user/{owner.user.pk}/change/").content.decode()
    assert "owner" in shown
    assert owner.user.password not in shown
    assert 'name="_save"' not in shown
    for path in ("add/", f"{owner.user.pk}/delete/", f"{owner.user.pk}/password/"):
        assert browser.post(f"/admin/auth/user/{path}", {"post": "yes"}).status_code in {302, 403, 404}, path
    browser.post(f"/admin/auth/user/{owner.user.pk}/change/", {"username": "other", "is_superuser": "on"})
    assert User.objects.get(pk=owner.user.pk).username == "owner"
    assert browser.get("/admin/auth/group/").status_code == 404
