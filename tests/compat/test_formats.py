"""`format` annotates, and asserts when it is asked to: for validators, verdicts and advice alike."""

from typing import Any

import pytest

from compat import bump, check, check_history
from compat.formats import accepts

TEXT: Any = {"type": "string"}
ASSERTED = [
    "date", "time", "date-time", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "uri", "uri-reference",
    "iri", "iri-reference", "uri-template", "json-pointer", "relative-json-pointer", "regex",
]  # fmt: skip


@pytest.mark.parametrize("name", [*ASSERTED, "duration", "uuid"])
def test_a_format_narrows_only_when_it_is_asserted(name: str) -> None:
    dated = {**TEXT, "format": name}
    assert check(TEXT, dated, dialect="2020-12").status == "compatible"
    asserted = check(TEXT, dated, dialect="2020-12", formats=True)
    assert asserted.status == "incompatible"
    assert asserted.witness is not None
    assert asserted.witness.errors[0].keyword == "format"
    assert check(dated, TEXT, dialect="2020-12", formats=True).status == "compatible"
    assert check(dated, dated, dialect="2020-12", formats=True, mode="full").status == "compatible"


@pytest.mark.parametrize("name", [*ASSERTED, "duration", "uuid"])
def test_an_instance_of_a_format_is_found(name: str) -> None:
    verdict = check({**TEXT, "format": name}, {"type": "integer"}, dialect="2020-12", formats=True)
    assert verdict.status == "incompatible"
    assert verdict.witness is not None
    assert accepts(name, verdict.witness.instance)


def test_formats_that_no_validator_knows_assert_nothing() -> None:
    assert check(TEXT, {**TEXT, "format": "colour"}, formats=True).status == "compatible"
    # The format came with a later draft.
    assert check(TEXT, {**TEXT, "format": "uuid"}, dialect="draft-07", formats=True).status == "compatible"


def test_formats_hold_beside_lengths_patterns_and_inside_objects() -> None:
    old = {"properties": {"at": {**TEXT, "format": "date"}}, "required": ["at"]}
    new = {"properties": {"at": {**TEXT, "format": "date", "pattern": "^2"}}, "required": ["at"]}
    verdict = check(old, new, formats=True)
    assert verdict.witness is not None
    assert verdict.witness.instance == {"at": "1999-12-31"}
    assert check(new, old, formats=True).status == "compatible"


def test_two_formats_that_nobody_can_compare_are_undecided() -> None:
    verdict = check({**TEXT, "format": "hostname"}, {**TEXT, "format": "idn-hostname"}, formats=True)
    assert verdict.status in {"undecided", "compatible"}
    assert (
        check({**TEXT, "format": "ipv4"}, {**TEXT, "format": "date"}, formats=True).status == "incompatible"
    )


def test_the_declared_world_histories_and_advice_take_formats_too() -> None:
    old: Any = {"type": "object", "properties": {"at": TEXT}}
    new: Any = {"type": "object", "properties": {"at": {**TEXT, "format": "date"}}}
    assert check(old, new, world="declared", formats=True).status == "incompatible"
    assert check(old, new, world="declared").status == "compatible"
    assert check_history({"1": old}, new, formats=True).status == "incompatible"
    assert bump(old, new).level == "patch"
    assert bump(old, new, formats=True).level == "major"
    assert bump(new, old, formats=True).level == "minor"
