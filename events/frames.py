"""Events as zstd frames over a trained dictionary: what cold partitions keep in `raw`.

Random identifiers are most of what is left of a compressed event, and letters hide that a hexadecimal digit is half a byte: they are
taken out of the text, and stand before its frame as bytes. What is stored begins with bytes that no JSON text begins with, and names its
dictionary by number. So every row says by itself how it is to be read, and hot and cold ones may stand in one table.
"""

import re
import struct
import zlib
from collections.abc import Sequence

import zstandard

# "(" first: an event begins with "{".
_MAGIC = zstandard.FRAME_HEADER
# Then the length of the identifiers, the checksum of the whole text, the identifiers, and the frame without its magic number.
_HEAD = struct.Struct(">cHI")
_WITH_IDS = b"\x01"
_MOST_IDS = 0xFFFF
# The highest whose time is not felt beside that of looking for identifiers.
_LEVEL = 12
DICTIONARY_BYTES = 64 * 1024

_ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:[0-9a-f]{2}){8,255}")
# What stands in an identifier's place; JSON has neither of the first bytes. Of what is no UUID, the number of its bytes follows.
_UUID, _RUN = b"\x01", b"\x02"
_PLACE = re.compile(rb"\x01|\x02(.)", re.DOTALL)


def is_frame(stored: bytes | memoryview) -> bool:
    return bytes(stored[:4]) == _MAGIC or bytes(stored[:1]) == _WITH_IDS


def dictionary_of(stored: bytes) -> int:
    """The number of the dictionary that a frame was made with."""
    return int(zstandard.get_frame_parameters(_parted(stored)[1]).dict_id)


def train(samples: Sequence[bytes], number: int) -> bytes | None:
    """A dictionary of these texts; None where they are too few or too alike for one."""
    texts = [_without_ids(sample)[1] for sample in samples]
    try:
        trained = zstandard.train_dictionary(DICTIONARY_BYTES, [*texts], dict_id=number, level=_LEVEL)
    except zstandard.ZstdError:
        return None
    return trained.as_bytes()


class Codec:
    """Packs and reads with one dictionary. For one thread at a time."""

    def __init__(self, dictionary: bytes) -> None:
        known = zstandard.ZstdCompressionDict(dictionary, dict_type=zstandard.DICT_TYPE_FULLDICT)
        # A checksum tells a damaged row from a text: four bytes that everybody can afford who keeps it for years.
        self._whole = zstandard.ZstdCompressor(level=_LEVEL, dict_data=known, write_checksum=True)
        self._rest = zstandard.ZstdCompressor(level=_LEVEL, dict_data=known, write_checksum=False)
        self._decompressor = zstandard.ZstdDecompressor(dict_data=known)

    def pack(self, raw: bytes) -> bytes:
        ids, text = _without_ids(raw)
        if not ids:
            return self._whole.compress(raw)
        frame = self._rest.compress(text)[len(_MAGIC) :]
        return _HEAD.pack(_WITH_IDS, len(ids), zlib.crc32(raw)) + ids + frame

    def read(self, stored: bytes) -> bytes:
        """Raises zstandard.ZstdError for what is damaged, or of another dictionary."""
        ids, frame = _parted(stored)
        text = self._decompressor.decompress(frame)
        if not ids:
            return text
        raw = _with_ids(text, ids)
        if zlib.crc32(raw) != _HEAD.unpack_from(stored)[2]:
            raise zstandard.ZstdError("the event is not the one that was packed")
        return raw


def _parted(stored: bytes) -> tuple[bytes, bytes]:
    """The identifiers, and the frame."""
    if stored[:1] != _WITH_IDS:
        return b"", stored
    end = _HEAD.size + int(_HEAD.unpack_from(stored)[1])
    return stored[_HEAD.size : end], _MAGIC + stored[end:]


def _without_ids(raw: bytes) -> tuple[bytes, bytes]:
    """The identifiers of a text, and the text without them; none of one that has the bytes that take their places."""
    if _UUID in raw or _RUN in raw:
        return b"", raw
    ids: list[bytes] = []

    def place(found: re.Match[bytes]) -> bytes:
        digits = found[0].decode("ascii")
        # fromhex takes no dashes.
        ids.append(bytes.fromhex(digits.replace("-", "")))
        return _UUID if "-" in digits else _RUN + bytes([len(ids[-1])])

    text = _ID.sub(place, raw)
    joined = b"".join(ids)
    return (joined, text) if len(joined) <= _MOST_IDS else (b"", raw)


def _with_ids(text: bytes, ids: bytes) -> bytes:
    digits, at = ids.hex().encode("ascii"), 0

    def put(found: re.Match[bytes]) -> bytes:
        nonlocal at
        size = 32 if found[1] is None else found[1][0] * 2
        one, at = digits[at : at + size], at + size
        return (
            one if found[1] is not None else b"-".join((one[:8], one[8:12], one[12:16], one[16:20], one[20:]))
        )

    return _PLACE.sub(put, text)
