"""Publishing through the operation that every door calls."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.errors import Forbidden
from access.models import AuditEntry
from registry.configure import set_mode, set_rules
from registry.errors import Incompatible, InvalidSchema, ReadOnly, SchemaTooLarge, Undecided
from registry.models import Content, Subject, Version
from registry.publish import publish_version

ONE_FIELD = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO_FIELDS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
A_REQUIRED = {**ONE_FIELD, "required": ["a"]}
OTHER_TYPE = {"type": "object", "properties": {"a": {"type": "integer"}}}


def test_the_first_version_is_number_one_and_1_0_0(publish):
    published = publish("orders", ONE_FIELD)
    assert (published.number, published.semver, published.created) == (1, "1.0.0", True)
    assert published.judgement.status == "first"


def test_publishing_the_same_again_changes_nothing(publish):
    first = publish("orders", ONE_FIELD)
    again = publish("orders", dict(reversed(list(ONE_FIELD.items()))))
    assert (again.version, again.created) == (first.version, False)
    assert (Version.objects.count(), Content.objects.count()) == (1, 1)


def test_an_older_version_is_found_again_before_anything_is_judged(publish):
    publish("orders", ONE_FIELD)
    publish("orders", TWO_FIELDS)
    assert publish("orders", ONE_FIELD).number == 1


def test_one_schema_under_two_subjects_has_one_id(publish):
    assert publish("orders", ONE_FIELD).content_id == publish("bills", ONE_FIELD).content_id


def test_the_text_of_the_first_upload_is_what_is_kept(actor):
    text = '{ "type":\t"object",  "maximum": 1.50 }'
    published = publish_version(actor=actor, subject="orders", schema=text)
    assert published.version.content.text == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"maximum": 1.0}', '{"maximum": 1}'),
        ('{"maximum": 9223372036854775807}', '{"maximum": 9223372036854775808}'),
    ],
)
def test_numbers_count_as_written(actor, one, other):
    first = publish_version(actor=actor, subject="a", schema=one)
    second = publish_version(actor=actor, subject="b", schema=other)
    assert first.content_id != second.content_id


def test_an_optional_field_may_be_added(publish):
    publish("orders", ONE_FIELD)
    published = publish("orders", TWO_FIELDS)
    assert (published.number, published.semver, published.judgement.status) == (2, "1.1.0", "compatible")


def test_a_refusal_carries_the_witness_and_stores_nothing(publish):
    publish("orders", ONE_FIELD)
    with pytest.raises(Incompatible) as refused:
        publish("orders", A_REQUIRED)
    assert refused.value.facts["witness"]["instance"] == {}
    assert refused.value.facts["level"] == "BACKWARD"
    assert refused.value.message.startswith(
        'Schema being registered is incompatible with an earlier schema for subject "orders", details: ['
    )
    assert (Version.objects.count(), Content.objects.count()) == (1, 1)


def test_a_dry_run_answers_like_the_upload_and_stores_nothing(publish):
    publish("orders", ONE_FIELD)
    planned = publish("orders", TWO_FIELDS, dry_run=True)
    assert (planned.number, planned.semver, planned.version) == (2, "1.1.0", None)
    with pytest.raises(Incompatible):
        publish("orders", A_REQUIRED, dry_run=True)
    assert Version.objects.count() == 1
    assert not Subject.objects.filter(name="bills").exists()


def test_a_dry_run_of_a_new_subject_makes_no_subject(publish):
    publish("bills", ONE_FIELD, dry_run=True)
    assert not Subject.objects.exists()
    assert not AuditEntry.objects.exists()


def test_transitive_levels_look_at_the_versions_of_the_current_major(publish, actor):
    publish("orders", OTHER_TYPE)
    publish("orders", {"type": "object"}, semver="2.0.0")
    set_rules(actor=actor, subject="orders", level="BACKWARD_TRANSITIVE")
    published = publish("orders", ONE_FIELD | {"properties": {}})
    assert [pair.version for pair in published.judgement.pairs] == [2]


def test_levels_set_through_the_wire_api_look_at_all_versions(publish, actor):
    publish("orders", OTHER_TYPE)
    publish("orders", {"type": "object"}, semver="2.0.0")
    set_rules(actor=actor, subject="orders", level="BACKWARD_TRANSITIVE", by_wire_api=True)
    published = publish("orders", {"type": "object", "title": "Order"})
    assert [pair.version for pair in published.judgement.pairs] == [2, 1]


def test_forward_asks_whether_old_readers_understand(publish, actor):
    set_rules(actor=actor, subject="orders", level="FORWARD")
    publish("orders", ONE_FIELD)
    assert publish("orders", A_REQUIRED).number == 2


def test_under_none_everything_passes_and_a_break_is_a_major(publish, actor):
    set_rules(actor=actor, subject="orders", level="NONE")
    publish("orders", ONE_FIELD)
    assert publish("orders", OTHER_TYPE).semver == "2.0.0"


def test_undecided_is_refused_unless_the_subject_accepts_it(publish):
    hard = {"type": "string", "pattern": r"^(?=.*x)(?!.*y)(?<z>a+)\k<z>$"}
    publish("orders", hard)
    harder = {"type": "string", "pattern": r"^(?=.*x)(?!.*y)(?<z>a+)\k<z>b?$"}
    with pytest.raises(Undecided, match="neither proven nor refuted"):
        publish("orders", harder)
    Subject.objects.update(accept_undecided=True)
    assert publish("orders", harder).judgement.status == "undecided"


def test_who_may_not_write_here_is_refused(teammate, publish):
    publish_version(actor=teammate.actor, subject="team.orders", schema="{}")
    with pytest.raises(Forbidden):
        publish_version(actor=teammate.actor, subject="orders", schema="{}")


def test_read_only_means_no_new_version(publish, actor):
    set_mode(actor=actor, subject="orders", mode="readonly")
    with pytest.raises(ReadOnly):
        publish("orders", ONE_FIELD)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ('{"a": NaN}', "NaN is not a JSON value"),
        ('{"type": "object", "type": "string"}', "'type' occurs twice"),
        ('{"maximum": 1e999}', "beyond what programs can read"),
        ("[]", "an object or a boolean"),
        ('"text"', "an object or a boolean"),
        ('{"type": "strin"}', "Invalid schema"),
        ('{"$schema": "http://json-schema.org/draft-99/schema#"}', "draft"),
        ('{"$ref": "https://example.com/other.json"}', "example.com"),
        ('{"pattern": "("}', "regular expression"),
        ("[" * 10_000 + "]" * 10_000, "levels deep"),
        ('{"not":' * 10_000 + "{}" + "}" * 10_000, "levels deep"),
        ('{"const": "\\ud800"}', "surrogate"),
        ('{"maximum": ' + "9" * 5000 + "}", "5000 digits"),
    ],
)
def test_what_is_no_schema_is_refused_with_a_sentence(actor, text, said):
    with pytest.raises(InvalidSchema, match=said):
        publish_version(actor=actor, subject="orders", schema=text)
    assert not Subject.objects.exists()


def test_a_schema_over_the_limit_is_refused_by_its_size(actor, settings):
    settings.SCHEMA_MAX_BYTES = 100
    with pytest.raises(SchemaTooLarge):
        publish_version(actor=actor, subject="orders", schema=json.dumps({"title": "x" * 100}))


def test_evidence_with_a_nul_in_it_can_be_stored(publish, actor):
    set_rules(actor=actor, subject="orders", level="NONE")
    publish("orders", {"enum": ["\0"]})
    published = publish("orders", {"enum": ["b"]})
    published.version.refresh_from_db()
    assert published.version.verdict["semver"]["required"] == "major"


def test_every_publication_is_audited(publish):
    publish("orders", ONE_FIELD)
    publish("orders", ONE_FIELD)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.details["semver"]) == (
        "version.published",
        "subject/orders",
        "1.0.0",
    )


def test_what_a_request_leaves_out_comes_from_the_version_before(publish):
    publish("orders", ONE_FIELD, metadata={"properties": {"owner": "shop", "semver": "1.0.0"}})
    published = publish("orders", TWO_FIELDS)
    assert published.version.metadata == {"properties": {"owner": "shop"}}
    assert publish("orders", TWO_FIELDS, metadata={"properties": {"owner": "ops"}}).semver == "1.1.1"


@pytest.mark.parametrize("upload", [ONE_FIELD, TWO_FIELDS], ids=["of a new subject", "of a further version"])
def test_when_nobody_comes_in_between_it_is_judged_once(publish, upload):
    if upload == TWO_FIELDS:
        publish("orders", ONE_FIELD)
    with CaptureQueriesContext(connection) as asked:
        publish("orders", upload)
    looks = [query for query in asked.captured_queries if "json_build_array(needs_approval" in query["sql"]]
    assert len(looks) == 2, "one before judging, one under the lock, for which nobody had to be waited"
