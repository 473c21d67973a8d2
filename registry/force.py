"""What an administrator let pass although the subject's rules refuse it: written down."""

from access import audit
from access.actor import Actor
from registry.canonical import storable
from registry.hold import must_wait
from registry.judge import Judgement
from registry.models import Version


def record_force(actor: Actor, version: Version, judgement: Judgement, *, approval: bool) -> None:
    """Who let it pass, and what it was; nothing when it would have passed by itself.

    `approval`: the subject asks for a second person. To be called in the transaction that stores the version.
    """
    refused = [pair for pair in judgement.pairs if pair.status != "compatible"]
    details: dict[str, object] = {}
    if refused:
        details[judgement.status] = storable([f"version {pair.version}: {pair.why()}" for pair in refused])
    if approval and must_wait(judgement):
        details["without_approval"] = True
    if details:
        target = f"subject/{version.subject.name}"
        details = {"version": version.number, **details}
        audit.record(actor=actor, action="version.forced", target=target, details=details)
