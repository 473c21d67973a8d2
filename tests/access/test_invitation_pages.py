"""Bringing somebody in: the link, the mail, the first password."""

import re
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from access.errors import InvitationInvalid
from access.invite import accept_invitation, invite
from access.models import AuditEntry, Invitation
from access.people import set_active
from tests.conftest import Person

pytestmark = pytest.mark.django_db
CAROL = {"username": "carol", "email": "carol@example.org", "role": "developer", "subject_prefix": "team."}
PASSWORD = {"new": "four plain short words", "again": "four plain short words"}


def path_in(text: str) -> str:
    found = re.search(r"/invitations/[\w-]+", text)
    assert found, text
    return found[0]


def test_whoever_opens_the_link_chooses_a_password_and_is_in_with_the_role(owner: Person):
    link = path_in(owner.browser.post("/people/invite", CAROL).content.decode())
    carol = Client()
    assert "developer" in carol.get(link).content.decode()
    assert carol.post(link, PASSWORD)["Location"] == "/"
    assert carol.get("/tokens").status_code == 200
    person = User.objects.get(username="carol")
    assert person.roles.get().subject_prefix == "team."
    assert person.email == "carol@example.org"
    assert AuditEntry.objects.get(action="invitation.accepted").details["invited_by"] == "owner"


def test_the_link_works_once(owner: Person):
    link = path_in(owner.browser.post("/people/invite", CAROL).content.decode())
    Client().post(link, PASSWORD)
    again = Client().get(link)
    assert again.status_code == 410
    assert "Ask for a new one" in again.content.decode()


def test_a_weak_password_is_refused_and_leaves_the_link_usable(owner: Person):
    link = path_in(owner.browser.post("/people/invite", CAROL).content.decode())
    refused = Client().post(link, {"new": "short", "again": "short"})
    assert "too short" in str(refused.context["form"].errors["new"])
    assert not User.objects.filter(username="carol").exists()
    assert Client().post(link, PASSWORD).status_code == 302


def test_the_link_can_be_sent_by_mail(owner: Person, settings):
    settings.SENDS_EMAIL = True
    page = owner.browser.post("/people/invite", {**CAROL, "by_email": "on"}).content.decode()
    assert "on its way" in page
    assert mail.outbox[0].to == ["carol@example.org"]
    assert path_in(str(mail.outbox[0].body)) == path_in(page)


def test_without_a_mail_server_nothing_is_sent_and_nothing_is_offered(owner: Person):
    assert "by_email" not in owner.browser.get("/people/invite").content.decode()
    page = owner.browser.post("/people/invite", {**CAROL, "by_email": "on"}).content.decode()
    assert "on its way" not in page
    assert path_in(page)
    assert mail.outbox == []


def test_when_the_mail_server_is_away_the_page_says_so_and_shows_the_link(owner: Person, settings):
    settings.SENDS_EMAIL = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = owner.browser.post("/people/invite", {**CAROL, "by_email": "on"}).content.decode()
    assert "could not be sent" in page
    assert path_in(page)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "owner"}, "username"),
        ({"username": "a b"}, "username"),
        ({"email": "no"}, "email"),
        ({"role": "king"}, "role"),
    ],
)
def test_an_invitation_that_cannot_be_made_says_why_beside_its_field(owner: Person, change, field):
    answer = owner.browser.post("/people/invite", CAROL | change)
    assert field in answer.context["form"].errors
    assert not Invitation.objects.exists()


def test_a_link_ends_when_it_is_withdrawn_too_old_or_its_maker_may_no_longer_invite(
    owner: Person, make_person
):
    helper = make_person("helper", role="admin")
    for end in (
        lambda i: owner.browser.post(f"/people/invitations/{i.pk}/withdraw"),
        lambda i: Invitation.objects.filter(pk=i.pk).update(expires_at=timezone.now() - timedelta(seconds=1)),
        lambda _: set_active(actor=owner.actor, username="helper", active=False),
    ):
        invitation, secret = invite(actor=helper.actor, **CAROL)
        end(invitation)
        with pytest.raises(InvitationInvalid):
            accept_invitation(secret=secret, password=PASSWORD["new"])


def test_only_administrators_invite(teammate: Person):
    assert teammate.browser.get("/people/invite").status_code == 403
    assert teammate.browser.post("/people/invite", CAROL).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_of_two_who_open_the_link_at_once_one_becomes_the_person(owner: Person):
    _, secret = invite(actor=owner.actor, **CAROL)
    outcomes = []

    def accept() -> None:
        try:
            accept_invitation(secret=secret, password=PASSWORD["new"])
            outcomes.append("in")
        except InvitationInvalid:
            outcomes.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=accept) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["in", "too late"]
