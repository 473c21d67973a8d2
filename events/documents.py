"""The document of an event whose row has none: most rows of cold partitions keep only the producer's bytes."""

from collections.abc import Sequence

from events.numbers import fit_jsonb


def derived(raw: bytes, lints: Sequence[str] | None) -> bytes | None:
    """What stood in `document` before the row was compressed, as JSON text; None where jsonb cannot hold it.

    Documents that were more than the bytes, because fields of theirs were renamed, are kept in cold rows, too.
    """
    return None if "nul_character" in (lints or ()) or not fit_jsonb(raw) else raw
