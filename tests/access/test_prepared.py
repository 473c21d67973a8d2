"""Statements that are planned once for a connection: rows as Django would store and load them."""

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, connection, transaction
from django.forms.models import model_to_dict

from access import prepared
from access.models import Token
from access.tokens import actor_of_secret
from registry.models import Configuration, Subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def nothing_is_prepared() -> Iterator[None]:
    """As with DATABASE_PREPARED_STATEMENTS off."""
    connection.ensure_connection()
    before = connection.connection.prepare_threshold
    connection.connection.prepare_threshold = None
    yield
    connection.connection.prepare_threshold = before


def test_a_new_row_gets_what_the_database_fills_in():
    row = Subject(name="orders", owner="shop")
    prepared.insert(row)
    assert not row._state.adding
    stored = Subject.objects.get(name="orders")
    assert (row.pk, row.created_at) == (stored.pk, stored.created_at)
    assert model_to_dict(row) == model_to_dict(stored)


@pytest.mark.parametrize("metadata", [None, {"properties": {"owner": 'a "b" \\ é'}}, []])
def test_json_is_stored_as_django_does(metadata):
    prepared.insert(Configuration(subject="orders", default_metadata=metadata))
    assert Configuration.objects.get(subject="orders").default_metadata == metadata


def test_a_place_that_is_taken_is_an_error_or_left_alone_as_is_asked_for():
    first = Subject(name="orders", owner="shop")
    assert prepared.insert_unless_taken(first)
    second = Subject(name="orders", owner="billing")
    assert not prepared.insert_unless_taken(second)
    assert second.pk is None
    with pytest.raises(IntegrityError), transaction.atomic():
        prepared.insert(second)
    assert Subject.objects.get(name="orders").owner == "shop"


def test_a_token_is_loaded_as_django_loads_it(stranger):
    actor = actor_of_secret(stranger.secret)
    stored = Token.objects.select_related("owner").get(pk=actor.token.pk)
    for loaded, same in ((actor.token, stored), (actor.user, stored.owner)):
        told = {field.attname: getattr(loaded, field.attname) for field in loaded._meta.concrete_fields}
        expected = {field.attname: getattr(same, field.attname) for field in same._meta.concrete_fields}
        assert told | {"last_used_at": None} == expected | {"last_used_at": None}


def test_the_same_is_answered_where_nothing_may_be_prepared(nothing_is_prepared, stranger):
    assert actor_of_secret(stranger.secret).user == stranger.user
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%access_role%'")
        before = cursor.fetchone()[0]
        actor_of_secret(stranger.secret)
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%access_role%'")
        assert cursor.fetchone()[0] == before
