"""The formats of `onex check`: the same findings, for people, programs, test reports, code scanning and pull requests."""

from xml.etree import ElementTree as ET

import pytest

from .conftest import ORDER, STRICTER

WORSE = {**STRICTER, "properties": {"amount": {"type": "integer"}, "currency": {"type": "string"}}}


@pytest.fixture(autouse=True)
def broken(project):
    project.write("schemas/order.created.json", WORSE)
    project.write("schemas/fine.json", ORDER)


def test_json(onex):
    answer = onex("check", "--format", "json").json
    assert (answer["command"], answer["against"], answer["exit_status"]) == ("check", "HEAD", 1)
    assert answer["counts"] == {"new": 1, "incompatible": 1}
    [finding] = answer["findings"]
    assert (finding["rule"], finding["severity"], finding["line"]) == ("incompatible", "error", 12)
    assert finding["witness"] == {"amount": 0.5}
    assert [place["line"] for place in finding["also"]] == [6]


def test_junit(onex):
    suite = ET.fromstring(onex("check", "--format", "junit").out)
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    failures = {case.get("name"): case.find("failure") for case in suite}
    assert failures["fine"] is None
    assert '{"amount": 0.5}' in failures["order.created"].text


def test_junit_calls_what_is_not_known_an_error(onex, project):
    project.write("schemas/order.created.json", "{")
    project.commit()
    project.write("schemas/order.created.json", ORDER)
    suite = ET.fromstring(onex("check", "--format", "junit").out)
    assert (suite.get("failures"), suite.get("errors")) == ("0", "1")


def test_sarif(onex):
    document = onex("check", "--format", "sarif").json
    [run] = document["runs"]
    [result] = run["results"]
    assert document["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "incompatible"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "schemas/order.created.json"
    assert place["region"]["startLine"] == 12
    assert result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 6
    assert '{"amount": 0.5}' in result["message"]["text"]


def test_github(onex):
    lines = onex("check", "--format", "github").out.splitlines()
    assert lines[0].startswith(
        "::error file=schemas/order.created.json,line=12,col=3,title=order.created%3A "
    )
    assert 'refused now: {"amount": 0.5}%0A' in lines[0]
    assert lines[1].startswith("::error file=schemas/order.created.json,line=6,")


def test_services_get_paths_from_the_root_of_the_repository(onex, project, monkeypatch):
    project.write("service/onex.toml", "")
    project.write("service/schemas/order.paid.json", ORDER)
    project.commit()
    project.write("service/schemas/order.paid.json", STRICTER)
    monkeypatch.chdir(project.root / "service")
    assert onex("check").out.startswith("schemas/order.paid.json:12:3: error")
    assert "file=service/schemas/order.paid.json," in onex("check", "--format", "github").out
    [result] = onex("check", "--format", "sarif").json["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "service/schemas/order.paid.json"


def test_into_a_file_with_the_text_on_standard_error(onex, project):
    ran = onex("check", "--format", "junit", "--output", "out/report.xml")
    assert (ran.status, ran.out) == (1, "")
    assert "refused now" in ran.err
    assert ET.parse(project.root / "out/report.xml").getroot().tag == "testsuite"


def test_a_report_that_cannot_be_written_is_neither_clean_nor_a_finding(onex, project):
    project.write("file", "")
    ran = onex("check", "--output", "file/report.xml")
    assert ran.status == 3
    assert "cannot be written" in ran.err
