"""What was read is kept for the next question, within bounds, and never mixed up."""

from typing import Any

from compat import check, compile_validator
from compat.inspection import opened
from compat.recent import Recent


def test_the_same_schema_is_read_once() -> None:
    schema = {"type": "object", "properties": {"a": {"maxLength": 7}}}
    assert opened(schema) is opened({"type": "object", "properties": {"a": {"maxLength": 7}}})


def test_what_reads_alike_and_means_something_else_is_kept_apart() -> None:
    spellings: list[Any] = [{"const": 1}, {"const": True}, {"const": 1.0}, {"const": "1"}]
    assert len({id(opened(schema)) for schema in spellings}) == len(spellings)
    tuples = {"prefixItems": [False]}
    assert opened(tuples, dialect="2020-12") is not opened(tuples, dialect="draft-07")
    refers = {"$ref": "other"}
    assert opened(refers, store={"other": {"type": "string"}}) is not opened(refers, store={"other": True})


def test_a_schema_changed_by_its_owner_is_another_schema() -> None:
    schema: dict[str, Any] = {"type": "string", "maxLength": 3}
    narrow = compile_validator(schema)
    assert check({"type": "string"}, schema).status == "incompatible"
    schema["maxLength"] = 300
    assert check({"type": "string", "maxLength": 200}, schema).status == "compatible"
    assert not narrow.is_valid("long text")


def test_room_is_bounded() -> None:
    recent = Recent(room=1000)
    documents = [
        recent.read(({"title": "x" * 300, "minLength": i}, None, {}), lambda parts: opened(parts[0]))
        for i in range(20)
    ]
    assert len(recent._held) < 4
    assert len({id(d) for d in documents}) == 20
    recent.read(({"title": "x" * 2000}, None, {}), lambda parts: opened(parts[0]))
    assert recent._size <= 1000
