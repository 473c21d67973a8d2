"""What the SDK says before sending is what the registry says of the same event: problem for problem, in this order."""

import json
import uuid

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from access.actor import SYSTEM
from events import decode
from events.ingest import ingest_events
from onex_sdk._bundle import bundle_of
from onex_sdk._dead_letters import DeadLetters
from onex_sdk._judging import Judge
from onex_sdk._rulings import Rulings
from onex_sdk._stats import Stats
from registry.load_catalogue import load_onex_catalogue
from registry.models import Subject

TELEMETRY = "TELEMETRY_OPERATION_ERROR"
OTHER = "shop.paid"
SCHEMAS = [
    {"type": "object", "properties": {"at": {"type": "string", "format": "date"}}, "required": ["at"]},
    {
        "type": "object",
        "properties": {
            "at": {"type": "string", "format": "date"},
            "code": {"anyOf": [{"type": "string", "x-taxonomy": "onex-errors@^1"}, {"type": "integer"}]},
        },
        "required": ["at"],
    },
]


@pytest.fixture
def judge(db, owner):
    """A judge with nothing but what the registry answers over REST."""
    load_onex_catalogue(actor=SYSTEM)
    for schema in SCHEMAS:
        body = {"schema": json.dumps(schema), "schemaType": "JSON"}
        answer = owner.api.post(f"/api/v1/subjects/{OTHER}/versions", body, format="json")
        assert answer.status_code == 200, answer.content
    owner.api.patch(f"/api/v1/settings/{OTHER}", {"assert_formats": True}, format="json")
    subjects = {}
    for name in Subject.objects.values_list("name", flat=True):
        numbers = owner.api.get(f"/api/v1/subjects/{name}/versions").json()
        told = [owner.api.get(f"/api/v1/subjects/{name}/versions/{number}").json() for number in numbers]
        subjects[name] = {"versions": told}
    codes = owner.api.get("/api/v1/taxonomies/onex-errors/versions/^1").json()["document"]
    rulings = Rulings(None, bundle_of({"subjects": subjects, "taxonomies": {"onex-errors@^1": codes}}))
    stats = Stats()
    return Judge(rulings, stats, DeadLetters(None, 0, stats), strict=True)


def told_by_the_registry(events):
    body = json.dumps(events).encode()
    results = ingest_events(actor=SYSTEM, items=decode.pieces(body, content_type="application/json")).results
    return [[(e["code"], e["pointer"], e["keyword"], e["message"]) for e in one.errors] for one in results]


TEXTS = st.sampled_from(
    ["", "x", "2026-11-25", "ONEX_STAMP_001", "onex_validate_102", "ONEX_STAMP_999", "\x00"]
)
VALUES = st.one_of(TEXTS, st.integers(-1, 2**60), st.floats(-1, 1), st.booleans(), st.none())
METADATA = st.one_of(
    st.none(),
    VALUES,
    st.dictionaries(
        st.sampled_from(
            [
                "operation",
                "function",
                "execution_time_ms",
                "error_type",
                "error_message",
                "success",
                "error_code",
                "at",
                "code",
                "tags",
            ]
        ),
        st.one_of(VALUES, st.dictionaries(TEXTS, VALUES, max_size=2)),
    ),
)
EVENTS = st.fixed_dictionaries(
    {
        "event_id": st.uuids().map(str),
        "timestamp": st.sampled_from(["2026-11-25T12:00:00Z", "yesterday"]),
        "node_id": st.sampled_from(["n-1", ""]),
        "event_type": st.sampled_from([TELEMETRY, OTHER, "NODE_START", "PERFORMANCE_PROFILE"]),
    },
    optional={
        "metadata": METADATA,
        "schema_version": st.sampled_from(
            ["1.0.0", "1.1.0", "1.7.3", "1.1.0-rc.1", "latest", "9.0.0", "x", None]
        ),
        "correlation_id": VALUES,
        "trace_id": st.sampled_from(["4bf92f3577b34da6a3ce929d0e0e4736", "no"]),
        "sample_rate": st.sampled_from([0.05, 2, None]),
    },
)


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(events=st.lists(EVENTS, min_size=5, max_size=20, unique_by=lambda event: event["event_id"]))
def test_problem_for_problem(judge, events):
    # Ids of their own: an event that comes twice is judged once.
    events = [{**event, "event_id": str(uuid.uuid4())} for event in events]
    for event, expected in zip(events, told_by_the_registry(events), strict=True):
        judged = judge.judge(event)
        if judged.reason:
            assert [problem[0] for problem in expected] == [judged.reason], event
            continue
        found = [(one.code, one.pointer, one.keyword, one.message) for one in judged.problems]
        assert found == expected, event


def test_what_something_else_than_the_schema_judges_is_left_to_the_registry(judge, owner):
    owner.api.patch(f"/api/v1/settings/{OTHER}", {"event_profile": "onex-v1"}, format="json")
    told = owner.api.get(f"/api/v1/subjects/{OTHER}/versions/2").json()
    rulings = Rulings(None, bundle_of({"subjects": {OTHER: {"versions": [told]}}}))
    stats = Stats()
    judged = Judge(rulings, stats, DeadLetters(None, 0, stats), strict=True).judge({"event_type": OTHER})
    assert (judged.problems, judged.reason) == ((), "profile")
