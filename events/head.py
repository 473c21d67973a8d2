"""Waiting for new events: one thread of a process asks for the head of the log, whoever waits in it hears."""

import threading
import time

import psycopg
from django.db import DatabaseError, connection

from events.models import LogHead

# Seconds. Without anybody who waits, nobody asks.
EVERY = 0.5


class HeadWatch:
    """The last position that was given out, as seen at most EVERY seconds ago."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._head = 0
        self._waiting = 0
        self._asking = False

    def wait_beyond(self, position: int, seconds: float) -> int:
        """The head, as soon as it is beyond this position, else after so many seconds."""
        with self._changed:
            self._waiting += 1
            if not self._asking:
                self._asking = True
                threading.Thread(target=self._ask, name="head of the log", daemon=True).start()
            try:
                self._changed.wait_for(lambda: self._head > position, seconds)
                return max(self._head, position)
            finally:
                self._waiting -= 1

    def _ask(self) -> None:
        try:
            while self._note(_head()):
                time.sleep(EVERY)
        finally:
            with self._changed:
                self._asking = False

    def _note(self, head: int) -> bool:
        """Whether anybody waits for more."""
        with self._changed:
            if head > self._head:
                self._head = head
                self._changed.notify_all()
            # Said under the lock: whoever comes now starts another thread.
            self._asking = self._waiting > 0
            return self._asking


def _head() -> int:
    """0 while the database is away."""
    try:
        return LogHead.objects.get().position
    except (DatabaseError, psycopg.Error, LogHead.DoesNotExist):
        return 0
    finally:
        connection.close()


watch = HeadWatch()
