"""Events as zstd frames over a trained dictionary: what cold partitions keep in `raw`.

A frame begins with bytes that no JSON text begins with, and names its dictionary by number. So every row says by itself
how it is to be read, and hot and cold ones may stand in one table.
"""

from collections.abc import Sequence

import zstandard

# "(" first: an event begins with "{".
_MAGIC = zstandard.FRAME_HEADER
_LEVEL = 3
DICTIONARY_BYTES = 64 * 1024


def is_frame(stored: bytes | memoryview) -> bool:
    return bytes(stored[:4]) == _MAGIC


def dictionary_of(frame: bytes) -> int:
    """The number of the dictionary that the frame was made with."""
    return int(zstandard.get_frame_parameters(frame).dict_id)


def train(samples: Sequence[bytes], number: int) -> bytes | None:
    """A dictionary of these texts; None where they are too few or too alike for one."""
    try:
        trained = zstandard.train_dictionary(DICTIONARY_BYTES, list(samples), dict_id=number, level=_LEVEL)
    except zstandard.ZstdError:
        return None
    return trained.as_bytes()


class Codec:
    """Packs and reads with one dictionary. For one thread at a time."""

    def __init__(self, dictionary: bytes) -> None:
        known = zstandard.ZstdCompressionDict(dictionary, dict_type=zstandard.DICT_TYPE_FULLDICT)
        # The checksum tells a damaged row from a text: four bytes that everybody can afford who keeps it for years.
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, dict_data=known, write_checksum=True)
        self._decompressor = zstandard.ZstdDecompressor(dict_data=known)

    def pack(self, raw: bytes) -> bytes:
        return self._compressor.compress(raw)

    def read(self, frame: bytes) -> bytes:
        """Raises zstandard.ZstdError for a frame that is damaged, or of another dictionary."""
        return self._decompressor.decompress(frame)
