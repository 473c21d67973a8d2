"""Django admin shows the catalogue and cannot change it behind the operations' back."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

MODELS = ("subject", "version", "content", "configuration", "reference", "taxonomy", "taxonomyversion")


@pytest.fixture
def operator(db):
    client = Client()
    client.force_login(User.objects.create_superuser("operator", password="the operator's password"))
    return client


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_looked_at_and_not_changed(publish, operator, model):
    publish("orders", {"type": "object"})
    assert operator.get(reverse(f"admin:registry_{model}_changelist")).status_code == 200
    assert operator.get(reverse(f"admin:registry_{model}_add")).status_code == 403


def test_a_version_has_no_form(publish, operator):
    version = publish("orders", {"type": "object"}).version
    shown = operator.get(reverse("admin:registry_version_change", args=[version.pk])).content.decode()
    assert 'name="_save"' not in shown
    answer = operator.post(reverse("admin:registry_version_delete", args=[version.pk]), {"post": "yes"})
    assert answer.status_code == 403
