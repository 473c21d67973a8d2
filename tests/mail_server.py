"""A real SMTP server on this machine: it keeps what came and answers as told."""

import socket
import threading
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


class MailServer:
    """`answer` is asked about every recipient: what the server says to RCPT."""

    def __init__(self, answer: Callable[[str], str] = lambda _: "250 OK") -> None:
        self.answer = answer
        self.received: list[EmailMessage] = []
        self._arrived = threading.Lock()
        self._controller = Controller(self, hostname="127.0.0.1", port=_free_port())

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    # aiosmtpd looks for these names.
    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        said = self.answer(address)
        if said.startswith("2"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        with self._arrived:
            self.received.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 2.0.0 queued as A1"
