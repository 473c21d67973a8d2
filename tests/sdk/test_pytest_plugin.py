"""The fixture `onex_events`: tests assert on what their code emitted, and fail on what the registry would refuse."""

import json

import pytest

ORDER = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
BUNDLE = {
    "subjects": {
        "order.created": {"versions": [{"version": 1, "semver": "1.0.0", "schema": json.dumps(ORDER)}]}
    }
}
# The inner run is that of a project with nothing else installed.
WITHOUT = [word for name in ("cacheprovider", "django", "xdist") for word in ("-p", f"no:{name}")]
pytest_plugins = ["pytester"]


@pytest.fixture
def suite(pytester, monkeypatch):
    """`suite("onex_sdk.emit(…)")` runs a test with this body, in a project with a bundle."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(pytester.path))
    (pytester.path / ".git").mkdir()
    (pytester.path / "onex-schemas.json").write_text(json.dumps(BUNDLE))

    def run(body, ini=""):
        pytester.makeini(f"[pytest]\n{ini}")
        lines = "\n    ".join(body.strip().splitlines())
        pytester.makepyfile(f"import onex_sdk\n\ndef test_it(onex_events):\n    {lines}\n")
        return pytester.runpytest_inprocess("-p", "onex_sdk.pytest_plugin", *WITHOUT)

    return run


def test_events_are_captured_and_asserted_on(suite):
    suite("""
onex_sdk.emit("order.created", {"amount": 3}, correlation_id="c-1")
event = onex_events.one("order.created", amount=3)
assert event.event["correlation_id"] == "c-1"
assert len(onex_events.of("order.created")) == len(onex_events.all) == 1
onex_events.none("order.failed")
onex_events.clear()
onex_events.none()
""").assert_outcomes(passed=1)


def test_an_event_that_breaks_its_schema_fails_the_test(suite):
    result = suite('onex_sdk.emit("order.created", {"amount": "x"})')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["The registry would refuse events of this test:", "*order.created*", "*/metadata/amount*"]
    )


@pytest.mark.parametrize(
    ("emitted", "said"),
    [
        ('onex_sdk.emit("order.creatd", {})', "*there is no such event type*"),
        ('onex_sdk.emit("order.created", {"amount": 1}, schema_version="2.0.0")', "*no such schema_version*"),
    ],
)
def test_what_nobody_knows_fails_the_test(suite, emitted, said):
    result = suite(emitted)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])


def test_an_assertion_that_fails_lists_what_was_emitted(suite):
    result = suite(
        'onex_sdk.emit("order.created", {"amount": 1})\nonex_events.one("order.created", amount=2)'
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*0 events are order.created with*", '*order.created {"amount": 1}*'])


def test_refusals_may_be_meant(suite):
    suite("""
onex_events.allow_refused()
onex_sdk.emit("order.created", {})
[refused] = onex_events.refused
assert "required" in refused.objections[0]
""").assert_outcomes(passed=1)


def test_without_anything_to_judge_by_it_is_said_what_to_do(suite, pytester):
    (pytester.path / "onex-schemas.json").unlink()
    result = suite('onex_sdk.emit("order.created", {})')
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*There is nothing to judge events by*`onex pull`*`onex lock`*"])
    suite('onex_sdk.emit("order.created", {})', "onex_judge = false").assert_outcomes(passed=1)


@pytest.fixture
def locked(pytester, suite):
    """The schema is a file that the lock file vouches for, and no bundle."""
    from onex_sdk._cli.lock_file import Lock
    from onex_sdk._cli.project import Project

    (pytester.path / "onex-schemas.json").unlink()
    (pytester.path / "schemas").mkdir()
    place = pytester.path / "schemas" / "order.created.json"
    place.write_text(json.dumps(ORDER))
    project = Project.at(pytester.path)
    lock = Lock.of(project).renewed(project.everything.files)
    lock.place.write_text(lock.text())
    return place


def test_schema_files_judge_as_the_lock_file_knows_them(suite, locked):
    suite('onex_sdk.emit("order.created", {"amount": 1}, schema_version="1.0.0")').assert_outcomes(passed=1)
    suite('onex_sdk.emit("order.created", {})').assert_outcomes(failed=1)


def test_a_schema_that_is_not_the_locked_one_fails_the_test(suite, locked):
    locked.write_text(json.dumps({"type": "object"}))
    result = suite('onex_sdk.emit("order.created", {})')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*is not the one in onex.lock*"])


def test_a_registry_judges_where_that_is_asked(suite, server, monkeypatch):
    server.registry.publish("order.created", {**ORDER, "required": []})
    monkeypatch.setenv("ONEX_URL", server.url)
    monkeypatch.setenv("ONEX_TOKEN", "onex_test_token")
    body = 'onex_sdk.emit("order.created", {{"amount": {}}})'
    suite(body.format("1"), "onex_registry = true").assert_outcomes(passed=1)
    suite(body.format('"x"'), "onex_registry = true").assert_outcomes(failed=1)
    assert not server.registry.paths("POST")
