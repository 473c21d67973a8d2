"""An upload is told which alert rules read what it removes or retypes."""

import json

import pytest

from access.actor import SYSTEM
from registry.publish import publish_version
from tests.alerts.conftest import FAILURES

pytestmark = pytest.mark.django_db


def schema_of(**properties):
    return {"type": "object", "properties": properties}


BEFORE = schema_of(error_type={"type": "string"}, tries={"type": "integer"}, kept={"type": "string"})


@pytest.fixture
def upload(settings):
    settings.UPLOAD_JUDGES = ["alerts.judge.rules_reading"]

    def run(schema, actor=SYSTEM, subject="NODE_FAILURE"):
        published = publish_version(
            actor=actor, subject=subject, schema=json.dumps(schema), semver="9.0.0", dry_run=True
        )
        return [(finding.sentence, finding.facts) for finding in published.judgement.findings]

    return run


@pytest.fixture
def watched(settings, make_rule):
    """A first version, and a rule that reads two of its fields."""
    settings.UPLOAD_JUDGES = []
    publish_version(actor=SYSTEM, subject="NODE_FAILURE", schema=json.dumps(BEFORE), semver="1.0.0")
    tests = [FAILURES, {"field": "metadata.error_type", "value": "x"}]
    return make_rule("timeouts", selector={"all": tests}, group_by=["metadata.tries"])


def test_a_removed_field_names_the_rule(watched, upload):
    [(sentence, facts)] = upload(schema_of(tries={"type": "integer"}))
    assert sentence.startswith("Alert rule 'timeouts' reads metadata.error_type, which this version removes")
    assert (facts["rule"], facts["field"], facts["change"]) == (watched.pk, "metadata.error_type", "removes")


def test_a_retyped_field_names_both_types(watched, upload):
    [(sentence, facts)] = upload(schema_of(error_type={"type": "string"}, tries={"type": "string"}))
    assert "it was number and becomes string" in sentence
    assert facts["change"] == "retypes"


def test_what_no_rule_reads_is_not_mentioned(watched, upload):
    assert upload(schema_of(error_type={"type": "string"}, tries={"type": "integer"})) == []
    assert upload(schema_of(), subject="OTHER") == []


def test_a_rule_that_the_uploader_may_not_see_stays_unnamed(watched, upload, make_person):
    watched.current.event_types = None
    watched.current.save()
    writer = make_person("writer", role="developer", prefix="NODE_FAILURE")
    [(sentence, facts)] = upload(schema_of(tries={"type": "integer"}), actor=writer.actor)
    assert sentence.startswith("An alert rule that you may not see reads metadata.error_type")
    assert "rule" not in facts
