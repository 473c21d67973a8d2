"""Owners are told 30 and 14 days before a version goes, each notice once, by mail where there is mail."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from access.models import AuditEntry
from registry.change_state import Deprecation, change_state
from registry.models import Subject, SunsetNotice, Version
from registry.publish import publish_version
from registry.sunset import tell_sunsets
from tests.registry.conftest import ONE_FIELD, OTHER_TYPE
from tests.registry.test_concurrent_uploads import at_once

TODAY = datetime.now(UTC).date()


@pytest.fixture
def going(publish, actor):
    """`going(20)`: version 1 of `s`, which goes in 20 days and is replaced by 2.0.0."""

    def going(days, owner="ann@example.org"):
        if not Subject.objects.exists():
            publish("s", ONE_FIELD)
            publish("s", OTHER_TYPE, semver="2.0.0")
        Subject.objects.update(owner=owner)
        said = Deprecation(sunset=TODAY + timedelta(days=days), replaced_by="2.0.0", note="Numbers now.")
        return change_state(actor=actor, subject="s", version="1", state="deprecated", deprecation=said)

    return going


@pytest.fixture
def mailing(settings):
    settings.SENDS_EMAIL = True


def told():
    return list(SunsetNotice.objects.order_by("pk").values_list("days_before", flat=True))


def test_thirty_and_fourteen_days_before_each_once(going):
    going(40)
    days = [tell_sunsets(today=TODAY + timedelta(days=day)) for day in range(42)]
    assert [day for day, written in enumerate(days) if written] == [10, 26]
    assert told() == [30, 14]
    assert AuditEntry.objects.filter(action="version.sunset_notice").count() == 2


def test_who_is_late_gets_one_notice_not_all(going):
    going(5)
    assert (tell_sunsets(), tell_sunsets()) == (1, 0)
    assert told() == [14]


def test_another_sunset_is_told_anew(going):
    going(20)
    tell_sunsets()
    going(25)
    tell_sunsets()
    assert told() == [30, 30]


@pytest.mark.parametrize("state", ["active", "archived"])
def test_nothing_is_told_of_what_does_not_go_any_more(going, actor, state):
    going(20)
    change_state(actor=actor, subject="s", version="1", state=state)
    assert tell_sunsets() == 0


def test_how_early_is_a_setting(going, settings):
    going(50)
    settings.SUNSET_NOTICE_DAYS = [60, 7]
    tell_sunsets()
    assert told() == [60]
    settings.SUNSET_NOTICE_DAYS = []
    assert tell_sunsets() == 0


def test_the_owner_gets_mail_once(going, mailing):
    going(20)
    tell_sunsets()
    tell_sunsets()
    [message] = mail.outbox
    assert message.to == ["ann@example.org"]
    assert message.subject == f"s 1.0.0 goes on {TODAY + timedelta(days=20)}"
    for part in ("replaced by s 2.0.0", "Numbers now.", "/subjects/s/versions/1"):
        assert part in message.body
    assert SunsetNotice.objects.get().mailed_at


def test_an_owner_may_be_the_name_of_a_person(going, mailing, teammate):
    teammate.user.email = "mate@example.org"
    teammate.user.save()
    going(20, owner="teammate")
    tell_sunsets()
    assert mail.outbox[0].to == ["mate@example.org"]


@pytest.mark.parametrize("named", ["", "the team", "a@b.c, d@e.f"])
def test_an_owner_nobody_can_write_to_is_told_on_the_pages(going, mailing, named):
    going(20, owner=named)
    tell_sunsets()
    assert (mail.outbox, told()) == ([], [30])


def test_without_a_mail_server_the_pages_tell_it(going, owner, teammate):
    going(20)
    tell_sunsets()
    assert mail.outbox == []
    home = owner.browser.get("/").content.decode()
    assert f"goes on {TODAY + timedelta(days=20)}" in home
    assert "goes on" not in teammate.browser.get("/").content.decode()
    assert "30 days before" in owner.browser.get("/subjects/s/versions/1").content.decode()
    [notice] = owner.api.get("/api/v1/subjects/s/versions/1/state").json()["notices"]
    assert (notice["days_before"], notice["mailed_at"]) == (30, None)


def test_a_mail_server_that_is_away_is_asked_again_by_the_next_sweep(going, mailing, settings):
    going(20)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    tell_sunsets()
    assert SunsetNotice.objects.get().mailed_at is None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    tell_sunsets()
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_one_moment_tell_it_once(make_person, settings):
    settings.SENDS_EMAIL = True
    actor = make_person("owner", role="admin").actor
    publish_version(actor=actor, subject="s", schema=json.dumps(ONE_FIELD))
    Subject.objects.update(owner="ann@example.org")
    said = Deprecation(sunset=TODAY + timedelta(days=20))
    change_state(actor=actor, subject="s", version="1", state="deprecated", deprecation=said)
    assert sum(at_once(6, lambda _: tell_sunsets())) == 1
    assert (len(mail.outbox), SunsetNotice.objects.count(), Version.objects.count()) == (1, 1, 1)
