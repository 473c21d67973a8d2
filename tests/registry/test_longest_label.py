"""Whoever acts is written down in full: the longest user name with the longest name of a token."""

import json

import pytest
from django.apps import apps
from django.contrib.auth.models import User

from access.actor import LABEL_LENGTH
from access.models import AuditEntry, Token
from registry.models import Version
from tests.conftest import MakePerson

pytestmark = pytest.mark.django_db
LONGEST = "u" * 150 + "/" + "t" * 100


def test_what_the_longest_label_publishes_carries_it(make_person: MakePerson) -> None:
    person = make_person("ann", role="admin")
    User.objects.update(username="u" * 150)
    Token.objects.update(name="t" * 100)
    assert person.token_actor.label == LONGEST
    answer = person.api.post("/api/v1/subjects/orders/versions", {"schema": json.dumps({"type": "object"})})
    assert answer.status_code == 200
    assert Version.objects.get().published_by == LONGEST
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {LONGEST}


def test_every_column_for_a_label_takes_the_longest() -> None:
    longest = User._meta.get_field("username").max_length + 1 + Token._meta.get_field("name").max_length
    assert longest <= LABEL_LENGTH
    lengths = {
        f"{model.__name__}.{field.name}": field.max_length
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.name in {"actor", "created_by", "published_by", "producer"}
    }
    assert set(lengths.values()) == {LABEL_LENGTH}
    assert len(lengths) >= 9
