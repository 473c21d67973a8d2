"""Rules as code and their tests, over REST and in the pages, as the commands have them."""

import pytest
import yaml

from alerts.models import Rule
from tests.alerts.conftest import FAILURES

pytestmark = pytest.mark.django_db
RULES = "/api/v1/alerts/rules"
TEXT = """\
rules:
  - name: failures
    selector: {field: event_type, op: eq, value: NODE_FAILURE}
    threshold: 3
"""
TESTED = """\
rule: {name: x, selector: {field: event_type, op: eq, value: NODE_FAILURE}}
tests:
  - name: one is enough
    events: [{event_id: a, event_type: NODE_FAILURE, node_id: n1, timestamp: 2026-03-02T12:00:00Z, metadata: {}}]
    expect: [{peak: 1}]
  - name: and none is not
    events: []
    expect: [{peak: 1}]
"""


def send(person, path, text, form="application/yaml"):
    return person.api.post(f"{RULES}/{path}", data=text, content_type=form)


def test_what_is_exported_comes_back_as_it_was(owner, make_rule):
    make_rule(threshold=3)
    answer = owner.api.get(f"{RULES}/export?format=yaml")
    assert answer["Content-Type"].startswith("application/yaml")
    assert yaml.safe_load(answer.content) == {
        "rules": [{"name": "failures", "selector": FAILURES, "threshold": 3}]
    }
    assert owner.api.get(f"{RULES}/export").json()["rules"][0]["name"] == "failures"
    told = send(owner, "import", answer.content).json()
    assert [one["what"] for one in told["rules"]] == ["unchanged"]


def test_a_dry_run_says_what_would_change_and_the_real_one_does_it(owner, make_rule):
    make_rule(threshold=2)
    make_rule("other")
    told = send(owner, "import?dryRun=true&remove=true", TEXT).json()
    assert told["dry_run"] is True
    assert [(one["name"], one["what"]) for one in told["rules"]] == [
        ("failures", "changed"),
        ("other", "removed"),
    ]
    assert told["rules"][0]["changes"] == [{"field": "threshold", "before": "2", "after": "3"}]
    assert Rule.objects.living().count() == 2
    send(owner, "import?remove=true", TEXT)
    assert [rule.current.threshold for rule in Rule.objects.living().select_related("current")] == [3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: [", "The text is not YAML"),
        ('{"rules": [', "The text is not JSON"),
        ("rules: 3", "an object with the list 'rules'"),
        ("rules: [{name: a, selector: {field: x}}]", "/rules/0"),
        ("rules: [{name: a, selector: {all: []}, channels: [nobody]}]", "/rules/0/channels"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(owner, text, words):
    answer = send(owner, "import", text)
    assert answer.status_code in {404, 422}, answer.content
    assert words in answer.content.decode()
    assert not Rule.objects.exists()


def test_more_than_a_document_may_have_is_refused(owner, settings):
    settings.TAXONOMY_MAX_BYTES = 100
    assert send(owner, "import", TEXT).status_code == 413


def test_tests_tell_what_differs(owner):
    told = send(owner, "tests", TESTED, "text/plain").json()
    assert (told["passed"], told["failed"]) == (1, 1)
    assert [one["passed"] for one in told["tests"]] == [True, False]
    assert told["tests"][1]["differences"]
    answer = send(owner, "tests", "rule: {}\ntests: []")
    assert answer.status_code == 422
    assert answer.json()["details"]["pointer"] == "/rule"


def test_in_the_pages(owner, make_rule):
    make_rule(threshold=2)
    page = owner.browser.get("/alerts/rules/code").content.decode()
    assert "threshold: 2" in page
    tried = owner.browser.post("/alerts/rules/code", {"document": TEXT, "try": "1"}).content.decode()
    assert "What would happen" in tried
    assert "<del>2</del>" in tried
    assert Rule.objects.get().current.threshold == 2
    wrong = owner.browser.post("/alerts/rules/code", {"document": "rules: [{}]", "apply": "1"})
    assert wrong.status_code == 422
    assert "(at /rules/0)" in wrong.content.decode()
    assert owner.browser.post("/alerts/rules/code", {"document": TEXT, "apply": "1"}).status_code == 302
    assert Rule.objects.get().current.threshold == 3
    example = owner.browser.get("/alerts/rules/tests").content.decode()
    assert "two of one node within a minute" in example
    run = owner.browser.post("/alerts/rules/tests", {"document": TESTED}).content.decode()
    assert ("passed" in run, "failed" in run) == (True, True)
