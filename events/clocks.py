"""Reading a producer's clock: every timestamp becomes an aware UTC time, and what was odd about it is told."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A timestamp column, and every reader of it in Python, holds what lies between.
_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)
# Before the first of these nobody emitted events; after now plus the second, a clock is wrong.
PLAUSIBLE_FROM = datetime(2000, 1, 1, tzinfo=UTC)
PLAUSIBLE_AHEAD = timedelta(days=1)
# Epoch numbers above each of these are in the next finer unit: seconds, then milli-, micro-, nanoseconds.
_EPOCH_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (float("inf"), 1e9))


class Reading(NamedTuple):
    """`at` is None when no time could be read; `lints` say what was odd about it."""

    at: datetime | None
    lints: tuple[str, ...]


def read_clock(value: Any, *, now: datetime) -> Reading:
    """ISO 8601 text or an epoch number as UTC; a time without zone means UTC."""
    if isinstance(value, str):
        at, lints = _from_text(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        at, lints = _from_epoch(value), ("epoch_timestamp",)
    else:
        at, lints = None, ()
    if at is None:
        return Reading(None, ("no_timestamp",) if value is None else ("unreadable_timestamp",))
    if not PLAUSIBLE_FROM <= at <= now + PLAUSIBLE_AHEAD:
        lints = (*lints, "clock_out_of_range")
    return Reading(at, lints)


def _from_text(text: str) -> tuple[datetime | None, tuple[str, ...]]:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return _from_unusual_text(text)
    if read.tzinfo is UTC:
        return read, ()
    if read.tzinfo is None:
        return read.replace(tzinfo=UTC), ("naive_timestamp",)
    return _in_utc(read), ()


def _from_unusual_text(text: str) -> tuple[datetime | None, tuple[str, ...]]:
    """RFC 3339 allows a small z and a leap second, which Python does not read."""
    mended = text.upper().replace(":60", ":59", 1) if text[-1:] in "zZ" else text
    if mended == text or len(text) > 40:
        return None, ()
    at, lints = _from_text(mended)
    return at, (*lints, "leap_second") if ":60" in text else lints


def _from_epoch(value: float) -> datetime | None:
    unit = next(unit for limit, unit in _EPOCH_UNITS if not abs(value) > limit)
    try:
        return _clamped(EPOCH + timedelta(seconds=value / unit))
    except (OverflowError, ValueError):
        return _LATEST if value > 0 else _EARLIEST


def _in_utc(at: datetime) -> datetime:
    try:
        return _clamped(at.astimezone(UTC))
    except OverflowError:
        return _LATEST if at.year > 2000 else _EARLIEST


def _clamped(at: datetime) -> datetime:
    return min(max(at, _EARLIEST), _LATEST)
