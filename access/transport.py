"""The ways in which a message of the outbox leaves: HTTP through the guard, or e-mail through the deployment's server."""

import smtplib
import time
from collections.abc import Callable
from datetime import datetime
from email.utils import parseaddr

import orjson
from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend

from access.errors import TargetUnreachable
from access.models import Delivery
from access.outbound import Answer, Outbound
from access.sealed import require_known
from access.signing import signed_headers

MAILTO = "mailto:"
# Of the time that a request may take: what one step of a conversation with the mail server may.
_STEPS = 3


def send(delivery: Delivery, *, at: datetime) -> Answer:
    """Any answer, whatever its status. Raises TargetRefused, or TargetUnreachable when none came in time."""
    return _WAYS[Delivery.Transport(delivery.transport)](delivery, at)


def _by_webhook(delivery: Delivery, at: datetime) -> Answer:
    return _post(delivery, at, bytes(delivery.body), delivery.secret)


def _with_key(delivery: Delivery, at: datetime) -> Answer:
    """The key joins the body only here, so that nobody reads it where the message is shown."""
    key = require_known(delivery.secret)
    body = orjson.dumps({**orjson.loads(bytes(delivery.body)), "routing_key": key})
    return _post(delivery, at, body, "")


def _post(delivery: Delivery, at: datetime, body: bytes, secret: str) -> Answer:
    signed = signed_headers(secret=secret, message_id=delivery.message_id, at=at, body=body)
    with Outbound() as outbound:
        return outbound.post(delivery.url, body=body, headers=delivery.headers | signed)


def _by_email(delivery: Delivery, at: datetime) -> Answer:
    if not settings.SENDS_EMAIL:
        raise TargetUnreachable("This deployment sends no e-mail: an operator sets EMAIL_URL.")
    began = time.monotonic()
    mail = EmailBackend(timeout=settings.OUTBOUND_TIMEOUT_SECONDS / _STEPS)
    try:
        mail.open()
        server = mail.connection
        if server is None or server.sock is None:
            raise smtplib.SMTPServerDisconnected("it closed the connection")
        address = str(server.sock.getpeername()[0])
        status, words = _converse(server, delivery)
    except (OSError, smtplib.SMTPException) as problem:
        raise TargetUnreachable(f"The mail server {mail.host}:{mail.port} failed: {problem}") from problem
    finally:
        mail.close()
    return Answer(status, words, {}, address, (time.monotonic() - began) * 1000)


def _converse(server: smtplib.SMTP, delivery: Delivery) -> tuple[int, bytes]:
    """The server's answer to the message, or to the first step that it refused."""
    server.ehlo_or_helo_if_needed()
    status, words = server.mail(parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
    if status == 250:
        status, words = server.rcpt(delivery.url.removeprefix(MAILTO))
    if status in {250, 251}:
        try:
            return server.data(bytes(delivery.body))
        except smtplib.SMTPDataError as refused:
            said = refused.smtp_error
            return refused.smtp_code, said if isinstance(said, bytes) else said.encode()
    return status, words


_WAYS: dict[Delivery.Transport, Callable[[Delivery, datetime], Answer]] = {
    Delivery.Transport.WEBHOOK: _by_webhook,
    Delivery.Transport.KEYED: _with_key,
    Delivery.Transport.EMAIL: _by_email,
}
