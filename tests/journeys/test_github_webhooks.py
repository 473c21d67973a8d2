"""The 329 real payloads of GitHub's webhooks against the schemas published with them."""

import json
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import pytest

from registry.local.demo.github import material
from tests.onex import ok
from tests.require import require

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


def test_exactly_the_payloads_that_break_their_own_schema_are_violations(api, pages):
    told = material(Path(require("data")) / "github-webhooks")
    for upload in told.newer:
        body = {"schemaType": "JSON", "schema": json.dumps(upload.schema)}
        ok(api.post(f"subjects/{quote(upload.subject, safe='')}/versions", json=body))

    def send(number):
        """The same payloads again, as events of their own."""
        counts = Counter()
        events = [{**event, "event_id": f"{event['event_id'][:-1]}{number}"} for event in told.events]
        for begin in range(0, len(events), 100):
            counts.update(ok(api.post("events", json=events[begin : begin + 100]))["counts"])
        return counts

    assert send(0) == {"stored": 329 - 52, "stored_with_violations": 52}
    for upload in told.newer:
        settings = {"assert_formats": "on", "version_when_absent": "latest"}
        assert pages.post(f"/subjects/{quote(upload.subject, safe='')}/config", data=settings).is_redirect
    assert send(1) == {"stored": 329 - 53, "stored_with_violations": 53}
