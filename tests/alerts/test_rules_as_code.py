"""Rules as code: what comes out goes in again as the same rules, and a dry run says what an import would do."""

import pytest
from django.core.management import CommandError, call_command

from access.actor import SYSTEM
from alerts.errors import ChannelNotFound, InvalidRule
from alerts.models import Channel, Rule, RuleVersion
from alerts.rules_as_code import export_rules, import_rules
from registry.taxonomy_text import read_document, write_document
from tests.alerts.conftest import FAILURES

pytestmark = pytest.mark.django_db


@pytest.fixture
def rules(make_rule):
    channel = Channel.objects.create(name="on call", url="https://example.com/x", created_by="tests")
    make_rule("counted", threshold=3, group_by=("node_id",), channels=(channel.pk,), severity="critical")
    make_rule("shared", kind="share", hits=FAILURES, percent=2.5, threshold=20, selector={"all": []})
    make_rule("new", kind="new", remember_days=30, group_by=("error_code",))


def done(document, **how):
    planned = import_rules(actor=SYSTEM, document=document, **how)
    return {one.name: one.what for one in planned}


def test_what_is_exported_as_yaml_comes_in_as_the_same_rules(rules):
    exported = export_rules(actor=SYSTEM)
    text = write_document(exported, form="yaml")
    read = read_document(text.encode(), form="yaml")
    assert read == exported
    assert done(read) == dict.fromkeys(["counted", "shared", "new"], "unchanged")
    assert RuleVersion.objects.count() == 3
    assert done({"rules": []}, remove=True) == dict.fromkeys(["counted", "shared", "new"], "removed")
    assert done(read) == dict.fromkeys(["counted", "shared", "new"], "created")
    assert export_rules(actor=SYSTEM) == exported


def test_a_dry_run_says_what_would_happen_and_changes_nothing(rules):
    document = export_rules(actor=SYSTEM)
    counted, _, shared = document["rules"]
    counted["threshold"] = 7
    shared["name"] = "renamed"
    before = export_rules(actor=SYSTEM)
    told = {"counted": "changed", "new": "unchanged", "renamed": "created", "shared": "removed"}
    assert done(document, remove=True, dry_run=True) == told
    assert export_rules(actor=SYSTEM) == before
    assert done(document, remove=True) == told
    assert Rule.objects.living().filter(name="renamed").exists()


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        (3, "/rules/0"),
        ({"name": "a", "selector": FAILURES, "colour": "red"}, "/rules/0/colour"),
        ({"name": 1, "selector": FAILURES}, "/rules/0/name"),
        ({"name": "a", "selector": FAILURES, "channels": [3]}, "/rules/0/channels"),
    ],
)
def test_one_rule_that_cannot_be_keeps_all_out(rule, pointer):
    good = {"name": "good", "selector": FAILURES}
    with pytest.raises(InvalidRule) as refused:
        import_rules(actor=SYSTEM, document={"rules": [rule, good]})
    assert refused.value.facts["pointer"] == pointer
    with pytest.raises(ChannelNotFound):
        import_rules(actor=SYSTEM, document={"rules": [good, {**good, "name": "b", "channels": ["none"]}]})
    assert not Rule.objects.exists()


def test_commands_write_and_read_a_file(rules, tmp_path, capsys):
    call_command("export_rules")
    file = tmp_path / "rules.yaml"
    file.write_text(capsys.readouterr().out.replace("threshold: 3", "threshold: 4"))
    call_command("import_rules", str(file), "--dry-run")
    told = capsys.readouterr().out
    assert "changed   counted\n          At least: 3 → 4" in told
    assert "Nothing was changed" in told
    file.write_text("rules: 3")
    with pytest.raises(CommandError, match="the list 'rules'"):
        call_command("import_rules", str(file))
