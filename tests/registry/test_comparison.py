"""What is asked about a pair of schemas once, and how the answer is laid out."""

from registry.check import judge_against
from registry.comparison import Document, compare, required_bump
from registry.configure import set_rules
from registry.upload import read_upload

from .conftest import A_REQUIRED, ONE_FIELD, OTHER_TYPE


def _compared(old, new):
    return compare(Document(old), Document(new), mode="backward", world="declared")


def test_a_comparison_is_made_once():
    assert _compared(ONE_FIELD, dict(OTHER_TYPE)) is _compared(dict(ONE_FIELD), OTHER_TYPE)
    assert _compared(ONE_FIELD, OTHER_TYPE) is not _compared(OTHER_TYPE, ONE_FIELD)


def test_documents_that_differ_only_in_what_they_refer_to_are_two():
    refers = {"$ref": "other"}
    narrow, wide = (
        Document(refers, {"other": {"maxLength": 1}}),
        Document(refers, {"other": {"maxLength": 2}}),
    )
    assert compare(narrow, wide, mode="backward", world="open").status == "compatible"
    assert compare(wide, narrow, mode="backward", world="open").status == "incompatible"


def test_the_dialect_of_this_registry_is_part_of_the_question(settings):
    old, new = {"items": True, "prefixItems": [{"type": "string"}]}, {"items": True}
    assert _compared(new, old).status == "compatible"
    settings.DEFAULT_DIALECT = "2020-12"
    assert _compared(new, old).status == "incompatible"


def test_the_verdict_spares_the_bump_its_own_search():
    old, new = Document(ONE_FIELD), Document(A_REQUIRED)
    verdict = compare(old, new, mode="backward", world="declared")
    bump = required_bump(old, new, world="declared", known=verdict)
    assert (bump.level, bump.witness) == ("major", verdict.witness)


def test_the_evidence_lists_each_change_once_breaking_ones_first(publish, actor):
    set_rules(actor=actor, subject="s", level="BACKWARD_TRANSITIVE")
    publish("s", ONE_FIELD)
    publish("s", {**ONE_FIELD, "title": "Older"})
    schema = '{"type": "object", "properties": {"a": {"type": "integer"}}, "title": "Newer"}'
    upload = read_upload(actor=actor, subject="s", schema=schema)
    evidence = judge_against(actor=actor, upload=upload).as_dict()
    assert [(c["kind"], c["against"]) for c in evidence["changes"]] == [
        ("TYPE_CHANGED", [2, 1]),
        ("TITLE_CHANGED", [2]),
        ("TITLE_CHANGED", [1]),
    ]
    assert not any("changes" in pair for pair in evidence["against"])


def test_a_refusal_names_the_first_changes_in_words_and_counts_the_rest(publish, actor):
    names = [f"f{i:02}" for i in range(40)]
    publish("s", {"type": "object", "properties": {name: {"type": "string"} for name in names}})
    upload = read_upload(
        actor=actor,
        subject="s",
        schema='{"type": "object", "required": ["' + '", "'.join(names) + '"]}',
    )
    judgement = judge_against(actor=actor, upload=upload)
    sentences = [said for said in judgement.messages() if "became required" in said]
    assert len(sentences) == 10
    assert any("30 more changes break" in said for said in judgement.messages())
    assert sum(bool(change["breaks"]) for change in judgement.as_dict()["changes"]) == 40
