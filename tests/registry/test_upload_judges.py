"""Judges from the layers above: asked before anything is written, read-only, bounded in time."""

import json
import sys
import types

import pytest
from django.db import ProgrammingError, connection
from django.db.utils import InternalError

from registry.errors import Incompatible
from registry.judge import Finding
from registry.models import Study, Subject, Version
from registry.publish import publish_version

ONE_FIELD = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO_FIELDS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
A_REQUIRED = {**ONE_FIELD, "required": ["a"]}


@pytest.fixture
def install(monkeypatch, settings):
    """Makes functions the judges of this test."""

    def install(*judges):
        module = types.ModuleType("judges_of_this_test")
        for judge in judges:
            setattr(module, judge.__name__, judge)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        settings.UPLOAD_JUDGES = [f"{module.__name__}.{judge.__name__}" for judge in judges]

    return install


def test_a_judge_sees_both_sides_and_its_finding_is_kept(install, publish):
    seen = []

    def curious(proposal):
        seen.append(proposal)
        return [Finding("curious", "warning", "Rule 7 reads `a`.", {"rule": 7})]

    publish("orders", ONE_FIELD)
    install(curious)
    published = publish("orders", TWO_FIELDS)
    [proposal] = seen
    assert (proposal.subject, proposal.new.value, proposal.actor.label) == ("orders", TWO_FIELDS, "owner")
    assert [(old.number, old.document.value) for old in proposal.older] == [(1, ONE_FIELD)]
    assert proposal.verdict.status == "compatible"
    assert 0 < proposal.seconds_left <= 2
    published.version.refresh_from_db()
    assert published.version.verdict["findings"][0]["facts"] == {"rule": 7}


def test_findings_are_part_of_a_refusal_and_of_a_dry_run(install, publish):
    def one(_proposal):
        return [Finding("one", "info", "0 of 12 stored events would be refused.")]

    publish("orders", ONE_FIELD)
    install(one)
    with pytest.raises(Incompatible) as refused:
        publish("orders", A_REQUIRED)
    assert refused.value.facts["findings"][0]["judge"] == "one"
    assert publish("orders", TWO_FIELDS, dry_run=True).judgement.findings[0].judge == "one"


def test_a_judge_that_takes_too_long_is_left_behind(install, publish, settings):
    def slow(_proposal):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")
        return []

    settings.UPLOAD_JUDGE_SECONDS = 0.05
    install(slow)
    published = publish("orders", ONE_FIELD)
    finding, going_on = published.judgement.findings
    assert finding.facts == {"finished": False}
    assert Study.objects.get(pk=going_on.facts["study"]).judge == "judges_of_this_test.slow"
    assert "not finished within 0.05 s" in finding.sentence


def test_a_judge_cannot_write(install, actor):
    def meddling(_proposal):
        Subject.objects.create(name="made by a judge")
        return []

    install(meddling)
    with pytest.raises((InternalError, ProgrammingError), match="read-only transaction"):
        publish_version(actor=actor, subject="orders", schema=json.dumps(ONE_FIELD))
    assert not Subject.objects.exists()
    assert not Version.objects.exists()


def test_what_is_there_already_is_not_judged_again(install, publish):
    calls = []

    def counting(proposal):
        calls.append(proposal)
        return []

    install(counting)
    publish("orders", ONE_FIELD)
    publish("orders", ONE_FIELD)
    assert len(calls) == 1
