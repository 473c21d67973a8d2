"""Commands that ask a registry: where it is and which token is used, and what is said when it does not answer."""

import io
import json
import stat
import sys

import pytest

from .conftest import ORDER

TOKEN = "onex_test_token"


@pytest.fixture
def typed(monkeypatch):
    def typed(text):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return typed


@pytest.fixture
def asking(project, server, monkeypatch):
    """A project whose environment says where the registry is."""
    monkeypatch.setenv("ONEX_URL", server.url)
    monkeypatch.setenv("ONEX_TOKEN", TOKEN)
    return project


@pytest.mark.usefixtures("folder")
def test_a_token_is_tried_and_then_kept_where_only_its_owner_reads(server, onex, typed, tmp_path, canned):
    typed(TOKEN + "\n")
    server.registry.next_answers = [canned(200, ["order.created"])]
    ran = onex("login", "--url", server.url, "--token-stdin")
    assert ran.status == 0, ran.err
    kept = tmp_path / "config/onex/credentials.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["tokens"] == {server.url: TOKEN}
    assert TOKEN not in ran.out
    assert onex("query").status == 3  # the kept token is used; this registry has no such address
    assert onex("login", "--url", server.url, "--forget").status == 0
    assert onex("query", "--url", server.url).status == 2
    assert onex("login", "--url", server.url, "--forget").status == 1


def test_a_wrong_token_is_not_kept(server, folder, onex, typed, tmp_path):
    typed("wrong\n")
    ran = onex("login", "--url", server.url, "--token-stdin")
    assert ran.status == 3
    assert "The registry says no: This token is not known." in ran.err
    assert not (tmp_path / "config").exists()
    typed("\n")
    assert onex("login", "--url", server.url, "--token-stdin").status == 2


def test_without_an_address_or_a_token_it_is_said_how_to_give_one(folder, onex, server):
    ran = onex("query")
    assert (ran.status, ran.err) == (
        2,
        "onex: Which registry? Run `onex login`, set ONEX_URL, or say --url.\n",
    )
    ran = onex("query", "--url", server.url)
    assert ran.status == 2
    assert f"Run `onex login --url {server.url}`, or set ONEX_TOKEN." in ran.err


def test_the_environment_goes_before_the_project_file(folder, onex, monkeypatch, server):
    folder.write("onex.toml", 'url = "http://127.0.0.1:1"')
    monkeypatch.setenv("ONEX_TOKEN", TOKEN)
    assert "http://127.0.0.1:1 does not answer" in onex("query").err
    monkeypatch.setenv("ONEX_URL", server.url)
    assert "127.0.0.1:1 " not in onex("query").err


def test_a_server_that_is_down_is_neither_clean_nor_a_finding(project, onex, monkeypatch):
    monkeypatch.setenv("ONEX_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ONEX_TOKEN", TOKEN)
    for arguments in (
        ["check", "--against", "server"],
        ["push"],
        ["pull", "--prefix", ""],
        ["diff", "--against", "server"],
        ["emit", "x", "{}"],
        ["tail"],
        ["query"],
        ["replay", "--correlation", "c"],
        ["taxonomy", "list"],
    ):
        ran = onex(*arguments)
        assert ran.status == 3, arguments
        assert ran.err.endswith("\n")
        assert "http://127.0.0.1:1 does not answer" in ran.err, arguments


def test_what_answers_and_is_no_registry_is_named(project, onex, monkeypatch, server, canned):
    monkeypatch.setenv("ONEX_URL", server.url)
    monkeypatch.setenv("ONEX_TOKEN", TOKEN)
    for answer in (canned(200, raw=b"<html>"), canned(502, raw=b"<html>Bad gateway")):
        server.registry.next_answers = [answer]
        ran = onex("taxonomy", "list")
        assert ran.status == 3
        assert server.url in ran.err
    server.registry.next_answers = [
        canned(503, {"error_code": 50301, "message": "Too busy."}, {"Retry-After": "1"})
    ]
    assert "Too busy." in onex("taxonomy", "list").err


def test_the_doctor_finds_what_is_wrong_and_exits_1(project, onex, monkeypatch, server):
    ran = onex("doctor")
    assert ran.status == 1
    assert "✗ registry     Which registry?" in ran.out
    monkeypatch.setenv("ONEX_URL", server.url)
    monkeypatch.setenv("ONEX_TOKEN", "onex_a_token_nobody_knows")
    ran = onex("doctor")
    assert ran.status == 1
    assert "✗ token        onex_a_to… (from ONEX_TOKEN) is refused" in ran.out
    assert "onex_a_token_nobody_knows" not in ran.out
    project.write("onex.lock", {"lock": 1, "subjects": {}})
    checks = {check["name"]: check for check in onex("doctor", "--json").json}
    assert checks["lock"]["state"] == "problem"
    assert checks["verdicts"]["state"] == "ok"


def test_the_doctor_tells_what_waits_on_disk_and_what_was_refused(folder, onex, monkeypatch):
    folder.write("spool/1.spool/1.log", "x" * 20)
    folder.write("spool/dead-letters.ndjson", "{}\n{}\n")
    monkeypatch.setenv("ONEX_SPOOL_DIR", str(folder.root / "spool"))
    checks = {check["name"]: check for check in onex("doctor", "--json").json}
    assert "20 bytes of events wait" in checks["spool"]["sentence"]
    assert (checks["dead letters"]["state"], "2 events" in checks["dead letters"]["sentence"]) == (
        "problem",
        True,
    )


def test_the_doctor_tells_which_services_lost_events_and_why(asking, onex, registry, canned):
    up = [canned(200, ["order.created"]), canned(200, {"version": "0.1.0"})]
    events = {"emitted": 1_000, "lost": 7, "refused": 2, "dropped": {"queue_full": 5}}
    registry.producers = [
        {"service": "shop", "events": events},
        {"service": "billing", "events": {**events, "lost": 0, "refused": 0, "dropped": {}}},
    ]
    registry.next_answers = [*up]
    assert "· events       shop lost 7 of 1,000: refused 2, queue_full 5\n" in onex("doctor").out
    registry.producers = registry.producers[1:]
    registry.next_answers = [*up]
    assert "✓ events       none lost, by what programs told (services: 1)" in onex("doctor").out


def test_the_doctor_says_how_to_install_what_judges(project, onex, without_verdicts):
    assert "pip install 'onex-sdk[check]'" in onex("doctor").out


def test_a_kept_file_that_is_broken_is_named(folder, onex, tmp_path):
    place = tmp_path / "config/onex/credentials.json"
    place.parent.mkdir(parents=True)
    place.write_text("{")
    ran = onex("query")
    assert ran.status == 3
    assert f"{place} cannot be read" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["emit"], "Say an EVENT_TYPE"),
        (["query", "--url", "localhost:8090"], "is no address of a registry"),
        (["emit", "x", "{"], "METADATA is not JSON"),
        (["emit", "x", "@missing.json"], "cannot be read"),
        (["pull"], "Which subjects?"),
        (["pull", "--into", "a", "--bundle", "b"], "choose one"),
        (["replay"], "Which events?"),
        (["replay", "--trace", "t", "--speed", "fast"], "is a number or `max`"),
        (["replay", "--trace", "t", "--to-ingest", "--to", "http://x"], "One target at a time"),
        (["push", "--semver", "2.0.0"], "--semver is for one schema"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_asked(asking, onex, server, arguments, said):
    asking.write("schemas/second.json", ORDER)
    ran = onex(*arguments)
    assert ran.status == (3 if "@missing.json" in arguments else 2)
    assert said in ran.err
    assert server.registry.asked == []


def test_ctrl_c_has_a_status_of_its_own(folder, onex, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("onex_sdk._cli.query.server_of", interrupted)
    assert onex("query").status == 130


def test_a_defect_does_not_look_like_a_finding(folder, onex, monkeypatch):
    def defective(*_):
        raise AttributeError("no such thing")

    monkeypatch.setattr("onex_sdk._cli.query.server_of", defective)
    ran = onex("query")
    assert ran.status == 3
    assert "AttributeError: no such thing" in ran.err
    assert "please report it" in ran.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_their_completion(onex, shell):
    ran = onex("completion", shell)
    assert ran.status == 0
    assert "_ONEX_COMPLETE" in ran.out
