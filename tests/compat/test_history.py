"""One new schema against all versions there were."""

from typing import Any

import pytest

from compat import check_history

VERSIONS: dict[str, Any] = {
    "1.0.0": {"type": ["string", "null"]},
    "1.1.0": {"type": "string"},
    "1.2.0": {"type": "string", "maxLength": 9},
}


def test_transitive_names_each_pair_newest_first() -> None:
    verdict = check_history(VERSIONS, {"type": "string"})
    assert [(name, pair.status) for name, pair in verdict.pairs] == [
        ("1.2.0", "compatible"),
        ("1.1.0", "compatible"),
        ("1.0.0", "incompatible"),
    ]
    assert verdict.status == "incompatible"
    assert verdict.blamed is not None
    assert verdict.blamed[0] == "1.0.0"
    assert [pair["older"] for pair in verdict.as_dict()["pairs"]] == ["1.2.0", "1.1.0", "1.0.0"]


def test_the_other_modes_look_at_the_last_version() -> None:
    verdict = check_history(VERSIONS, {"type": "string"}, mode="backward")
    assert [name for name, _ in verdict.pairs] == ["1.2.0"]
    assert verdict.status == "compatible"
    assert check_history(VERSIONS, {"type": "string"}, mode="full").status == "incompatible"
    assert check_history(VERSIONS, {"type": "string"}, mode="forward_transitive").status == "incompatible"


def test_without_older_versions_everything_is_compatible() -> None:
    assert check_history({}, {"type": "string"}).status == "compatible"
    with pytest.raises(ValueError, match="sideways"):
        check_history({}, {}, mode="sideways")  # type: ignore[arg-type]
