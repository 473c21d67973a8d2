"""Whatever is sent: a documented code, a sentence that helps, nothing stored half, and never a 500."""

import gzip
import json
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from registry.local.home import CHECKOUT
from tests.onex import an_event, ok
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(200)]
SUBJECT = "bad.input"
VERSIONS = f"subjects/{SUBJECT}/versions"
DEEP = 10_000
DEEP_SCHEMA = '{"properties":{"a":' * DEEP + "{}" + "}}" * DEEP
DEEP_OBJECT = b'{"a":' * DEEP + b"{}" + b"}" * DEEP
HUGE = 20_000_000
JSON = {"Content-Type": "application/json"}
SIMPLE = {"type": "object", "properties": {"a": {"type": "integer"}}}


def uploaded(schema, **more):
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return {"schemaType": "JSON", "schema": text, **more}


@dataclass(frozen=True)
class Bad:
    """A request, and the code and the words with which it has to be refused."""

    what: str
    method: str
    path: str
    number: int
    code: str
    says: str
    body: object = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def sent_with(self, client):
        content = self.raw if self.raw is not None else None
        json_body = self.body if content is None else None
        headers = {**(JSON if content is not None else {}), **self.headers}
        return client.request(self.method, self.path, json=json_body, content=content, headers=headers)


def upload(what, schema, number, code, says, **more):
    return Bad(what, "POST", VERSIONS, number, code, says, body=uploaded(schema, **more))


def posted(what, path, raw, number, code, says, **headers):  # noqa: PLR0917 -- a row of the table
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Bad(what, "POST", path, number, code, says, raw=raw, headers=named)


def asked(what, path, number, code, says, **more):
    return Bad(what, "GET", path, number, code, says, **more)


DRAFT_7 = "http://json-schema.org/draft-07/schema#"
REFUSED = [
    # --- schemas ---
    posted("malformed JSON", VERSIONS, b'{"schema": ', 40000, "malformed_body", "not JSON"),
    posted("a list for a body", VERSIONS, b"[]", 40000, "malformed_body", "JSON object"),
    posted("no UTF-8", VERSIONS, b'{"schema": "\xff"}', 40000, "malformed_body", "not JSON"),
    posted("an empty body", VERSIONS, b"", 42201, "invalid_schema", "schema"),
    posted("XML", VERSIONS, b"<a/>", 41500, "unsupported_media_type", "application/json", Content_Type="text/xml"),
    posted("20 MB", VERSIONS, b'{"schema": "' + b" " * HUGE + b'"}', 41300, "body_too_large", "16777216"),
    posted("a body that is deep", VERSIONS, DEEP_OBJECT, 42201, "invalid_schema", "nested"),
    upload("a large schema", {"description": "x" * 5_000_000}, 42209, "schema_too_large", "SCHEMA_MAX_BYTES"),
    upload("a schema that is no JSON", '{"type": ', 42201, "invalid_schema", "JSON"),
    upload("a schema that is a number", "7", 42201, "invalid_schema", "schema"),
    upload("a schema that is a list", "[]", 42201, "invalid_schema", "schema"),
    upload("an unknown type", {"type": "strnig"}, 42201, "invalid_schema", "strnig"),
    upload("a pattern that is none", {"pattern": "("}, 42201, "invalid_schema", "pattern"),
    upload("an unknown draft", {"$schema": "http://json-schema.org/draft-99/schema#"}, 42201, "invalid_schema", "draft-99"),
    upload("a remote $ref", {"$ref": "https://example.com/a.json"}, 42201, "invalid_schema", "example.com"),
    upload("a file $ref", {"$ref": "file:///etc/passwd"}, 42201, "invalid_schema", "file:///etc/passwd"),
    upload("a $ref to nowhere", {"$ref": "#/$defs/none"}, 42201, "invalid_schema", "none"),
    upload("deep nesting", DEEP_SCHEMA, 42201, "invalid_schema", "nested"),
    upload("deep lists", "[" * DEEP + "]" * DEEP, 42201, "invalid_schema", "nested"),
    upload("duplicate keys", '{"type": "object", "type": "string"}', 42201, "invalid_schema", "type"),
    upload("NaN", '{"minimum": NaN}', 42201, "invalid_schema", "JSON"),
    upload("a number without end", '{"minimum": 1e999999999}', 42201, "invalid_schema", "1e999999999"),
    upload("half a surrogate pair", '{"title": "\\ud800"}', 42201, "invalid_schema", "surrogate"),
    Bad("Avro", "POST", VERSIONS, 42201, "invalid_schema", "JSON", body={"schemaType": "AVRO", "schema": '"int"'}),
    upload("a reference to nothing", SIMPLE, 42201, "invalid_schema", "", references=[{"name": "a", "subject": "none", "version": 1}]),
    upload("a reference without a name", SIMPLE, 42201, "invalid_schema", "name", references=[{}]),
    upload("a version that is none", SIMPLE, 42202, "invalid_version", "new", semver="new"),
    upload("a version that promises too much", {**SIMPLE, "required": ["a"]}, 40921, "version_too_low", "2.0.0", semver="1.0.1"),
    upload("a breaking change", {**SIMPLE, "required": ["a"]}, 40901, "incompatible_schema", "incompatible"),
    Bad("a name with NUL", "POST", "subjects/a%00b/versions", 40000, "malformed_body", "control", body=uploaded(SIMPLE)),
    Bad("a name that rings", "POST", "subjects/a%07b/versions", 42208, "invalid_subject", "control", body=uploaded(SIMPLE)),
    upload("a reference with NUL", SIMPLE, 42201, "invalid_schema", "name", references=[{"name": "a\0", "subject": "b", "version": 1}]),
    upload("a breaking change beyond 64 bits", {"type": "object", "properties": {"a": {"type": "integer", "minimum": 2**70}}}, 40901, "incompatible_schema", str(2**70)),
    Bad("a name that is too long", "POST", f"subjects/{'x' * 256}/versions", 42208, "invalid_subject", "255", body=uploaded(SIMPLE)),
    Bad("a reserved word in a name", "POST", "subjects/a%2Fconfig%2Fb/versions", 42208, "invalid_subject", "config", body=uploaded(SIMPLE)),
    Bad("a level that is none", "PUT", f"config/{SUBJECT}", 42203, "invalid_compatibility_level", "BACKWARD", body={"compatibility": "SIDEWAYS"}),
    Bad("a mode that is none", "PUT", f"mode/{SUBJECT}", 42204, "invalid_mode", "READONLY", body={"mode": "SLEEPING"}),
    asked("a subject that is none", "subjects/none/versions", 40401, "subject_not_found", "none"),
    asked("a version that is none", f"{VERSIONS}/99", 40402, "version_not_found", "99"),
    asked("a deleted version", f"{VERSIONS}/2", 40402, "version_not_found", "2"),
    asked("a version in words", f"{VERSIONS}/newest", 42202, "invalid_version", "newest"),
    asked("version 0", f"{VERSIONS}/0", 42202, "invalid_version", "0"),
    asked("a version beyond 2^63", f"{VERSIONS}/{2**63}", 42202, "invalid_version", ""),
    asked("an id that is none", "schemas/ids/999999999", 40403, "schema_not_found", "999999999"),
    asked("an id beyond 2^63", f"schemas/ids/{2**63}", 40403, "schema_not_found", ""),
    asked("an address that is none", "nothing/here", 40400, "no_such_address", "address"),
    asked("a limit in words", "subjects?limit=many", 40000, "malformed_body", "many"),
    Bad("a method that is none", "PATCH", "subjects", 40500, "method_not_allowed", "PATCH", body={}),
    Bad("deleting for good at once", "DELETE", f"subjects/{SUBJECT}?permanent=true", 40405, "subject_not_soft_deleted", SUBJECT),
    Bad("deleting a deleted version", "DELETE", f"{VERSIONS}/2", 40406, "version_soft_deleted", "permanent"),
    # --- events ---
    posted("an unfinished array", "events", b'[{"event_id": "1"}, {', 40000, "malformed_body", ""),
    posted("an event that is no JSON", "events", b'{"event_type": NODE_START}', 40000, "malformed_body", "byte 15"),
    posted("an array of nothing that is JSON", "events", b"[event, event]", 40000, "malformed_body", "byte 1"),
    posted("lines sent as one event", "events", b'{"event_id": "1"}\n{"event_id": "2"}', 40000, "malformed_body", "application/x-ndjson"),
    posted("nothing", "events", b"", 40000, "malformed_body", "empty"),
    posted("20 MB of events", "events", b"[" + b" " * HUGE + b"]", 41300, "body_too_large", "INGEST_MAX_BYTES"),
    posted("20 MB when unpacked", "events", gzip.compress(b" " * HUGE), 41300, "body_too_large", "INGEST_MAX_BYTES", Content_Encoding="gzip"),
    posted("5,001 events", "events", b"[" + b",".join([b"{}"] * 5001) + b"]", 41300, "body_too_large", "5000"),
    posted("events as a form", "events", b"a=1", 41500, "unsupported_media_type", "ndjson", Content_Type="application/x-www-form-urlencoded"),
    posted("brotli", "events", b"\x8b", 41500, "unsupported_media_type", "gzip", Content_Encoding="br"),
    posted("gzip that is none", "events", b"no gzip", 40000, "malformed_body", "gzip", Content_Encoding="gzip"),
    posted("zstd that is none", "events", b"no zstd", 40000, "malformed_body", "zstd", Content_Encoding="zstd"),
    asked("an event that is none", "events/none", 40400, "event_not_found", "none"),
    asked("a correlation that is none", "correlations/none", 40400, "correlation_not_found", "none"),
    asked("a time that is none", "events?since=yesterday", 42200, "invalid_query", "yesterday"),
    asked("a page that is none", "events?after=7up", 42200, "invalid_cursor", "first"),
    asked("NUL in a filter", "events?type=a%00b", 40000, "malformed_body", "U+0000"),
    asked("NUL in a name", "subjects/a%00b/versions", 40000, "malformed_body", "U+0000"),
    asked("NUL in an id", "events/a%00b", 40000, "malformed_body", "U+0000"),
    asked("an id that no column holds", "deliveries/99999999999999999999", 40400, "delivery_not_found", ""),
    asked("a rule that no column holds", "alerts/rules/99999999999999999999", 40400, "rule_not_found", ""),
    # --- replays and alerts ---
    Bad("a replay of nothing", "POST", "replays", 40400, "correlation_not_found", "none", body={"correlation_id": "none", "target": "https://example.com/"}),
    Bad("a replay to the inside", "POST", "replays", 42200, "target_refused", "OUTBOUND_ALLOW", body={"correlation_id": "none", "target": "http://127.0.0.1:22/"}),
    Bad("a replay to the cloud's secrets", "POST", "replays", 42200, "target_refused", "", body={"correlation_id": "none", "target": "http://169.254.169.254/latest"}),
    Bad("a replay backwards", "POST", "replays", 42200, "invalid_request", "speed", body={"correlation_id": "none", "target": "https://example.com/", "speed": -1}),
    Bad("a replay that is none", "GET", "replays/00000000-0000-0000-0000-000000000000", 40400, "replay_not_found", ""),
    Bad("a rule without a condition", "POST", "alerts/rules", 42200, "invalid_request", "selector", body={"name": "x"}),
    Bad("a condition that is none", "POST", "alerts/rules", 42200, "invalid_condition", "", body={"name": "x", "selector": {"some": []}}),
    Bad("a condition that no rule can have", "POST", "alerts/rules", 42200, "invalid_condition", "line 1, column 1", body={"name": "x", "selector": "size(node_id) > 3"}),
    Bad("a field that is none", "POST", "alerts/rules", 42200, "unknown_field", "error_code", body={"name": "x", "selector": {"all": [{"field": "event_type", "op": "eq", "value": "NODE_FAILURE"}, {"field": "metadata.error_cod", "op": "exists"}]}}),
    Bad("a threshold of 0", "POST", "alerts/rules", 42200, "invalid_rule", "threshold", body={"name": "x", "threshold": 0, "selector": {"field": "node_id", "op": "exists"}}),
    Bad("a channel to the inside", "POST", "alerts/channels", 42200, "target_refused", "OUTBOUND_ALLOW", body={"name": "x", "url": "http://127.0.0.1:5432/"}),
    Bad("a token for what is none", "POST", "tokens", 42200, "invalid_token_request", "scope", body={"name": "x", "scopes": ["everything"]}),
    # --- who is asking ---
    asked("a wrong token", "subjects", 40100, "unauthenticated", "token", headers={"Authorization": "Bearer onex_wrong"}),
    asked("basic with a wrong token", "subjects", 40100, "unauthenticated", "token", headers={"Authorization": "Basic YTpi"}),
    asked("basic that is none", "subjects", 40100, "unauthenticated", "", headers={"Authorization": "Basic §".encode()}),
    asked("no token", "schemas/ids/1", 40100, "unauthenticated", "token", headers={"Authorization": ""}),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _subject(api):
    """Version 1 is there, version 2 is deleted."""
    ok(api.post(VERSIONS, json=uploaded(SIMPLE)))
    ok(api.post(VERSIONS, json=uploaded({**SIMPLE, "title": "second"})))
    ok(api.delete(f"{VERSIONS}/2"))


@pytest.fixture(scope="module")
def documented():
    page = (CHECKOUT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+) \| (\d{5}) \|", page, re.MULTILINE)
    return {(code, int(number)) for names, number in rows for code in re.findall(r"`(\w+)`", names)}


def all_there_is(api):
    """Everything that a refused request might have left behind, once all earlier changes were told as events."""
    until(lambda: ok(api.get("changes"))["waiting"] == 0)
    subjects = ok(api.get("subjects", params={"deleted": "true"}))
    versions = ok(api.get(VERSIONS, params={"deleted": "true"}))
    newest = [ok(api.get(path))["items"][:1] for path in ("quarantine", "alerts/channels")]
    # What was set up for these tests is told as events in its own time.
    sent = ok(api.get("events", params={"limit": 200}))["items"]
    newest.append([event for event in sent if not event["event_type"].startswith("registry.")][:1])
    rules = [(rule["id"], rule["edition"]["number"]) for rule in ok(api.get("alerts/rules"))["items"]]
    replays = [run["id"] for run in ok(api.get("replays"))["items"]]
    rest = [ok(api.get(f"{name}?defaultToGlobal=true")) for name in (f"config/{SUBJECT}", f"mode/{SUBJECT}")]
    return subjects, versions, newest, rules, replays, rest


@pytest.mark.parametrize("bad", REFUSED, ids=lambda bad: bad.what)
def test_it_is_refused_by_its_documented_code_and_leaves_nothing(api, documented, bad):
    before = all_there_is(api)
    answer = bad.sent_with(api)

    body = answer.json()
    assert (answer.status_code, body["error_code"], body["details"]["code"]) == (
        bad.number // 100,
        bad.number,
        bad.code,
    ), body
    assert (bad.code, bad.number) in documented
    assert bad.says.lower() in body["message"].lower()
    assert len(body["message"]) < 2_000
    assert all_there_is(api) == before


DEEP_EVENT = b'{"event_type": "NODE_START", "metadata": ' + DEEP_OBJECT + b"}"
JUDGED = [
    ("an unknown type", json.dumps(an_event("NOBODY_KNOWS", {})).encode(), "quarantined", "unknown_event_type"),
    ("an unknown version", json.dumps(an_event("NODE_START", {}, schema_version="7.0.0")).encode(), "quarantined", "unknown_schema_version"),
    ("deep nesting", DEEP_EVENT, "rejected", "event_too_deep"),
    ("a large event", json.dumps(an_event("NODE_START", {"x": "y" * 2_000_000})).encode(), "rejected", "event_too_large"),
    ("NaN", b'{"event_type": "NODE_START", "metadata": {"a": NaN}}', "rejected", "unreadable_event"),
    ("duplicate keys", b'{"event_type": "NODE_START", "event_type": "NODE_START"}', "rejected", "unreadable_event"),
    ("half a surrogate pair", b'{"event_type": "NODE_START", "metadata": {"a": "\\ud800"}}', "rejected", "unreadable_event"),
    ("no JSON", b"event", "rejected", "unreadable_event"),
    ("a number", b"7", "rejected", "not_an_object"),
    ("an empty object", b"{}", "quarantined", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "code"), [row[1:] for row in JUDGED], ids=[row[0] for row in JUDGED]
)
def test_a_bad_event_among_good_ones_fails_alone(api, body, status, code):
    good = json.dumps(an_event("NODE_START", {"input_state": {}}, schema_version="1.0.0")).encode()
    answer = ok(api.post("events", content=b"[" + good + b"," + body + b"]", headers=JSON))

    first, second = answer["results"]
    assert (first["status"], second["status"]) == ("stored", status), second
    if code:
        assert code in {error["code"] for error in second["errors"]}
    assert all(error["message"] for error in second["errors"])
    page = (Path(CHECKOUT) / "docs/reference/events.md").read_text(encoding="utf-8")
    assert all(f"`{error['code']}`" in page for error in second["errors"])


PAGES = [
    "/subjects/none",
    "/subjects/bad.input/versions/99",
    "/subjects/bad.input/versions/newest",
    "/events?since=yesterday",
    "/events?after=7up",
    "/events?type=a%00b",
    "/events/id/none",
    "/events/correlation/none",
    "/alerts/rules/999999",
    "/alerts/episodes/999999",
    f"/alerts/rules/{2**63}",
    f"/alerts/episodes?rule={2**63}",
    f"/deliveries/{2**63}",
    f"/violations/quarantine/{2**63}",
    "/alerts/episodes?state=odd",
    "/replays/00000000-0000-0000-0000-000000000000",
    "/replays/new?correlation_id=none",
    "/replays/new?correlation_id=a%00b",
    "/replays?state=odd",
    "/subjects?q=%00",
    "/subjects?after=7up",
    "/audit?after=7up",
    "/people/of/none",
    "/invitations/none",
    "/taxonomies/none",
    "/nothing/here",
    "/%ff",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_a_bad_address_with_a_page(pages, path):
    answer = pages.get(path)

    assert answer.status_code in {200, 302, 400, 404, 410, 422}
    if answer.status_code != 302:
        assert "Onex Registry" in answer.text


FORMS = [
    ("/upload", {"subject": "bad.form", "schema": DEEP_SCHEMA, "publish": "yes"}),
    ("/upload", {"subject": "bad.form", "schema": '{"$ref": "https://example.com/a"}', "publish": "yes"}),
    ("/upload", {"subject": "bad.form", "schema": "{}", "references": "half a reference", "publish": "yes"}),
    ("/replays/new", {"correlation_id": "none", "target": "http://127.0.0.1:22/", "speed": "1"}),
    ("/alerts/rules/new", {"name": "bad", "selector": "[" * 500, "action": "save"}),
    ("/alerts/channels/new", {"name": "bad", "url": "http://169.254.169.254/"}),
    ("/tokens/new", {"name": "bad", "scopes": "everything"}),
    ("/people/invite", {"role": "emperor"}),
]


@pytest.mark.parametrize(("path", "filled"), FORMS)
def test_a_form_that_cannot_be_taken_is_shown_again(pages, api, path, filled):
    before = all_there_is(api)
    answer = pages.post(path, data=filled)

    assert answer.status_code in {200, 400, 422}
    assert "error" in answer.text or "notice" in answer.text
    assert all_there_is(api) == before


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /api/v1/subjects/%ff%fe HTTP/1.1",
        b"GET /api/v1/../../etc/passwd HTTP/1.1",
        b"GET /static/../registry/settings.py HTTP/1.1",
        b"GET /static/%2e%2e/%2e%2e/registry/settings.py HTTP/1.1",
        b"GET //api/v1/subjects HTTP/1.1",
        b"POST /api/v1/events HTTP/1.1\r\nContent-Length: ten",
        b"POST /api/v1/events HTTP/1.1\r\nContent-Length: -1",
        b"BREW /api/v1/subjects HTTP/1.1",
        b"GET /api/v1/subjects HTTP/1.1\r\nX: " + b"x" * 2_000_000,
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1",
    ],
    ids=lambda line: line[:60].decode(errors="replace"),
)
def test_a_request_no_client_would_send_is_refused_and_the_server_goes_on(registry, api, request_line):
    parts = urlsplit(registry.url)
    with socket.create_connection((parts.hostname, parts.port), 20) as raw:
        raw.sendall(
            request_line
            + b"\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %b\r\nConnection: close\r\n\r\n"
            % registry.token.encode()
        )
        try:
            answer = raw.makefile("rb").read()
        except ConnectionResetError:
            answer = b""  # refused in mid-request: the server reads no further
    status = int(answer.split(b" ", 2)[1]) if answer else None

    assert status is None or 400 <= status < 500
    assert b"SECRET_KEY" not in answer
    assert b"root:" not in answer
    assert api.get("subjects").is_success


def test_an_unknown_host_is_refused(registry, api):
    answer = api.get("subjects", headers={"Host": "evil.example"})

    assert answer.status_code == 400
