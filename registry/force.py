"""What an administrator let pass although the subject's rules refuse it: written down."""

from access import audit
from access.actor import Actor
from registry.canonical import storable
from registry.judge import Judgement
from registry.models import Version


def record_force(actor: Actor, version: Version, judgement: Judgement) -> None:
    """Who let it pass, and what it was. To be called in the transaction that stores the version."""
    refused = [pair for pair in judgement.pairs if pair.status != "compatible"]
    passed = [f"version {pair.version}: {pair.why()}" for pair in refused]
    audit.record(
        actor=actor,
        action="version.forced",
        target=f"subject/{version.subject.name}",
        details={"version": version.number, judgement.status: storable(passed)},
    )
