"""Numbers that some reader of JSON changes or refuses: found in the bytes first, because looking at every value is slow."""

import math
import re
from typing import Any

# Signs, too, so that one search finds every exponent of three digits.
_DIGITS_ALIKE = bytes.maketrans(b"123456789E+-", b"000000000e00")
_SIXTEEN_DIGITS = b"0" * 16
_EXPONENT = b"0e000"
# What stands before the e of a number, which ids with hexadecimal digits have not. Longer ones have sixteen digits.
_NUMBER_SO_FAR = re.compile(rb"[:,\[\s]-?[0-9][0-9.]*\Z")
_LONGEST_SHORT_NUMBER = 40
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
# jsonb keeps numbers as `numeric`, which ends at 131,072 digits before and 16,383 after the point.
_TOO_LONG_FOR_JSONB = re.compile(rb"[eE][+-]?[0-9]{5}|[0-9]{10000}")
EXACT_INTEGERS = 2**53


def look_plain(raw: bytes) -> bool:
    """False when there may be an integer beyond 2^53 or a number beyond a double; a quick look that never misses one."""
    alike = raw.translate(_DIGITS_ALIKE)
    if _SIXTEEN_DIGITS in alike:
        return False
    at = alike.find(_EXPONENT)
    while at >= 0:
        if _NUMBER_SO_FAR.search(raw, max(0, at - _LONGEST_SHORT_NUMBER), at + 1):
            return False
        at = alike.find(_EXPONENT, at + 1)
    return True


def fit_jsonb(raw: bytes) -> bool:
    """Whether PostgreSQL's jsonb can hold every number of a JSON text."""
    return (
        _TOO_LONG_FOR_JSONB.search(raw) is None or _TOO_LONG_FOR_JSONB.search(_STRING.sub(b"", raw)) is None
    )


def oddities(document: Any) -> set[str]:
    """Lints for the numbers of a parsed JSON value: `integer_beyond_2_53`, `number_beyond_double`."""
    found: set[str] = set()
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, int) and abs(value) > EXACT_INTEGERS:
            found.add("integer_beyond_2_53")
        elif isinstance(value, float) and math.isinf(value):
            found.add("number_beyond_double")
    return found
