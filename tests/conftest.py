"""The cast of every test: an owner who may do everything, a teammate with a part of it, a stranger with nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.signals import post_migrate
from django.test import Client
from rest_framework.test import APIClient

from access import tokens
from access.actor import ROLES, Actor
from access.models import Role, Token
from access.tokens import PREFIX, actor_of_secret, actor_of_user, digest_of
from events import day_bounds, judging
from tests.groups import (  # noqa: F401 -- hooks, found by their names here
    pytest_collection_modifyitems,
    pytest_xdist_make_scheduler,
)
from tests.require import pytest_terminal_summary  # noqa: F401 -- a hook, found by its name here


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests that commit are cleaned up by TRUNCATE: let it pass, and put back the rows that migrations made."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE access_auditentry DISABLE TRIGGER no_truncate")
    post_migrate.connect(_put_back_rows, dispatch_uid="tests.rows")


def _put_back_rows(**_: object) -> None:
    with connection.cursor() as cursor:
        # Django empties the tables it manages; the log and its links are none of them.
        cursor.execute("TRUNCATE events_event, events_correlationlink")
        cursor.execute("INSERT INTO events_loghead (id, position) VALUES (1, 0) ON CONFLICT DO NOTHING")
        cursor.execute(
            "INSERT INTO events_statisticscursor (id, position) VALUES (1, 0) ON CONFLICT DO NOTHING"
        )
        cursor.execute(
            "INSERT INTO events_samplingrevision (number, rules, next_rule, change, created_by)"
            " VALUES (0, '[]', 1, 'Everything is kept.', 'system') ON CONFLICT DO NOTHING"
        )


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Every test makes people; hashing their passwords as slowly as production must would take most of the time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _catalogue_as_committed() -> None:
    """What the last test published is rolled back, its revision with it: the next must not judge by that, or know its days."""
    judging.forget()
    day_bounds.forget()
    tokens.forget_actors()


@dataclass(frozen=True)
class Person:
    """Somebody with an account and one token that may do whatever its owner may."""

    user: User
    secret: str

    @property
    def actor(self) -> Actor:
        """As on the pages."""
        return actor_of_user(self.user)

    @property
    def token_actor(self) -> Actor:
        """As on the API."""
        return actor_of_secret(self.secret)

    @property
    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}

    @property
    def api(self) -> APIClient:
        """A REST client that sends the token. Use `format="json"` implicitly; answers have `.json()`."""
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {self.secret}")
        return client

    @property
    def browser(self) -> Client:
        """A signed-in session."""
        client = Client()
        client.force_login(self.user)
        return client


MakePerson = Callable[..., Person]


@pytest.fixture
def make_person(db: None) -> MakePerson:
    """`make_person("ann", role="developer", prefix="shop.", scopes=["read"])`; role None = an account only."""

    def make(
        name: str, role: str | None = None, prefix: str = "", scopes: list[str] | None = None, **token: Any
    ) -> Person:
        user = User.objects.create_user(name, password=f"the password of {name}")
        if role:
            Role.objects.create(user=user, name=role, subject_prefix=prefix)
        secret = f"{PREFIX}test_{name}"
        Token.objects.create(
            owner=user,
            name=f"{name}'s token",
            hint=secret[:12],
            digest=digest_of(secret),
            scopes=scopes or sorted(ROLES["admin"]),
            subject_prefixes=token.pop("subject_prefixes", [""]),
            **token,
        )
        return Person(user, secret)

    return make


@pytest.fixture
def owner(make_person: MakePerson) -> Person:
    """May do everything everywhere."""
    return make_person("owner", role="admin")


@pytest.fixture
def teammate(make_person: MakePerson) -> Person:
    """A developer of the subjects that begin with `team.`."""
    return make_person("teammate", role="developer", prefix="team.")


@pytest.fixture
def stranger(make_person: MakePerson) -> Person:
    """Has an account and a token, and no role at all."""
    return make_person("stranger")


@pytest.fixture
def actor(owner: Person) -> Actor:
    """Whoever the test is not about."""
    return owner.actor
