"""Codes as they are written in the wild: recognised, or with candidates; searched for; by HTTP status and exit code."""

import json
from collections import Counter
from pathlib import Path

import pytest
from django.utils import timezone

import registry
from access.actor import SYSTEM
from registry.taxonomy import publish_taxonomy
from registry.taxonomy_codes import recognise
from registry.taxonomy_tree import Tree
from tests.require import require

pytestmark = pytest.mark.django_db
ERRORS = json.loads((Path(registry.__file__).parent / "onex/errors-1.0.0.json").read_text(encoding="utf-8"))
ADDRESS = "/api/v1/taxonomies/onex-errors"


@pytest.fixture
def errors():
    return publish_taxonomy(actor=SYSTEM, document=ERRORS)


@pytest.fixture
def tree():
    return Tree.of(ERRORS)


@pytest.mark.parametrize(
    ("text", "code", "how"),
    [
        ("ONEX_VALID_102", "ONEX_VALID_102", "short"),
        (" onex_valid_102 ", "ONEX_VALID_102", "short"),
        ("ONEX_VALID_102_VALIDATION_FAILED", "ONEX_VALID_102", "long"),
        ("ONEX_VALIDATE_102", "ONEX_VALID_102", "area_alias"),
        ("ONEX_REGISTRY_201_DUPLICATE_ENTRY", "ONEX_REG_201", "area_alias"),
    ],
)
def test_a_spelling_is_recognised_and_it_is_said_how(tree, text, code, how):
    found = recognise(tree, text)
    assert (found.code.short, found.how, found.candidates) == (code, how, ())


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        ("ONEX-VALID-102", "ONEX_VALID_102", "other punctuation: ONEX_VALID_102"),
        ("VALID_102", "ONEX_VALID_102", "other punctuation"),
        ("valid102", "ONEX_VALID_102", "other punctuation"),
        ("ONEX_STAMP_1", "ONEX_STAMP_001", "other punctuation"),
        ("ONEX_STAMP_021_METADATA_PARSE_ERROR", "ONEX_STAMP_006", "has this name"),
        ("ONEX_CORE_021_FILE_NOT_FOUND", "ONEX_STAMP_001", "has this name, in the area STAMP"),
        (
            "ONEX_STAMP_006_SOMETHING_ELSE",
            "ONEX_STAMP_006",
            "has this number, but is called METADATA_PARSE_ERROR",
        ),
        ("FILE_NOT_FOUND", "ONEX_STAMP_001", "has this name"),
        ("permission denied", "ONEX_STAMP_004", "has this name"),
        ("ONEX_STAMP_099_PERMISSION_DENIE", "ONEX_STAMP_004", "has nearly this name"),
    ],
)
def test_what_only_resembles_a_code_is_offered_and_never_taken_for_it(tree, text, code, reason):
    found = recognise(tree, text)
    assert (found.code, found.how) == (None, None)
    assert found.candidates[0].code.short == code
    assert reason in found.candidates[0].reason


@pytest.mark.parametrize("text", ["", "   ", "😀", "ONEX", "x" * 100_000, "ONEX_VALIDITY_102"])
def test_for_what_resembles_nothing_nothing_is_offered(tree, text):
    assert recognise(tree, text).candidates == ()


def test_a_batch_is_answered_in_its_order_with_counts(errors, owner):
    codes = ["ONEX_VALIDATE_002", "ONEX_REGISTRY_201", "ONEX_REG_201", "rubbish"]
    answer = owner.api.post(f"{ADDRESS}/normalize", {"codes": codes}).json()
    assert [one["text"] for one in answer["results"]] == codes
    assert [one["code"] for one in answer["results"]] == [None, "ONEX_REG_201", "ONEX_REG_201", None]
    assert answer["counts"] == {"unknown": 2, "area_alias": 1, "short": 1}
    assert answer["version"] == "1.0.0"


def test_single_codes_are_asked_for_in_the_address(errors, owner):
    answer = owner.api.get(f"{ADDRESS}/normalize?code=ONEX_VALIDATE_102&code=VALID_103").json()
    assert [one["code"] for one in answer["results"]] == ["ONEX_VALID_102", None]
    assert answer["results"][1]["candidates"][0]["code"] == "ONEX_VALID_103"
    assert owner.api.get(f"{ADDRESS}/normalize").json()["results"] == []


@pytest.mark.parametrize("body", [{"codes": "ONEX_VALID_102"}, {"codes": [1]}, {}, "text"])
def test_a_batch_of_the_wrong_shape_is_refused(errors, owner, body):
    answer = owner.api.post(f"{ADDRESS}/normalize", body)
    assert (answer.status_code, answer.json()["details"]["code"]) == (400, "malformed_body")


def test_too_many_at_once_are_refused(errors, owner):
    answer = owner.api.post(f"{ADDRESS}/normalize", {"codes": ["x"] * 1_001})
    assert (answer.status_code, answer.json()["details"]["code"]) == (413, "too_many_codes")


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ({"http_status": "501"}, ["ONEX_STAMP_008"]),
        ({"exit_code": "2", "area": "STAMP"}, ["ONEX_STAMP_009"]),
        ({"q": "disk"}, ["ONEX_SYS_901"]),
        ({"q": "ONEX_VALIDATE_107"}, ["ONEX_VALID_107"]),
        ({"area": "ONEX_SCHEMA"}, ["ONEX_SCHEMA_700", "ONEX_SCHEMA_701", "ONEX_SCHEMA_702"]),
        ({"severity": "critical", "area": "SYSTEM"}, ["ONEX_SYS_900", "ONEX_SYS_901"]),
        ({"recoverable": "retry", "area": "REG"}, ["ONEX_REG_203", "ONEX_REG_204"]),
        ({"deprecated": "true"}, []),
        ({"q": "nothing like it"}, []),
    ],
)
def test_codes_are_searched_for_by_what_they_are(errors, owner, asked, codes):
    found = owner.api.get(f"{ADDRESS}/codes", asked).json()
    assert [code["code"] for code in found] == codes


def test_a_code_says_its_http_status_and_exit_code_and_these_lead_back_to_it(errors, owner):
    code = owner.api.get(f"{ADDRESS}/codes/ONEX_STAMP_009").json()
    back = {"http_status": code["http_status"], "exit_code": code["exit_code"]}
    assert "ONEX_STAMP_009" in [found["code"] for found in owner.api.get(f"{ADDRESS}/codes", back).json()]


@pytest.mark.parametrize(
    "asked",
    [
        {"http_status": "many"},
        {"exit_code": "-1"},
        {"deprecated": "perhaps"},
        {"severity": "loud"},
        {"recoverable": "perhaps"},
    ],
)
def test_a_search_for_what_cannot_be_is_refused(errors, owner, asked):
    assert owner.api.get(f"{ADDRESS}/codes", asked).status_code == 400


@pytest.fixture
def implemented():
    return json.loads((Path(require("data")) / "onex/implemented_codes.json").read_text(encoding="utf-8"))


def test_the_codes_of_the_original_implementation_are_told_from_those_of_the_document(
    errors, owner, implemented
):
    """212 codes are in use; five are the document's. The others are never taken for a code whose number they share."""
    answer = owner.api.post(f"{ADDRESS}/normalize", {"codes": [one["code"] for one in implemented]}).json()
    assert answer["counts"] == {"long": 5, "unknown": 207}
    assert [one["code"] for one in answer["results"] if one["code"]] == [
        f"ONEX_STAMP_00{n}" for n in range(1, 6)
    ]
    offered = Counter(
        one["candidates"][0]["reason"].partition(",")[0] for one in answer["results"] if one["candidates"]
    )
    assert offered == {"has this name": 25, "has nearly this name": 31}


def as_taxonomy(implemented):
    """What the implementation says, as a taxonomy of its own: one area for each of its enumerations."""
    areas = {}
    for one in implemented:
        slug = one["code"].removeprefix(f"{one['short']}_")
        code = {
            "number": one["number"],
            "slug": slug,
            "meaning": f"{slug.replace('_', ' ').capitalize()}.",
            "severity": one["exit"],
            "recoverable": "yes" if one["exit"] == "WARNING" else "no",
            "exit_code": {"ERROR": 1, "WARNING": 2}[one["exit"]],
        }
        areas.setdefault(one["component"], []).append(code)
    return {"prefix": "ONEX", "areas": [{"token": token, "codes": codes} for token, codes in areas.items()]}


def test_they_become_a_taxonomy_of_their_own_that_judges_events(owner, implemented):
    """Through the front door: upload, bind a schema, send each code once in an event, count them."""
    address = "/api/v1/taxonomies/onex-implemented"
    told = owner.api.post(f"{address}/versions", as_taxonomy(implemented)).json()
    assert (told["created"], told["version"]) == (True, "1.0.0")
    schema = {"properties": {"error_code": {"type": "string", "x-taxonomy": "onex-implemented@^1"}}}
    owner.api.post("/api/v1/subjects/impl.failed/versions", {"schema": json.dumps(schema)})
    sent = [one["code"] for one in implemented] + ["ONEX_VALID_102", "ONEX_CORE_999"]
    events = [
        {
            "event_id": f"e{n}",
            "event_type": "impl.failed",
            "node_id": "n",
            "timestamp": timezone.now().isoformat(),
            "metadata": {"error_code": code},
        }
        for n, code in enumerate(sent)
    ]
    stored = owner.api.post("/api/v1/events", events).json()
    assert stored["counts"] == {"stored": 212, "stored_with_violations": 2}
    assert [one["errors"][0]["code"] for one in stored["results"][212:]] == ["violates_taxonomy"] * 2
    usage = owner.api.get(f"{address}/usage").json()
    assert len(usage["codes"]) == sum(use["events"] for use in usage["codes"]) == 212
    assert {use["text"] for use in usage["unknown"]} == {"ONEX_VALID_102", "ONEX_CORE_999"}
    warnings = owner.api.get(f"{address}/codes", {"exit_code": "2"}).json()
    assert len(warnings) == sum(one["exit"] == "WARNING" for one in implemented)
