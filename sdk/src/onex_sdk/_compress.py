"""Bodies made smaller: zstd where the package `zstandard` (extra `zstd`) or Python has it, else gzip."""

from __future__ import annotations

import gzip
from collections.abc import Callable

_Compressor = Callable[[bytes], bytes]


def _zstd() -> _Compressor | None:
    try:
        import zstandard
    except ImportError:
        return _zstd_of_python()
    return zstandard.ZstdCompressor(level=3).compress


def _zstd_of_python() -> _Compressor | None:
    try:
        from compression import zstd  # type: ignore[import-not-found]  # Python 3.14 has it
    except ImportError:
        return None
    compress: _Compressor = zstd.compress
    return compress


def _gzip(body: bytes) -> bytes:
    # The fastest level: its gain over the others is in time, theirs in a few per cent.
    return gzip.compress(body, compresslevel=1, mtime=0)


def encodings() -> list[tuple[str, _Compressor]]:
    """What can be used here, the best first. Not for use by several threads at once."""
    zstd = _zstd()
    return [*([("zstd", zstd)] if zstd else []), ("gzip", _gzip)]
