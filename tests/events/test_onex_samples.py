"""The recorded ONEX events go in by the front operation and come to what the original validator said."""

import json
from pathlib import Path

import pytest

from access.actor import SYSTEM
from events import decode
from events.ingest import ingest_events
from registry.load_catalogue import load_onex_catalogue
from tests.require import require

pytestmark = pytest.mark.django_db

#: Judged otherwise on purpose: PERFORMANCE_PROFILE was not in the original's enum, and is a subject here.
NOT_AS_THE_ORIGINAL = {23: "stored"}
#: Neither a known type nor, in the case of 28, an event at all.
UNKNOWN = {17: "quarantined", 28: "quarantined"}


def test_an_onex_1_0_0_producer_works_unchanged():
    samples = json.loads((Path(require("data")) / "onex" / "sample_events.json").read_text(encoding="utf-8"))
    load_onex_catalogue(actor=SYSTEM)
    body = json.dumps([sample["event"] for sample in samples]).encode()

    result = ingest_events(actor=SYSTEM, items=decode.pieces(body, content_type="application/json"))

    expected = (
        {sample["n"]: "stored" if sample["v1_valid"] else "stored_with_violations" for sample in samples}
        | NOT_AS_THE_ORIGINAL
        | UNKNOWN
    )
    assert {
        sample["n"]: outcome.status for sample, outcome in zip(samples, result.results, strict=True)
    } == expected
    applied = {outcome.schema_version for outcome in result.results}
    assert applied == {"1.0.0", "1.1.0", None}
