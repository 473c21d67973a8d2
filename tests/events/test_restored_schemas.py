"""Events are judged by schemas that an import brought in, as by all others."""

import pytest

from tests.onex import an_event
from tests.registry.catalogues import empty_catalogue, exported, imported, publish

# The catalogue's revision moves at the commit.
pytestmark = pytest.mark.django_db(transaction=True)
WHOLE = {"type": "object", "properties": {"total": {"type": "integer"}}}


def statuses(api, *totals):
    events = [an_event("order", {"total": total}) for total in totals]
    return [result["status"] for result in api.post("/api/v1/events", events).json()["results"]]


def test_what_was_restored_judges(owner):
    publish("order", WHOLE)
    archive = exported()
    assert statuses(owner.api, 1, "one") == ["stored", "stored_with_violations"]
    empty_catalogue()
    assert statuses(owner.api, 1) == ["quarantined"]
    imported(archive)
    assert statuses(owner.api, 1, "one") == ["stored", "stored_with_violations"]
