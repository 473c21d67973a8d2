"""A code is never removed, renumbered or reused; every other change has a weight."""

import copy
import json
from pathlib import Path

import pytest

import registry
from registry.taxonomy_rules import compare, required_bump
from registry.taxonomy_tree import Tree

ERRORS = json.loads((Path(registry.__file__).parent / "onex/errors-1.0.0.json").read_text(encoding="utf-8"))
NEW_CODE = {
    "number": 11,
    "slug": "ALREADY_STAMPED",
    "meaning": "The file carries this very stamp.",
    "severity": "INFO",
    "recoverable": "yes",
    "since": "1.1.0",
}


def stamp(document, index=0):
    return document["areas"][0]["codes"][index]


def changes_after(edit):
    new = copy.deepcopy(ERRORS)
    edit(new)
    return compare(Tree.of(ERRORS), Tree.of(new))


def test_an_edition_does_not_differ_from_itself():
    assert changes_after(lambda _: None) == []
    assert required_bump([]) == "patch"


@pytest.mark.parametrize(
    ("edit", "kind", "weight"),
    [
        (lambda d: d["areas"][0]["codes"].pop(0), "CODE_REMOVED", "forbidden"),
        (lambda d: stamp(d).update(number=50), "CODE_RENUMBERED", "forbidden"),
        (lambda d: stamp(d).update(slug="FILE_GONE"), "CODE_RENAMED", "forbidden"),
        (lambda d: stamp(d).update(slug="FILE_GONE", meaning="Other."), "CODE_REUSED", "forbidden"),
        (lambda d: d["areas"].pop(8), "AREA_REMOVED", "forbidden"),
        (lambda d: d.update(prefix="ACME"), "PREFIX_CHANGED", "forbidden"),
        (lambda d: stamp(d).update(meaning="Something else."), "MEANING_CHANGED", "major"),
        (lambda d: stamp(d).update(severity="WARNING"), "SEVERITY_CHANGED", "major"),
        (lambda d: stamp(d).update(recoverable="retry"), "RECOVERABLE_CHANGED", "major"),
        (lambda d: stamp(d).update(exit_code=3), "EXIT_CODE_CHANGED", "major"),
        (lambda d: stamp(d).update(http_status=500), "HTTP_STATUS_CHANGED", "major"),
        (lambda d: stamp(d).update(http_status=None), "HTTP_STATUS_CHANGED", "major"),
        (lambda d: d["areas"][1].update(aliases=[]), "AREA_ALIAS_REMOVED", "major"),
        (lambda d: d["areas"][1]["codes"][3].update(parent=None), "PARENT_CHANGED", "major"),
        (lambda d: d["areas"][0].update(last=50), "AREA_RANGE_CHANGED", "major"),
        (lambda d: d["areas"][0]["codes"].append(NEW_CODE), "CODE_ADDED", "minor"),
        (lambda d: d["areas"].append({"token": "PAY", "codes": []}), "AREA_ADDED", "minor"),
        (lambda d: d["areas"][0].update(aliases=["STAMPER"]), "AREA_ALIAS_ADDED", "minor"),
        (lambda d: stamp(d).update(aliases=["ONEX_FILE_001"]), "ALIAS_ADDED", "minor"),
        (lambda d: stamp(d, 1).update(parent="ONEX_STAMP_001"), "PARENT_CHANGED", "minor"),
        (lambda d: stamp(d).update(http_status=410), "HTTP_STATUS_CHANGED", "minor"),
        (lambda d: stamp(d).update(deprecated="1.1.0"), "CODE_DEPRECATED", "minor"),
        (lambda d: stamp(d).update(description="Look at the path."), "DESCRIPTION_CHANGED", "patch"),
        (lambda d: d["areas"][0].update(name="Stamping"), "AREA_REWORDED", "patch"),
    ],
)
def test_every_kind_of_change_has_its_weight(edit, kind, weight):
    changes = changes_after(edit)
    assert (kind, weight) in {(change.kind, change.weight) for change in changes}
    assert required_bump(changes) == weight
    assert all(change.sentence.endswith(".") for change in changes)


def test_renumbering_is_told_apart_from_removal_and_names_both_numbers():
    (first, *_) = changes_after(lambda d: stamp(d).update(number=50))
    assert "ONEX_STAMP_001 became ONEX_STAMP_050" in first.sentence


def test_the_heaviest_change_comes_first_and_decides():
    def edit(document):
        document["areas"][0]["codes"].append(NEW_CODE)
        stamp(document).update(severity="CRITICAL")

    changes = changes_after(edit)
    assert [change.weight for change in changes] == ["major", "minor"]
    assert required_bump(changes) == "major"


def test_a_deprecation_names_its_successor():
    (change,) = changes_after(lambda d: stamp(d).update(deprecated="1.1.0", replaced_by="ONEX_STAMP_002"))
    assert change.sentence == "ONEX_STAMP_001 is deprecated; use ONEX_STAMP_002 instead."
