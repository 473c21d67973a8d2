"""Secrets lie in the database sealed: a dump signs nothing, and a changed SECRET_KEY loses nothing silently."""

from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from access.delivery import deliver_due, enqueue_delivery
from access.models import Delivery
from access.sealed import Lost, in_migration, opened, seal
from access.signing import PREFIX, new_secret
from alerts.channels import ChannelSpec, create_channel, edit_channel
from alerts.models import Channel
from registry.import_errors import RegistryUnusable
from registry.models import CatalogueImport
from registry.remote_registry import Credentials
from registry.start_import import credentials_of

pytestmark = pytest.mark.django_db
URL = "https://hooks.example/a"


def stored(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT secret FROM {table}")
        return [secret for (secret,) in cursor.fetchall()]


@pytest.fixture
def channel(actor, settings):
    settings.OUTBOUND_ALLOW = ["hooks.example"]
    return create_channel(actor=actor, spec=ChannelSpec(name="hook", url=URL))


def enqueue(secret):
    with transaction.atomic():
        return enqueue_delivery(
            message_id="m-1", about="test", about_id=1, url=URL, secret=secret, payload={"a": 1}
        )


def test_what_the_database_holds_is_not_the_secret(channel):
    enqueue(channel.secret)
    assert channel.secret.startswith(PREFIX)
    for table in ("alerts_channel", "access_delivery"):
        [kept] = stored(table)
        assert kept.startswith("sealed:1:")
        assert channel.secret not in kept
    assert Channel.objects.get().secret == Delivery.objects.get().secret == channel.secret


def test_none_stays_none_and_what_was_stored_in_clear_is_still_read(channel):
    enqueue("")
    assert stored("access_delivery") == [""]
    clear = new_secret()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE alerts_channel SET secret = %s", [clear])
    assert Channel.objects.get().secret == clear


def test_sealing_twice_changes_nothing_and_no_two_seals_are_alike():
    assert opened(seal("a")) == "a"
    assert seal(seal("a")).count("sealed:1:") == 1
    assert seal("a") != seal("a")


def test_a_changed_key_opens_with_the_old_one_beside_it_until_all_is_sealed_anew(channel, settings):
    secret, old = channel.secret, settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another one", [old]
    assert Channel.objects.get().secret == secret
    said = StringIO()
    call_command("reseal_secrets", stdout=said)
    assert "alerts_channel: 1 sealed" in said.getvalue()
    settings.SECRET_KEY_FALLBACKS = []
    assert Channel.objects.get().secret == secret


def test_without_the_old_key_nothing_is_sent_unsigned_and_nothing_is_overwritten(channel, settings, actor):
    old, secret = settings.SECRET_KEY, channel.secret
    enqueue(secret)
    settings.SECRET_KEY = "another one"
    lost = Channel.objects.get()
    assert isinstance(lost.secret, Lost)
    lost.save()
    deliver_due(clock=lambda: timezone.now() + timedelta(seconds=1))
    [attempt] = Delivery.objects.get().log.all()
    assert attempt.problem.startswith("The secret was kept with another SECRET_KEY.")
    with pytest.raises(CommandError, match="2 secrets were sealed with another key"):
        call_command("reseal_secrets", stdout=StringIO())
    settings.SECRET_KEY = old
    assert Channel.objects.get().secret == secret


def test_a_new_secret_takes_the_place_of_a_lost_one(channel, settings, actor):
    settings.SECRET_KEY = "another one"
    new = new_secret()
    edit_channel(actor=actor, channel_id=channel.pk, spec=ChannelSpec(name="hook", url=URL, secret=new))
    assert Channel.objects.get().secret == new


def test_what_an_import_logs_in_with_is_sealed_too(settings):
    row = CatalogueImport(kind="registry", secret='{"user": "u", "password": "p", "token": ""}')
    row.save()
    assert "password" not in stored("registry_catalogueimport")[0]
    assert credentials_of(CatalogueImport.objects.get()) == Credentials(user="u", password="p", token="")
    settings.SECRET_KEY = "another one"
    with pytest.raises(RegistryUnusable):
        credentials_of(CatalogueImport.objects.get())


def test_the_migration_seals_what_was_in_clear_and_leaves_the_rest(channel):
    clear = new_secret()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE alerts_channel SET secret = %s", [clear])
    in_migration("alerts", "Channel")(apps, None)
    [kept] = stored("alerts_channel")
    assert kept.startswith("sealed:1:")
    in_migration("alerts", "Channel")(apps, None)
    assert Channel.objects.get().secret == clear
