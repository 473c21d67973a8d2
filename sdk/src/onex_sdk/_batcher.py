"""The thread that takes batches from the queue and sends them."""

from __future__ import annotations

from threading import Thread

from onex_sdk._queue import Queue
from onex_sdk._sender import Sender


class Batcher(Thread):
    def __init__(self, queue: Queue, sender: Sender) -> None:
        super().__init__(name="onex-batcher", daemon=True)
        self._queue = queue
        self._sender = sender

    def run(self) -> None:
        while batch := self._queue.take():
            self._sender.send(batch)
