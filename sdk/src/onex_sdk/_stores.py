"""Where large values go, so that events stay small: a directory, or a bucket that speaks S3."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable
from urllib.parse import urlsplit

from onex_sdk._s3 import S3Store


@runtime_checkable
class ValueStore(Protocol):
    """What a store of large values is. Names are hexadecimal SHA-256 with `.json`; putting one twice is the same."""

    def location(self, name: str) -> str:
        """The address under which readers find it; becomes `data_location`."""

    def put(self, name: str, data: bytes) -> None:
        """Keeps it. Raises OSError when it cannot. Called by the thread that sends."""


class Value(NamedTuple):
    name: str
    data: bytes


class FileStore:
    """A directory. `emit` itself writes here, so that large values do not pile up in memory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()

    def location(self, name: str) -> str:
        return (self._directory / name).as_uri()

    def put(self, name: str, data: bytes) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        target = self._directory / name
        if target.exists():
            return
        # Whole or not at all, also for a reader that looks while it is written.
        unfinished = target.with_suffix(f".{os.getpid()}.unfinished")
        try:
            unfinished.write_bytes(data)
            unfinished.replace(target)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise


def store_at(address: str) -> ValueStore:
    """A path or `file://…`, or `s3+https://host/bucket/prefix`. Raises ValueError for anything else."""
    scheme = urlsplit(address).scheme
    if scheme in ("s3+https", "s3+http"):
        return S3Store(address.removeprefix("s3+"))
    if scheme == "file":
        return FileStore(Path(urlsplit(address).path))
    if scheme == "" and address:
        return FileStore(Path(address))
    raise ValueError(f"values are stored in a directory or at s3+https://host/bucket, not {address!r}.")
