"""A worker that is killed while it tells of changes has told nothing; the next one tells each of them once."""

import json

import pytest
from django.db import DatabaseError

from access.actor import SYSTEM
from access.models import Delivery
from events import judging
from events.forward import forward_changes, lag
from events.load_changes import load_change_subjects
from events.models import Event, Subscription
from registry.publish import publish_version
from tests.kill import killed_when_it_writes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def published(settings):
    settings.UPLOAD_JUDGES = []
    judging.forget()
    load_change_subjects(actor=SYSTEM)
    Subscription.objects.create(name="ci", url="https://example.com/hook", created_by="test")
    for number in range(3):
        schema = {"type": "object", "title": str(number)}
        publish_version(actor=SYSTEM, subject="team.order", schema=json.dumps(schema))


@pytest.mark.parametrize("table", ["access_delivery", "events_eventkey", "events_changecursor"])
def test_wherever_it_is_killed_each_change_is_told_once(published, table):
    with pytest.raises(DatabaseError):
        killed_when_it_writes(table, forward_changes)
    assert not Event.objects.exists()
    assert not Delivery.objects.exists()
    assert lag().waiting == 3
    while forward_changes():
        pass
    events = Event.objects.order_by("position")
    assert [event.document["metadata"]["version"] for event in events] == [1, 2, 3]
    assert Delivery.objects.count() == 3
    assert lag().waiting == 0
