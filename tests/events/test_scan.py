"""Cutting an array gives exactly the bytes of its elements, in linear time, whatever is in them."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import scan
from events.errors import UnreadableBody

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n\t", " : ")])


@given(
    values=st.lists(VALUES),
    separators=SEPARATORS,
    ascii_only=st.booleans(),
    around=st.sampled_from(["", " \n"]),
)
def test_the_pieces_are_the_elements(
    values: list[object], separators: tuple[str, str], ascii_only: bool, around: str
) -> None:
    parts = [json.dumps(value, separators=separators, ensure_ascii=ascii_only) for value in values]
    body = f"{around}[{around}{separators[0].join(parts)}{around}]{around}".encode()
    pieces = list(scan.elements(body))
    assert [json.loads(piece.raw) for piece in pieces] == json.loads(body)
    assert [piece.raw for piece in pieces] == [part.encode() for part in parts]


@given(st.binary(max_size=60))
def test_any_bytes_are_cut_or_refused(rest: bytes) -> None:
    try:
        pieces = list(scan.array_elements(b"[" + rest + b"]"))
    except UnreadableBody:
        return
    without_space = rest.translate(None, b" \t\r\n")
    assert b",".join(piece.raw for piece in pieces).translate(None, b" \t\r\n") == without_space


@given(VALUES)
def test_depth_is_never_underestimated(value: object) -> None:
    def depth(item: object) -> int:
        if isinstance(item, dict):
            return 1 + max(map(depth, item.values()), default=0)
        return 1 + max(map(depth, item), default=0) if isinstance(item, list) else 0

    raw = json.dumps(value).encode()
    assert scan.depth_of(raw) >= depth(value)
    (piece,) = scan.array_elements(b"[" + raw + b"]")
    assert piece.depth == depth(value)


def test_one_unreadable_element_leaves_the_others_alone() -> None:
    pieces = scan.elements(b'[{"a":[{"b":1},{"c":2}]},{"bad":NaN}, {"s":"},{"}]')
    assert [piece.raw for piece in pieces] == [b'{"a":[{"b":1},{"c":2}]}', b'{"bad":NaN}', b'{"s":"},{"}']


@pytest.mark.parametrize(
    ("body", "offset"),
    [(b"[", 1), (b'[{"a":1}', 8), (b"[1] 2", 4), (b'["a]', 1), (b"{}", 0), (b"", 0), (b"  x", 2)],
)
def test_an_outer_structure_that_does_not_close_is_told_by_its_byte(body: bytes, offset: int) -> None:
    with pytest.raises(UnreadableBody) as refused:
        list(scan.array_elements(body))
    assert refused.value.facts == {"offset": offset}


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"1" * 4_000_000,
        b'["' + b'\\"' * 2_000_000,
        b"[]" + b" " * 4_000_000,
        b"[" + b'""' * 1_000_000 + b"]",
    ],
    ids=["digits", "quotes", "spaces", "strings"],
)
def test_hostile_bytes_come_to_an_end(body: bytes) -> None:
    """Anything but linear time would take hours for four million bytes; how long it takes is for the benchmarks."""
    with contextlib.suppress(UnreadableBody):
        list(scan.array_elements(body))


def test_lines_keep_their_numbers() -> None:
    assert [(p.raw, p.line) for p in scan.lines(b'{"a":1}\r\n\n  \n{"b":2}')] == [
        (b'{"a":1}', 1),
        (b'{"b":2}', 4),
    ]
