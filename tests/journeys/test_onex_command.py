"""The command `onex` against a running registry: every sub-command that asks it, from a developer's working tree."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onex_sdk._cli.main import run
from tests.onex import ok
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120)]
ADDRESS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "amount": {"type": "number"},
        "to": {"$ref": "cli.address.json"},
        "error_code": {"type": "string", "x-taxonomy": "onex-errors@^1"},
    },
    "required": ["amount"],
}
STRICTER = {**ORDER, "required": ["amount", "to"]}
TAXONOMY = """
taxonomy: cli-errors
prefix: CLI
areas:
- token: PAY
  name: Payment
  codes:
  - {number: 1, slug: CARD_DECLINED, meaning: The bank refused the card., severity: ERROR, recoverable: no}
"""


@dataclass
class Ran:
    status: int
    out: str
    err: str


Onex = Callable[..., Ran]


@pytest.fixture
def onex(registry, tmp_path, monkeypatch, capsys) -> Onex:
    """The command in an empty project, with the administrator's token."""
    site = tmp_path / "site" / "onex_compat-0.1.0.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: onex-compat\nVersion: 0.1.0\n")
    (site / "entry_points.txt").write_text("[onex.verdict]\njson-schema = compat.offline\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(site.parent)])
    monkeypatch.setenv("ONEX_URL", registry.url)
    monkeypatch.setenv("ONEX_TOKEN", registry.token)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")

    def ran(*arguments: object) -> Ran:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return Ran(status, *capsys.readouterr())

    return ran


def write(path: str, content: Any) -> None:
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), "utf-8")


def schemas() -> None:
    write("schemas/cli.order.json", ORDER)
    write("schemas/cli.address.json", ADDRESS)


def test_log_in_and_look_whether_all_is_well(onex, registry, monkeypatch):
    monkeypatch.delenv("ONEX_TOKEN")
    monkeypatch.setattr(sys, "stdin", io.StringIO("onex_a_wrong_one\n"))
    refused = onex("login", "--token-stdin")
    assert (refused.status, "unknown, expired or revoked" in refused.err) == (3, True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(registry.token + "\n"))
    assert onex("login", "--token-stdin").status == 0
    schemas()
    healthy = onex("doctor")
    assert healthy.status == 0, healthy.out
    assert f"✓ address      {registry.url} (from ONEX_URL)" in healthy.out
    assert "✓ clock        agrees with the registry's" in healthy.out


def test_schemas_are_checked_pushed_locked_pulled_and_compared(onex, api):
    schemas()
    assert "2 new" in onex("check", "--against", "server").out
    planned = onex("push", "--dry-run")
    assert (planned.status, "2 would become version 1 (1.0.0)" in planned.out) == (0, True), planned
    pushed = onex("push", "--note", "The first.")
    assert (pushed.status, "2 registered as version 1 (1.0.0)" in pushed.out) == (0, True), pushed
    assert ok(api.get("subjects/cli.order/versions/1"))["references"][0]["subject"] == "cli.address"
    assert onex("lock", "--check").status == 0
    assert "registered already as version 1 (1.0.0)" in onex("push").out

    write("schemas/cli.order.json", STRICTER)
    for command in (["check", "--against", "server"], ["push"]):
        broken = onex(*command)
        assert broken.status == 1, broken
        assert "schemas/cli.order.json:16:3: error: cli.order: `to` became required" in broken.out
        assert 'valid for version 1 (1.0.0) and refused now: {"amount": 0}' in broken.out
    assert onex("lock", "--check").status == 1
    assert "major" in onex("diff", "--against", "server").out
    declared = onex("push", "schemas/cli.order.json", "--semver", "2.0.0")
    assert (declared.status, "registered as version 2 (2.0.0)" in declared.out) == (0, True)
    assert onex("lock", "--check").status == 0


def test_what_was_pulled_is_enough_to_work_offline(onex, monkeypatch):
    write("schemas/cli.pulled.json", ORDER)
    write("schemas/cli.address.json", ADDRESS)
    assert onex("push").status == 0
    pulled = onex("pull", "cli.pulled")
    assert "of 2 subjects, 1 taxonomies" in pulled.out
    held = json.loads(Path("onex-schemas.json").read_text())
    assert set(held["subjects"]) == {"cli.pulled", "cli.address"}
    assert held["taxonomies"]["onex-errors@^1"]["taxonomy"] == "onex-errors"
    text = Path("onex-schemas.json").read_text()
    assert onex("pull").status == 0
    assert Path("onex-schemas.json").read_text() == text
    monkeypatch.setenv("ONEX_URL", "http://127.0.0.1:1")
    write("schemas/cli.pulled.json", STRICTER)
    offline = onex("check", "schemas/cli.pulled.json", "--against", "onex-schemas.json")
    assert (offline.status, '{"amount": 0}' in offline.out) == (1, True)


def test_pulling_into_files_loses_nobodys_work(onex):
    write("schemas/cli.mine.json", {"type": "string"})
    onex("push")
    assert onex("pull", "cli.mine", "--into", "schemas").status == 0
    write("schemas/cli.mine.json", {"type": "number"})
    left = onex("pull", "cli.mine", "--into", "schemas")
    assert (left.status, "left as it is" in left.err) == (1, True)
    assert json.loads(Path("schemas/cli.mine.json").read_text()) == {"type": "number"}
    assert onex("pull", "cli.mine", "--into", "schemas", "--force").status == 0
    assert json.loads(Path("schemas/cli.mine.json").read_text()) == {"type": "string"}


def test_what_the_registry_refuses_for_other_reasons_is_a_finding_too(onex):
    write("schemas/cli.bad.json", {"type": "sting"})
    refused = onex("push")
    assert (refused.status, "error: cli.bad:" in refused.out) == (1, True)
    write("schemas/cli.bad.json", {"type": "string"})
    onex("push")
    write("schemas/cli.bad.json", {"type": ["string", "null"]})
    low = onex("push", "--semver", "1.0.1")
    assert (low.status, "1.0.1" in low.out) == (1, True), low


def test_events_are_emitted_found_followed_and_replayed(onex, receiver):
    write("schemas/cli.shipped.json", ORDER)
    write("schemas/cli.address.json", ADDRESS)
    assert onex("push").status == 0
    sent = onex(
        "emit", "cli.shipped", '{"amount": 10.50}', "--correlation", "cli-1", "--schema-version", "1.0.0"
    )
    assert (sent.status, sent.out.startswith("stored ")) == (0, True), sent
    wrong = onex("emit", "cli.shipped", '{"amount": "x"}', "--correlation", "cli-1", "--json")
    assert wrong.status == 1
    assert json.loads(wrong.out)["errors"][0]["pointer"] == "/metadata/amount"
    write(
        "events.ndjson",
        '{"event_type": "cli.shipped", "metadata": {"amount": 1}, "correlation_id": "cli-1"}\nno json\n',
    )
    several = onex("emit", "--events", "events.ndjson")
    assert (several.status, "line 2: rejected" in several.out) == (1, True)
    assert "2 events: 1 rejected, 1 stored" in several.out

    found = onex("query", "--correlation", "cli-1", "--valid", "--format", "events")
    assert '"amount": 10.5' in found.out
    assert len(found.out.splitlines()) == 1
    assert "1 violation" in onex("query", "--correlation", "cli-1", "--invalid").out
    assert "No stored event fits." in onex("query", "--correlation", "cli-none").err
    assert onex("query", "--where", "amount ?").status == 2

    followed = onex("tail", "--type", "cli.shipped", "--from", "0", "--limit", "2", "--json")
    assert [json.loads(line)["correlation_id"] for line in followed.out.splitlines()] == ["cli-1", "cli-1"]

    plan = onex("replay", "--correlation", "cli-1", "--plan")
    assert plan.out.startswith("3 events, in the order of ")
    played = onex("replay", "--correlation", "cli-1", "--to", receiver.url("/cli"), "--speed", "max")
    assert (played.status, "completed: 3 " in played.out) == (0, True), played
    assert len(until(lambda: receiver.at("/cli"))) == 3
    write("candidate.json", STRICTER)
    judged = onex(
        "replay", "--correlation", "cli-1", "--valid", "--to-schema", "candidate.json", "--speed", "max"
    )
    assert judged.status in {1, 2}, judged
    detached = onex("replay", "--correlation", "cli-1", "--speed", "0.01", "--detach")
    assert onex("replay", "--cancel", detached.out.strip()).status == 0


def test_error_codes_are_published_looked_up_and_turned_into_code(onex):
    write("errors.yaml", TAXONOMY)
    assert "would become 1.0.0" in onex("taxonomy", "push", "cli-errors", "errors.yaml", "--dry-run").out
    assert "published as 1.0.0" in onex("taxonomy", "push", "cli-errors", "errors.yaml").out
    assert "is 1.0.0 already" in onex("taxonomy", "push", "cli-errors", "errors.yaml").out
    write("errors.yaml", TAXONOMY.replace("CARD_DECLINED", "CARD_LOST"))
    refused = onex("taxonomy", "push", "cli-errors", "errors.yaml")
    assert (refused.status, "CARD_DECLINED and is now CARD_LOST" in refused.out) == (1, True), refused
    assert "cli-errors" in onex("taxonomy", "list").out.split()
    assert "The bank refused the card." in onex("taxonomy", "show", "cli-errors", "cli_pay_001").out
    assert "CLI_PAY_001_CARD_DECLINED" in onex("taxonomy", "show", "cli-errors").out
    assert onex("taxonomy", "normalize", "cli-errors", "CLI_PAY_001").status == 0
    assert onex("taxonomy", "normalize", "cli-errors", "CLI_PAY_999").status == 1
    write(
        "more.yaml",
        TAXONOMY + "  - {number: 2, slug: LATE, meaning: Too late., severity: INFO, recoverable: yes}\n",
    )
    assert (
        "published as 1.1.0" in onex("taxonomy", "push", "cli-errors", "more.yaml", "--note", "One more.").out
    )
    assert onex("taxonomy", "diff", "cli-errors", "1.0.0").out.startswith("cli-errors 1.0.0 → 1.1.0: minor")
    assert onex("taxonomy", "codegen", "cli-errors", "--output", "codes.py").status == 0
    assert "CARD_DECLINED" in Path("codes.py").read_text()
    assert "taxonomy: cli-errors" in onex("taxonomy", "pull", "cli-errors", "--version", "1.0.0").out
    assert onex("taxonomy", "show", "nothing-errors").status == 3


def test_schemas_from_classes_are_pushed(onex):
    write(
        "cli_classes.py",
        "from pydantic import BaseModel\nfrom onex_sdk import event\n"
        '@event("cli.paid", version="^1")\nclass Paid(BaseModel):\n    amount: int\n',
    )
    pushed = onex("push", "--module", "cli_classes")
    assert (pushed.status, "registered as version 1 (1.0.0)" in pushed.out) == (0, True), pushed
    assert (
        onex("codegen", "--module", "cli_classes", "--language", "typescript", "--output", "ts").status == 0
    )
    assert "amount: number" in Path("ts/cli.paid.ts").read_text()
