"""The broker of an instance that has none: kombu's `filesystem://`, made safe for readers in other processes.

kombu writes a message under the name that consumers look for, so that one of them may find it empty, fail to read
it and end its whole worker. Its table of exchanges is written in place likewise. Here everything appears whole, by
a rename within the folder, and nothing passes through a folder that other users share.
"""

import fcntl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

# Taking or writing a message takes milliseconds; who is not done by then was killed.
LEFT_OVER_SECONDS = 60.0


class Channel(filesystem.Channel):
    """Names of messages sort by age, as kombu's do: `<milliseconds>_<uuid>.<queue>.msg`."""

    def __init__(self, connection: Any, **options: Any) -> None:
        super().__init__(connection, **options)
        _sweep(Path(self.data_folder_in))

    def _put(self, queue: str, payload: object, **_: object) -> None:  # type: ignore[override]  # as kombu does
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, dumps(payload))

    def _get(self, queue: str, timeout: object = None) -> Any:
        """Raises queue.Empty."""
        for message in sorted(Path(self.data_folder_in).iterdir()):
            if message.name.partition(".")[2] != f"{queue}.msg":
                continue
            mine = message.with_suffix(".taken")
            try:
                message.rename(mine)
            except FileNotFoundError:
                continue  # another consumer was faster
            text = mine.read_text(encoding="utf-8")
            mine.unlink()
            return loads(text)
        raise Empty

    def get_table(self, exchange: str) -> list[Any]:
        try:
            text = self._exchange_file(exchange).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [filesystem.exchange_queue_t(*row) for row in loads(text)]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        row = _row(routing_key, pattern, queue)
        with self._table_of(exchange) as table:
            if row not in table:
                table.insert(0, row)

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *_: object, **__: object
    ) -> None:
        self._purge(queue)
        row = _row(routing_key, pattern, queue)
        with self._table_of(exchange) as table:
            if row in table:
                table.remove(row)

    @contextmanager
    def _table_of(self, exchange: str) -> Iterator[list[Any]]:
        """The queues of an exchange, to be changed by one process at a time."""
        self.control_folder.mkdir(parents=True, exist_ok=True)
        with (self.control_folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            table = self.get_table(exchange)
            before = list(table)
            yield table
            if table != before:
                _write_whole(self._exchange_file(exchange), dumps(table))


class Transport(filesystem.Transport):
    Channel = Channel


def register() -> None:
    """Lets broker addresses begin with `folder://`."""
    TRANSPORT_ALIASES["folder"] = f"{__name__}:Transport"


def _row(routing_key: str, pattern: str, queue: str) -> Any:
    return filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")


def _sweep(folder: Path) -> None:
    """Removes what killed processes left half taken or half written; what it rang for, a beat sweep finds."""
    begun = time.time() - LEFT_OVER_SECONDS
    for file in folder.iterdir():
        with suppress(FileNotFoundError):  # somebody else was faster
            # A rename changes the time of the entry, not that of the text.
            if file.suffix != ".msg" and file.is_file() and file.stat().st_ctime <= begun:
                file.unlink()


def _write_whole(file: Path, text: str) -> None:
    # Readers take the name to its end: what ends otherwise is not there yet.
    new = file.with_name(f"{file.name}.{uuid.uuid4()}")
    new.write_text(text, encoding="utf-8")
    new.replace(file)
