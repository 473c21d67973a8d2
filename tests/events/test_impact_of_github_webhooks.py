"""The schemas of GitHub's webhooks 7.6.1 against the 329 real payloads, stored: what the judge says is what validators say."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from access.actor import SYSTEM
from compat import compile_validator
from events import decode
from events.ingest import ingest_events
from registry import study
from registry.configure import set_rules
from registry.local.demo.github import material
from registry.models import Study
from registry.publish import publish_version
from tests.require import require

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]


@pytest.fixture
def told(settings: Any) -> Any:
    """The schemas and payloads; every payload is stored, judged by a schema that accepts everything."""
    found = material(Path(require("data")) / "github-webhooks")
    settings.UPLOAD_JUDGES = []
    for upload in found.newer:
        publish_version(actor=SYSTEM, subject=upload.subject, schema="{}")
        set_rules(actor=SYSTEM, subject=upload.subject, level="NONE")
    for begin in range(0, len(found.events), 50):
        body = json.dumps(found.events[begin : begin + 50]).encode()
        result = ingest_events(actor=SYSTEM, items=decode.pieces(body, content_type="application/json"))
        assert set(result.counts) == {"stored"}
    return found


def direct(told: Any) -> Counter[str]:
    """By subject, how many payloads its schema refuses."""
    validators = {upload.subject: compile_validator(upload.schema) for upload in told.newer}
    refused: Counter[str] = Counter()
    for event in told.events:
        refused[event["event_type"]] += not validators[event["event_type"]].is_valid(event["metadata"])
    return refused


def test_the_impact_of_a_new_version_equals_direct_validation(told: Any, settings: Any) -> None:
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    expected, seen, ways = direct(told), 0, 0
    for upload in told.newer:
        published = publish_version(
            actor=SYSTEM, subject=upload.subject, schema=json.dumps(upload.schema), dry_run=True, exact=True
        )
        assert published.judgement is not None
        facts = published.judgement.findings[0].facts
        assert facts["finished"], upload.subject
        assert facts["refused"] == facts["valid_today"] == expected[upload.subject], upload.subject
        assert sum(shape["count"] for shape in facts["shapes"]) == expected[upload.subject]
        seen, ways = seen + facts["seen"], ways + len(facts["shapes"])
    assert (seen, sum(expected.values())) == (329, 52)
    assert ways > 0
    while study.work_on_next():
        pass
    studied = {found.subject: found.findings[0]["facts"] for found in Study.objects.filter(state="completed")}
    assert {subject: facts["refused"] for subject, facts in studied.items()} == {
        upload.subject: expected[upload.subject] for upload in told.newer
    }
    assert sum(facts["seen"] for facts in studied.values()) == 329
