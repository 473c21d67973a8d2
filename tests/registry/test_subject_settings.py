"""A subject's settings over REST: what the form on its page sets, too."""

import pytest

from access.models import AuditEntry
from registry.models import Subject
from registry.publish import publish_version

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/settings/team.order"


@pytest.fixture(autouse=True)
def subject(owner):
    publish_version(actor=owner.actor, subject="team.order", schema="{}")


def change(person, **wanted):
    return person.api.patch(ADDRESS, wanted, format="json")


def test_they_are_shown_with_their_defaults(owner):
    assert owner.api.get(ADDRESS).json() == {
        "owner": "",
        "description": "",
        "strict": False,
        "version_when_absent": "latest",
        "retention_days": None,
        "accept_undecided": None,
        "assert_formats": False,
        "needs_approval": False,
        "evolution_rules": "",
        "unknown_schema_version": "",
        "max_event_bytes": None,
        "max_event_depth": None,
        "event_profile": "",
        "rename_aliases": False,
        "signatures": "",
        "sensitive_in_clear": "",
    }


def test_a_change_leaves_what_it_does_not_name(owner):
    change(owner, owner="team orders", retention_days=30)
    answer = change(owner, strict=True)
    assert answer.status_code == 200
    assert answer.json()["strict"] is True
    row = Subject.objects.get(name="team.order")
    assert (row.strict, row.owner, row.retention_days) == (True, "team orders", 30)
    assert AuditEntry.objects.filter(action="subject.edited").count() == 2


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"strict": "perhaps"}, "/strict"),
        ({"retention_days": 0}, "/retention_days"),
        ({"version_when_absent": "^1"}, "/version_when_absent"),
        ({"owner": "x" * 201}, "/owner"),
        ({"unknown_schema_version": "keep"}, "/unknown_schema_version"),
        ({"event_profile": "onex-v2"}, "/event_profile"),
        ({"signatures": "sometimes"}, "/signatures"),
        ({"sensitive_in_clear": "quarantine"}, "/sensitive_in_clear"),
        ({"max_event_bytes": 0}, "/max_event_bytes"),
        ({"max_event_depth": 99_999}, "/max_event_depth"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_place(owner, wanted, pointer):
    answer = change(owner, **wanted)
    assert answer.status_code == 422
    assert pointer in answer.content.decode()
    assert Subject.objects.get(name="team.order").strict is False


def test_where_nothing_may_change_the_settings_stay_too(owner):
    assert owner.api.put("/api/v1/mode/team.order", {"mode": "READONLY"}, format="json").status_code == 200
    answer = change(owner, strict=True)
    assert (answer.status_code, answer.json()["error_code"]) == (422, 42205)
    assert Subject.objects.get(name="team.order").strict is False


def test_an_unknown_subject_has_none(owner):
    answer = owner.api.get("/api/v1/settings/nobody.knows")
    assert (answer.status_code, answer.json()["error_code"]) == (404, 40401)
