"""References between registered schemas: pinned at upload, without cycles, bundled, drawn, and asked about a change."""

import json
from urllib.parse import quote

import pytest
from django.urls import reverse

from access.errors import Forbidden
from compat import compile_validator
from registry.configure import set_rules
from registry.delete import delete_version
from registry.errors import InvalidReference, InvalidSchema, Undecided
from registry.graph import as_dot, graph_around
from registry.lookup import find_version
from registry.models import Reference
from registry.references import ReferenceTo, store_of
from tests.conftest import Person

ZIP = {"type": "string", "maxLength": 5}
ADDRESS = {"type": "object", "properties": {"zip": ZIP}, "title": "Where to"}
WIDER = {"type": "object", "properties": {"zip": ZIP, "city": {"type": "string"}}, "title": "Where to"}
NARROWER = {"type": "object", "properties": {"zip": ZIP | {"maxLength": 4}}}
ORDER = {"type": "object", "properties": {"to": {"$ref": "address.json"}}}


def to(subject, version, name="address.json"):
    return [ReferenceTo(name, subject, version)]


@pytest.fixture
def address(publish):
    """`address` in 1.0.0 and 1.1.0."""
    publish("address", ADDRESS)
    publish("address", WIDER)


# --- what is pinned ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "pinned", "range_"),
    [
        (1, 1, ""),
        (-1, 2, "*"),
        ("latest", 2, "*"),
        ("1.0.0", 1, ""),
        ("^1", 2, "^1"),
        ("~1.0", 1, "~1.0"),
        ("2", 2, ""),
    ],
)
def test_a_version_or_range_is_pinned_at_upload(publish, address, wanted, pinned, range_):
    version = publish("order", ORDER, references=to("address", wanted)).version
    use = Reference.objects.get(version=version)
    assert (use.target.number, use.range) == (pinned, range_)
    assert version.content.references == [{"name": "address.json", "subject": "address", "version": pinned}]


def test_names_with_folders_mean_the_same_further_down(publish):
    publish("zip", ZIP)
    publish(
        "address",
        {"properties": {"zip": {"$ref": "types/zip.json"}}},
        references=to("zip", 1, "types/zip.json"),
    )
    order = {"properties": {"to": {"$ref": "common/address.json"}}}
    version = publish("order", order, references=to("address", 1, "common/address.json")).version
    assert set(store_of(version.content)) == {"common/address.json", "types/zip.json"}


def test_what_was_pinned_stays_when_the_range_would_take_more(publish, address):
    publish("order", ORDER, references=to("address", "^1"))
    publish("address", {**WIDER, "title": "newer"})
    assert find_version("order", "latest").uses.get().target.number == 2
    again = publish("order", ORDER, references=to("address", "^1"))
    assert (again.created, again.number) == (True, 2)
    assert find_version("order", "latest").uses.get().target.number == 3


def test_over_rest_with_what_clients_send_and_with_a_range(publish, address, owner):
    def send(version):
        body = {
            "schema": json.dumps({**ORDER, "title": str(version)}),
            "references": [{"name": "address.json", "subject": "address", "version": version}],
        }
        return owner.api.post("/api/v1/subjects/order/versions", body)

    assert send("^1").status_code == 200
    answer = owner.api.get("/api/v1/subjects/order/versions/1").json()
    assert answer["references"] == [{"name": "address.json", "subject": "address", "version": 2}]
    for wrong in (True, None, "", " ", "^9", 1.5, [1]):
        refused = send(wrong)
        assert (refused.status_code, refused.json()["error_code"]) == (422, 42201), wrong


def test_the_upload_page_takes_a_range(publish, address, owner):
    sent = {
        "subject": "order",
        "schema": json.dumps(ORDER),
        "references": "address.json address ^1",
        "publish": "y",
    }
    owner.browser.post(reverse("upload"), sent)
    shown = owner.browser.get(reverse("version", args=["order", 1])).content.decode()
    for part in ("address 1.1.0", "of ^1", "Bundled", "/graph"):
        assert part in shown


# --- cycles -----------------------------------------------------------------------------------


def test_the_metaschema_of_a_draft_needs_no_registering(publish, owner):
    """A field that holds a JSON Schema; the bundled form stands alone with it."""
    draft = "https://json-schema.org/draft/2020-12/schema"
    holder = {"$schema": draft, "type": "object", "properties": {"schema": {"$ref": draft}}}
    version = publish("holder", holder).version
    assert not version.uses.exists()
    bundled = owner.api.get("/api/v1/subjects/holder/versions/1/schema?format=bundled").json()
    for schema in (holder, bundled):
        validator = compile_validator(schema)
        assert validator.is_valid({"schema": {"type": "string"}})
        assert not validator.is_valid({"schema": {"type": "text"}})


def test_a_schema_cannot_refer_to_its_own_subject(publish, address):
    with pytest.raises(InvalidReference, match="A cycle of references: address → address 1"):
        publish("address", ORDER, references=to("address", 1))


def test_a_cycle_is_refused_with_its_path(publish, address, owner):
    publish("order", ORDER, references=to("address", "^1"))
    publish("basket", {"items": {"$ref": "order"}}, references=to("order", 1, "order"))
    with pytest.raises(InvalidReference) as refused:
        publish("address", {"properties": {"in": {"$ref": "basket"}}}, references=to("basket", 1, "basket"))
    assert refused.value.facts["cycle"] == ["address", "basket 1", "order 1", "address 2"]
    body = {
        "schema": '{"$ref": "basket"}',
        "references": [{"name": "basket", "subject": "basket", "version": 1}],
    }
    told = owner.api.post("/api/v1/subjects/address/versions", body)
    assert (told.status_code, told.json()["error_code"]) == (422, 42201)
    assert "address → basket 1 → order 1 → address 2" in told.json()["message"]


def test_the_path_names_no_subject_that_one_may_not_read(publish, teammate: Person):
    publish("team.a", ADDRESS)
    publish("secret", ORDER, references=to("team.a", 1))
    publish("team.b", {"$ref": "s"}, references=to("secret", 1, "s"))
    with pytest.raises(InvalidReference) as refused:
        publish("team.a", {"$ref": "b"}, references=to("team.b", 1, "b"), actor=teammate.actor)
    assert refused.value.facts["cycle"] == [
        "team.a",
        "team.b 1",
        "a schema that you may not read",
        "team.a 1",
    ]


def test_a_diamond_is_no_cycle(publish, address):
    publish("order", ORDER, references=to("address", 2))
    both = {"properties": {"o": {"$ref": "order"}, "a": {"$ref": "address.json"}}}
    references = [*to("order", 1, "order"), *to("address", 2)]
    assert publish("basket", both, references=references).number == 1


# --- bundled ----------------------------------------------------------------------------------


@pytest.fixture
def basket(publish, address):
    """Refers to `order`, which refers to `address`."""
    publish("order", ORDER, references=to("address", "^1"))
    return publish(
        "basket", {"items": {"$ref": "order"}, "title": "Basket"}, references=to("order", 1, "order")
    ).version


def test_bundled_it_stands_alone(basket, owner):
    addresses = [
        "subjects/basket/versions/1/schema",
        f"schemas/ids/{basket.content_id}/schema",
    ]
    texts = [owner.api.get(f"/api/v1/{path}?format=bundled").json() for path in addresses]
    texts += [
        json.loads(owner.api.get(f"/api/v1/{path}?format=BUNDLED").json()["schema"])
        for path in ("subjects/basket/versions/1", f"schemas/ids/{basket.content_id}")
    ]
    assert all(text == texts[0] for text in texts)
    validator = compile_validator(texts[0])
    assert validator.is_valid([{"to": {"zip": "12345"}}])
    assert not validator.is_valid([{"to": {"zip": "123456"}}])
    assert texts[0]["definitions"]["address.json"]["title"] == "Where to"


def test_bundled_answers_name_no_references_and_have_a_tag_of_their_own(basket, owner):
    path = f"/api/v1/schemas/ids/{basket.content_id}"
    plain, bundled = owner.api.get(path), owner.api.get(f"{path}?format=bundled")
    assert "references" in plain.json()
    assert "references" not in bundled.json()
    assert plain["ETag"] != bundled["ETag"]
    same = owner.api.get(f"{path}?format=bundled", headers={"If-None-Match": bundled["ETag"]})
    assert same.status_code == 304
    assert owner.api.get(f"{path}?format=serialized").json() == plain.json()


def test_bundled_by_guid_it_stands_alone_too(basket, owner):
    guid = owner.api.get("/api/v1/subjects/basket/versions/1").json()["guid"]
    answer = owner.api.get(f"/api/v1/schemas/guids/{guid}?format=bundled").json()
    assert "references" not in answer
    assert answer == owner.api.get(f"/api/v1/schemas/ids/{basket.content_id}?format=bundled").json()


def test_nobody_gets_bundled_what_they_may_not_read(publish, owner, teammate):
    publish("secret", ADDRESS)
    version = publish("team.order", ORDER, references=to("secret", 1)).version
    for address in (
        f"schemas/ids/{version.identity.number}",
        f"schemas/ids/{version.identity.number}/schema",
        f"schemas/guids/{version.identity.guid}",
        "subjects/team.order/versions/1",
        "subjects/team.order/versions/1/schema",
    ):
        assert teammate.api.get(f"/api/v1/{address}").status_code == 200
        refused = teammate.api.get(f"/api/v1/{address}?format=bundled")
        assert (refused.status_code, refused.json()["error_code"]) == (403, 40300), address
        assert "address.json" in refused.json()["message"]
        assert owner.api.get(f"/api/v1/{address}?format=bundled").status_code == 200


def test_what_cannot_be_bundled_says_why(publish, owner):
    tree = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$dynamicAnchor": "n"}
    publish("tree", {**tree, "properties": {"a": {"type": "integer"}}})
    own = {**tree, "$ref": "tree", "properties": {"b": {"$dynamicRef": "#n"}}}
    published = publish("own", own, references=to("tree", 1, "tree"), force=True)
    answer = owner.api.get(f"/api/v1/schemas/ids/{published.content_id}?format=bundled")
    assert (answer.status_code, answer.json()["error_code"]) == (422, 42201)
    assert "several possible targets" in answer.json()["message"]


def test_what_has_no_normal_form_is_published_and_compared_as_undecided(publish):
    tree = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$dynamicAnchor": "n"}
    several = {**tree, "$defs": {"n": {"$dynamicAnchor": "n"}}, "properties": {"a": {"$dynamicRef": "#n"}}}
    publish("s", several)
    with pytest.raises(Undecided):
        publish("s", {**several, "type": "object"})


# --- the graph --------------------------------------------------------------------------------


def test_the_graph_leads_both_ways(basket, owner):
    told = owner.api.get("/api/v1/subjects/order/versions/1/graph").json()
    assert {(v["subject"], v["version"], v["depth"]) for v in told["versions"]} == {
        ("address", 2, -1),
        ("order", 1, 0),
        ("basket", 1, 1),
    }
    assert told["references"] == [
        {"from": "order 1", "to": "address 2", "name": "address.json", "range": "^1"},
        {"from": "basket 1", "to": "order 1", "name": "order", "range": ""},
    ]
    assert (told["hidden"], told["cut"]) == (0, False)


def test_as_dot(basket, owner):
    answer = owner.api.get("/api/v1/subjects/order/versions/1/graph?format=dot")
    assert answer["Content-Type"].startswith("text/vnd.graphviz")
    dot = answer.content.decode()
    assert dot.startswith("digraph references {")
    assert '[label="basket 1.0.0"];' in dot
    assert '[label="address.json ^1"];' in dot


def test_names_are_quoted_in_dot(publish, actor):
    publish('a "b" \\c', ADDRESS)
    graph = graph_around(actor=actor, version=find_version('a "b" \\c', "1"))
    assert r'label="a \"b\" \\c 1.0.0"' in as_dot(graph)


def test_the_graph_shows_only_what_one_may_read(publish, teammate, owner):
    publish("team.a", ADDRESS)
    publish("secret", ORDER, references=to("team.a", 1))
    publish("team.c", {"$ref": "s"}, references=to("secret", 1, "s"))
    told = teammate.api.get("/api/v1/subjects/team.a/versions/1/graph").json()
    assert ([v["subject"] for v in told["versions"]], told["hidden"]) == (["team.a"], 1)
    with pytest.raises(Forbidden):
        graph_around(actor=teammate.actor, version=find_version("secret", "1"))


def test_a_deleted_user_is_no_dependent(basket, actor):
    delete_version(actor=actor, subject="basket", version="1")
    graph = graph_around(actor=actor, version=find_version("order", "1"))
    assert {version.subject.name for version in graph.versions.values()} == {"order", "address"}


def test_a_graph_that_is_too_large_says_so(publish, actor, monkeypatch):
    monkeypatch.setattr("registry.graph.MOST", 3)
    publish("address", ADDRESS)
    for n in range(4):
        publish(f"order {n}", ORDER, references=to("address", 1))
    graph = graph_around(actor=actor, version=find_version("address", "1"))
    assert (len(graph.versions), graph.cut) == (3, True)


def test_the_page_draws_it_and_says_it_in_a_table(basket, owner):
    shown = owner.browser.get(reverse("graph", args=["order", 1])).content.decode()
    assert shown.count("<rect") == 3
    assert shown.count('class="graph-line"') == 2
    for part in ("basket 1.0.0", "address 1.1.0", "^1", "this one", quote("?format=dot", safe="?=")):
        assert part in shown


def test_the_page_of_a_version_without_references(publish, owner):
    publish("alone", ADDRESS)
    assert "No references" in owner.browser.get(reverse("graph", args=["alone", 1])).content.decode()


# --- a change, and who depends ----------------------------------------------------------------


@pytest.fixture
def asking(settings):
    settings.UPLOAD_JUDGES = ["registry.dependents.broken_dependents"]


def findings_of(published):
    return [finding.as_dict() for finding in published.judgement.findings]


def test_a_change_names_the_dependents_that_would_break_with_a_counterexample(publish, address, asking):
    publish("order", ORDER, references=to("address", ">=1"))
    publish("basket", ORDER, references=to("address", "^1"))
    publish("bill", ORDER, references=to("address", 2))
    broken, summary = findings_of(publish("address", NARROWER, semver="2.0.0", dry_run=True))
    assert broken["severity"] == "warning"
    assert broken["sentence"] == "'order' 1.0.0 asks for >=1 and would break with its next upload."
    assert len(broken["facts"]["witness"]["instance"]["to"]["zip"]) == 5
    assert summary["facts"] == {"dependents": 3, "taking": 1, "broken": 1}


def test_a_change_that_breaks_nobody_says_so(publish, address, asking):
    publish("order", ORDER, references=to("address", "^1"))
    [summary] = findings_of(publish("address", {**WIDER, "title": "other words"}, dry_run=True))
    assert summary["sentence"] == (
        "1 schema refers to this subject: 1 would take the new version with the next upload, 0 of which would not "
        "stay compatible."
    )


def test_a_dependent_is_judged_by_its_own_rules(publish, address, asking, actor):
    publish("order", ORDER, references=to("address", ">=1"))
    set_rules(actor=actor, subject="order", level="FORWARD")
    [summary] = findings_of(publish("address", NARROWER, semver="2.0.0", dry_run=True))
    assert summary["facts"]["broken"] == 0


def test_only_the_latest_version_of_a_dependent_counts(publish, address, asking):
    publish("order", ORDER, references=to("address", ">=1"))
    publish("order", ORDER, references=to("address", 2), semver="1.1.0")
    [summary] = findings_of(publish("address", NARROWER, semver="2.0.0", dry_run=True))
    assert summary["facts"] == {"dependents": 1, "taking": 0, "broken": 0}


def test_a_dependent_that_one_may_not_read_is_counted_and_not_named(publish, asking, teammate):
    publish("team.address", ADDRESS)
    publish("secret", ORDER, references=to("team.address", "*"))
    findings = findings_of(
        publish("team.address", NARROWER, semver="2.0.0", dry_run=True, actor=teammate.actor)
    )
    assert findings[0]["sentence"].startswith("A schema that you may not see asks for")
    assert "secret" not in json.dumps(findings)
    assert "witness" not in findings[0]["facts"]


def test_a_schema_without_dependents_says_nothing(publish, address, asking):
    assert findings_of(publish("address", {**WIDER, "title": "t"}, dry_run=True)) == []


def test_names_that_clash_are_told(publish, address, asking):
    publish("zip", ZIP)
    publish("country", {"const": "de"})
    own = {"properties": {"to": {"$ref": "address.json"}, "code": {"$ref": "part"}}}
    publish("order", own, references=[*to("address", "*"), *to("country", 1, "part")])
    other = {"properties": {"zip": {"$ref": "part"}}}
    found = findings_of(
        publish("address", other, references=to("zip", 1, "part"), semver="2.0.0", dry_run=True)
    )
    assert "one name would mean two schemas" in found[0]["sentence"]


def test_an_invalid_reference_is_an_invalid_schema():
    assert issubclass(InvalidReference, InvalidSchema)
