"""Validation before sending: which schema judges, what the modes do, and that emitting waits for nothing."""

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from uuid import uuid4

import pytest

from onex_sdk._bundle import bundle_of
from onex_sdk._dead_letters import DeadLetters
from onex_sdk._judging import Judge
from onex_sdk._rulings import Rulings
from onex_sdk._stats import Stats

NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TEXT = {"type": "object", "properties": {"n": {"type": "string"}}, "required": ["n"]}
CODES = {
    "taxonomy": "shop-errors",
    "version": "1.2.0",
    "prefix": "SHOP",
    "areas": [
        {
            "token": "PAY",
            "aliases": ["PAYMENT"],
            "codes": [
                {"number": 1, "slug": "CARD_REFUSED", "aliases": ["SHOP_OLD_7"]},
                {"number": 2, "slug": "TIMEOUT"},
            ],
        }
    ],
}
CODED = {"type": "object", "properties": {"code": {"type": "string", "x-taxonomy": "shop-errors@^1"}}}


def version(number, semver, schema, **more):
    return {"version": number, "semver": semver, "id": number, "schema": json.dumps(schema), **more}


def bundle(*versions, **taxonomies):
    return bundle_of({"subjects": {"A": {"versions": list(versions)}}, "taxonomies": taxonomies})


def problems(rulings, metadata, label="", **event):
    stats = Stats()
    judge = Judge(rulings, stats, DeadLetters(None, 0, stats), strict=False)
    return judge.judge({"event_type": "A", "schema_version": label, "metadata": metadata, **event})


@pytest.fixture
def offline():
    """Three versions in a file; the second major wants text."""
    return Rulings(
        None,
        bundle(
            version(1, "1.0.0", NUMBER),
            version(2, "1.2.0-rc.1", TEXT),
            version(3, "1.1.0", NUMBER),
            version(4, "2.0.0", TEXT, versionWhenAbsent="1.0.0"),
        ),
    )


@pytest.mark.parametrize(
    ("label", "valid"),
    [
        ("1.0.0", {"n": 1}),
        ("1.1.0+build.5", {"n": 1}),
        ("1.0.7", {"n": "x"}),
        ("2.9.9", {"n": "x"}),
        ("latest", {"n": "x"}),
        ("", {"n": 1}),
    ],
)
def test_the_exact_version_judges_else_the_highest_of_its_major_else_what_the_subject_says(
    offline, label, valid
):
    assert problems(offline, valid, label).problems == ()
    wrong = {"n": "x"} if valid == {"n": 1} else {"n": 1}
    assert [p.code for p in problems(offline, wrong, label).problems] == ["violates_schema"]


@pytest.mark.parametrize("label", ["3.0.0", "v1", "^1"])
def test_a_version_that_is_not_there_is_not_judged(offline, label):
    found = problems(offline, {"n": []}, label)
    assert (found.problems, found.reason) == ((), "unknown_schema_version")


def test_a_problem_is_told_as_the_registry_tells_it(offline):
    (problem,) = problems(offline, {"n": 1.5}, "1.0.0").problems
    assert problem.pointer == "/metadata/n"
    assert problem.keyword == "type"
    assert problem.message == '1.5 is not of type "integer"'
    assert problems(offline, None, "1.0.0").problems == problems(offline, {}, "1.0.0").problems != ()


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(0))), {"type": "string"}),
        (uuid4(), {"type": "string"}),
        ((1, 2), {"type": "array"}),
    ],
)
def test_what_is_not_json_is_judged_as_what_travels(value, schema):
    rulings = Rulings(None, bundle(version(1, "1.0.0", {"properties": {"v": schema}})))
    assert problems(rulings, {"v": value}).problems == ()
    assert problems(rulings, {"v": 7}).problems != ()


def test_a_decimal_is_judged_as_what_travels():
    rulings = Rulings(
        None, bundle(version(1, "1.0.0", {"properties": {"v": {"type": ["string", "number"]}}}))
    )
    assert problems(rulings, {"v": Decimal("1.50")}).problems == ()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("SHOP_PAY_001", None),
        ("shop_payment_001_card_refused", None),
        ("SHOP_OLD_7", None),
        ("SHOP_PAY_002_CARD_REFUSED", "SHOP_PAY_002 is called TIMEOUT"),
        ("SHOP_PAY_009", "which has the area PAY but not this number"),
        ("nonsense", "'nonsense' is not a code of shop-errors 1.2.0"),
    ],
)
def test_codes_of_a_taxonomy_are_judged_in_any_spelling(code, message):
    rulings = Rulings(None, bundle(version(1, "1.0.0", CODED), **{"shop-errors@^1": CODES}))
    found = problems(rulings, {"code": code}).problems
    assert [p.code for p in found] == ([] if message is None else ["violates_taxonomy"])
    assert message is None or found[0].message.endswith(message)


def test_a_foreign_code_in_a_branch_is_told_by_its_own_name_too():
    schema = {"anyOf": [{**CODED, "required": ["code"]}, {"required": ["x"]}]}
    rulings = Rulings(None, bundle(version(1, "1.0.0", schema), **{"shop-errors@^1": CODES}))
    found = problems(rulings, {"code": "nonsense"}).problems
    assert [p.code for p in found] == ["violates_schema", "violates_taxonomy"]


def test_a_taxonomy_that_is_not_there_asserts_nothing():
    rulings = Rulings(None, bundle(version(1, "1.0.0", CODED)))
    assert problems(rulings, {"code": "nonsense"}).problems == ()


@pytest.mark.parametrize(
    ("more", "reason"),
    [({"eventProfile": "onex-v1"}, "profile"), ({"renameAliases": True}, "aliases")],
)
def test_where_something_else_than_the_schema_judges_the_registry_is_left_to_it(more, reason):
    rulings = Rulings(None, bundle(version(1, "1.0.0", NUMBER, **more)))
    found = problems(rulings, {"n": "x"})
    assert (found.problems, found.reason) == ((), reason)


def test_references_are_found_in_the_file():
    address = {"type": "object", "required": ["city"]}
    document = {
        "subjects": {
            "common.address": {"versions": [version(1, "1.0.0", address)]},
            "A": {
                "versions": [
                    version(
                        1,
                        "1.0.0",
                        {"properties": {"home": {"$ref": "common.address"}}},
                        references=[{"name": "common.address", "subject": "common.address", "version": 1}],
                    )
                ]
            },
        }
    }
    assert problems(Rulings(None, bundle_of(document)), {"home": {}}).problems[0].pointer == "/metadata/home"
    del document["subjects"]["common.address"]
    assert problems(Rulings(None, bundle_of(document)), {"home": {}}).reason == "unusable_schema"


def test_the_envelope_is_judged_where_its_schema_is_known():
    document = {
        "subjects": {
            "A": {"versions": [version(1, "1.0.0", True)]},
            "onex.envelope": {"versions": [version(1, "1.0.0", {"required": ["node_id"]})]},
        }
    }
    rulings = Rulings(None, bundle_of(document))
    assert [p.code for p in problems(rulings, {}).problems] == ["violates_envelope"]
    assert problems(rulings, {}, node_id="n").problems == ()


# --- with a registry ---------------------------------------------------------------------------


@pytest.fixture
def rulings(client, clock):
    return Rulings(client, clock=clock)


def test_what_is_not_known_yet_goes_on_and_is_asked_for_in_the_background(registry, rulings):
    registry.publish("A", NUMBER)
    assert problems(rulings, {"n": "x"}).reason == "not_known_yet"
    assert registry.asked == []
    rulings.keep_up()
    assert problems(rulings, {"n": "x"}).problems[0].pointer == "/metadata/n"


def test_the_registry_chooses_the_version_as_it_does_itself(registry, rulings):
    registry.publish("A", NUMBER, versionWhenAbsent="1.0.0")
    registry.publish("A", TEXT, versionWhenAbsent="1.0.0")
    for label in ("", "1.0.0", "1.1.0", "1.7.0", "latest"):
        problems(rulings, {}, label)
    assert rulings.refresh()
    assert problems(rulings, {"n": 1}, "").problems == ()
    assert problems(rulings, {"n": 1}, "1.0.0").problems == ()
    assert problems(rulings, {"n": "x"}, "1.1.0").problems == ()
    assert problems(rulings, {"n": "x"}, "1.7.0").problems == ()
    assert problems(rulings, {"n": "x"}, "latest").problems == ()


def test_an_unknown_event_type_is_not_judged(rulings):
    problems(rulings, {})
    assert rulings.refresh()
    assert problems(rulings, {}).reason == "unknown_event_type"


def test_a_denied_subject_holds_up_no_other(registry, rulings, canned):
    registry.publish("B", NUMBER)
    problems(rulings, {})
    registry.next_answers.append(canned(403, {"error_code": 40300, "message": "no", "details": {}}))
    assert rulings.refresh()
    assert problems(rulings, {}).reason == "denied"


def test_the_file_judges_until_the_registry_was_asked(registry, client, clock):
    registry.publish("A", TEXT)
    rulings = Rulings(client, bundle(version(1, "1.0.0", NUMBER)), clock=clock)
    assert problems(rulings, {"n": 1}, "latest").problems == ()
    assert rulings.refresh()
    assert problems(rulings, {"n": 1}, "latest").problems != ()


def test_what_is_known_goes_on_while_the_registry_is_away(registry, client, clock, server):
    registry.publish("A", NUMBER)
    rulings = Rulings(client, clock=clock)
    problems(rulings, {}, "latest")
    rulings.refresh()
    server.stop()
    clock.now += 61
    assert problems(rulings, {"n": "x"}, "latest").problems != ()
    rulings.refresh()
    assert problems(rulings, {"n": "x"}, "latest").problems != ()


def test_a_later_edition_of_a_taxonomy_judges_after_a_while(registry, client, clock):
    registry.publish("A", CODED)
    registry.taxonomies["shop-errors"] = CODES
    rulings = Rulings(client, clock=clock)
    problems(rulings, {}, "latest")
    rulings.refresh()
    assert problems(rulings, {"code": "SHOP_PAY_003"}, "latest").problems != ()
    wider = json.loads(json.dumps(CODES))
    wider["version"] = "1.3.0"
    wider["areas"][0]["codes"].append({"number": 3, "slug": "NEW"})
    registry.taxonomies["shop-errors"] = wider
    clock.now += 61
    problems(rulings, {}, "latest")
    rulings.refresh()
    assert problems(rulings, {"code": "SHOP_PAY_003"}, "latest").problems == ()
    assert client.validate("A", {"code": "SHOP_PAY_003"}) == []
    assert client.validate("A", {"code": "SHOP_PAY_004"})[0].keyword == "x-taxonomy"


# --- modes -------------------------------------------------------------------------------------


@pytest.fixture
def making(emitting, registry):
    """Makes a client that knows what judges events of type A from the first one on."""
    registry.publish("A", NUMBER)

    def make(**options):
        client = emitting(**options)
        client.prepare("A", schema_version="1.0.0")
        return client

    return make


def test_off_judges_nothing(making):
    client = making(validation="off")
    assert client.emit("A", {"n": "x"}, schema_version="1.0.0")
    assert not {"warned_invalid", "dropped_invalid", "unjudged"} & client.stats().keys()


def test_warn_sends_and_tells_once(making, caplog):
    client = making(validation="warn")
    assert all(client.emit("A", {"n": "x"}, schema_version="1.0.0") for _ in range(5))
    assert client.stats()["warned_invalid"] == 5
    (record,) = [record for record in caplog.records if record.name == "onex_sdk"]
    assert record.getMessage() == 'An event of type A is not valid: /metadata/n "x" is not of type "integer"'


def test_strict_keeps_what_the_registry_would_refuse_beside(making, registry, caplog, tmp_path):
    letters = tmp_path / "letters.ndjson"
    client = making(validation="strict", dead_letter_file=str(letters))
    assert client.emit("A", {"n": "x"}, schema_version="1.0.0") is None
    assert client.emit("A", {"n": 7}, schema_version="1.0.0")
    assert "was not sent" in caplog.text
    assert client.stats()["dropped_invalid"] == 1
    assert client.flush()
    assert [event["metadata"] for event in registry.events] == [{"n": 7}]
    (letter,) = map(json.loads, letters.read_text(encoding="utf-8").splitlines())
    assert letter["event"]["metadata"] == {"n": "x"}
    assert letter["errors"][0]["pointer"] == "/metadata/n"


def test_strict_sends_what_it_cannot_judge_and_counts_it(making):
    client = making(validation="strict")
    assert client.emit("never.heard.of", {"n": "x"})
    assert client.stats()["unjudged"] == 1


def test_preparing_says_whether_there_is_something_to_judge_by(emitting, registry, server):
    registry.publish("A", NUMBER)
    client = emitting(validation="strict", sampling=True)
    assert client.prepare("A")
    assert not client.prepare("A", "nobody.knows")
    server.stop()
    assert not client.prepare("A")
    assert client.emit("A", {"n": "x"}) is None


def test_a_file_judges_while_the_registry_is_away(emitting, server, tmp_path):
    server.stop()
    file = tmp_path / "schemas.json"
    held = {"subjects": {"A": {"versions": [version(1, "1.0.0", NUMBER)]}}}
    file.write_text(json.dumps(held), encoding="utf-8")
    client = emitting(validation="strict", bundle=str(file))
    assert client.emit("A", {"n": "x"}) is None
    assert client.stats()["dropped_invalid"] == 1


def test_a_program_starts_without_its_file_and_says_so(emitting, tmp_path, caplog):
    emitting(validation="strict", bundle=str(tmp_path / "none.json"))
    assert "none.json" in caplog.text
