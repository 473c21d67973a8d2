"""May a version go? The evidence: references, fetches per client, stored events, alert rules."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from access.actor import SYSTEM
from alerts.rule_spec import RuleSpec
from alerts.rules import create_rule
from registry.fetches import fetches
from registry.lookup import find_version
from registry.models import Fetch
from registry.publish import publish_version
from registry.references import ReferenceTo
from registry.usage import usage_of
from tests.conftest import MakePerson, Person
from tests.events.conftest import ORDER, Publish, Send, event

pytestmark = pytest.mark.django_db
NEWER = {**ORDER, "title": "newer"}


@pytest.fixture
def two(publish: Publish) -> None:
    """`order.placed` in 1.0.0 and 1.1.0."""
    publish("order.placed", ORDER, "1.0.0")
    publish("order.placed", NEWER, "1.1.0")


def warnings(number: str = "1", actor: Any = SYSTEM) -> list[str]:
    found = usage_of(actor=actor, version=find_version("order.placed", number, deleted=True))
    told = [finding.sentence for finding in found.evidence if finding.severity != "info"]
    assert found.safe == (not told)
    return told


def test_what_nobody_uses_is_safe_to_delete(two: None) -> None:
    assert warnings("1") == []


def test_the_latest_version_is_not(two: None) -> None:
    (told,) = warnings("2")
    assert told.startswith("It is the latest version")


def test_a_reference_speaks_against_it(two: None) -> None:
    publish_version(
        actor=SYSTEM,
        subject="basket",
        schema=json.dumps({"items": {"$ref": "o"}}),
        references=[ReferenceTo("o", "order.placed", 1)],
    )
    assert warnings() == ["1 schema refers to it, so it cannot be deleted."]


def test_a_recent_fetch_speaks_against_it_and_an_old_one_does_not(
    two: None, owner: Person, settings: Any
) -> None:
    fetches.flush()
    owner.api.get("/api/v1/subjects/order.placed/versions/1")
    fetches.flush()
    (told,) = warnings()
    assert told.startswith("1 client fetched it 1 time, the last time on ")
    Fetch.objects.update(last_at=timezone.now() - timedelta(days=31))
    assert warnings() == []
    settings.USAGE_DAYS = 40
    assert len(warnings()) == 1


def test_events_that_it_judged_speak_against_it(two: None, send: Send) -> None:
    send(event(schema_version="1.0.0"), event(schema_version="1.0.0"), event(schema_version="1.1.0"))
    (told,) = warnings()
    assert told.startswith("2 retained events were judged by it, the last one received on ")


def test_rules_count_when_nothing_else_would_judge_their_events(two: None) -> None:
    selector = {"field": "event_type", "op": "eq", "value": "order.placed"}
    spec = RuleSpec(name="floods", selector=selector, threshold=3, window_seconds=60)
    create_rule(actor=SYSTEM, spec=spec)
    assert warnings("1") == []
    from registry.delete import delete_version

    delete_version(actor=SYSTEM, subject="order.placed", version="1")
    assert any("which nothing would judge any more" in told for told in warnings("2"))


def test_a_witness_without_time_proves_nothing(two: None, settings: Any) -> None:
    settings.USAGE_WITNESSES = [f"{__name__}.slow"]
    settings_told = warnings()
    assert settings_told == ["There was no time to look at everything, so nothing is proven."]


def slow(_version: Any, _actor: Any) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 20")
        cursor.execute("SELECT pg_sleep(20)")


def test_over_rest_and_on_the_page(two: None, owner: Person, make_person: MakePerson, send: Send) -> None:
    fetches.flush()
    owner.api.get("/api/v1/subjects/order.placed/versions/1")
    fetches.flush()
    address = "/api/v1/subjects/order.placed/versions/1/usage"
    told = owner.api.get(address).json()
    assert (told["safe_to_delete"], told["clients"][0]["client"]) == (False, "owner/owner's token")
    viewer = make_person("viewer", role="viewer")
    assert viewer.api.get(address).json()["clients"] == []
    shown = owner.browser.get("/subjects/order.placed/versions/1/usage").content.decode()
    assert "It is still used" in shown
    assert "owner/owner&#x27;s token" in shown
    assert "owner/" not in viewer.browser.get("/subjects/order.placed/versions/1/usage").content.decode()
    Fetch.objects.all().delete()
    assert "It can go" in owner.browser.get("/subjects/order.placed/versions/1/usage").content.decode()
