"""`manage.py bootstrap`: what `./run` and the containers call at every start."""

import json
import stat

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command

from access.bootstrap import LOGIN, bootstrap
from access.models import AuditEntry, Token
from access.tokens import actor_of_secret

pytestmark = pytest.mark.django_db


def test_the_first_start_makes_an_administrator_who_can_sign_in_and_a_token_with_every_scope(tmp_path):
    made = bootstrap(home=tmp_path)

    user = authenticate(username=made.login, password=made.password)
    assert user is not None
    assert user.is_superuser
    actor = actor_of_secret(made.token)
    assert all(
        actor.may_everywhere(scope) for scope in ("read", "write", "ingest", "replay", "alert", "admin")
    )
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"user.created", "token.issued"}


def test_a_later_start_changes_nothing_and_says_the_same(tmp_path):
    first = bootstrap(home=tmp_path)
    assert bootstrap(home=tmp_path) == first
    assert (User.objects.count(), Token.objects.count()) == (1, 1)


def test_the_file_is_readable_by_its_owner_only_and_its_folder_is_made(tmp_path):
    home = tmp_path / "new" / "home"
    bootstrap(home=home)
    assert stat.S_IMODE((home / "admin.json").stat().st_mode) == 0o600
    assert [file.name for file in home.iterdir()] == ["admin.json"]


def test_a_revoked_token_is_replaced_and_the_password_stays(tmp_path):
    first = bootstrap(home=tmp_path)
    actor = actor_of_secret(first.token)
    actor.token.revoked_at = actor.token.created_at
    actor.token.save()

    second = bootstrap(home=tmp_path)

    assert second.password == first.password
    assert second.token != first.token
    assert bootstrap(home=tmp_path) == second


def test_a_changed_password_is_not_printed_as_if_it_still_worked(tmp_path):
    first = bootstrap(home=tmp_path)
    user = User.objects.get(username=LOGIN)
    user.set_password("another one entirely")
    user.save()

    assert bootstrap(home=tmp_path).password is None
    assert bootstrap(home=tmp_path).token == first.token


@pytest.mark.parametrize("content", [None, "", '{"login": "ad', "[]", '{"colour": "blue"}'])
def test_a_lost_or_broken_file_costs_a_new_token_and_never_the_users_password(tmp_path, content):
    first = bootstrap(home=tmp_path)
    file = tmp_path / "admin.json"
    file.unlink() if content is None else file.write_text(content)

    found = bootstrap(home=tmp_path)

    assert found.password is None
    assert authenticate(username=LOGIN, password=first.password) is not None
    assert actor_of_secret(found.token).may_everywhere("admin")


def test_the_command_prints_one_json_object(tmp_path, settings, capsys):
    settings.ONEX_HOME = tmp_path
    call_command("bootstrap", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"login", "password", "token"}

    call_command("bootstrap")
    assert printed["password"] in capsys.readouterr().out
