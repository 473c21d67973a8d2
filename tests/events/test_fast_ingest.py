"""Events taken in front of Django: the same answers, for no longer than the right to them lasts."""

import gzip
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test.client import ClientHandler

from access.actor import SYSTEM
from access.models import Role
from access.tokens import revoke_token
from events import store
from events.fast_ingest import ADDRESS, FastIngest
from events.models import Event, LogHead, QuarantinedEvent
from registry.publish import publish_version
from tests.conftest import MakePerson, Person
from tests.events.conftest import ORDER, event
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


class Behind:
    """Django behind the middleware, and how often it was needed."""

    def __init__(self) -> None:
        self.calls = 0
        self.django = ClientHandler(enforce_csrf_checks=True)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.calls += 1
        response = self.django(environ)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return [response.content]


class Server:
    def __init__(self) -> None:
        self.behind = Behind()
        self.application = FastIngest(self.behind)

    def post(
        self, person: Person, body: bytes, *, through: Any = None, **environ: str
    ) -> tuple[int, dict[str, str], Any]:
        """(status, headers, answer) of a request as granian hands it over."""
        asked = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": ADDRESS,
            "QUERY_STRING": "",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "HTTP_AUTHORIZATION": f"Bearer {person.secret}",
            "wsgi.input": BytesIO(body),
            "wsgi.url_scheme": "http",
            **environ,
        }
        seen: list[Any] = []
        answer = b"".join((through or self.application)(asked, lambda *given: seen.append(given)))
        return int(seen[0][0][:3]), dict(seen[0][1]), json.loads(answer)

    def send(self, person: Person, *events: dict[str, Any]) -> tuple[int, Any]:
        status, _, answer = self.post(person, json.dumps(events).encode())
        return status, answer

    def needs_django(self, person: Person, body: bytes = b"[]", **environ: str) -> bool:
        before = self.behind.calls
        self.post(person, body, **environ)
        return self.behind.calls > before


@pytest.fixture
def server(settings: Any) -> Server:
    settings.UPLOAD_JUDGES = []
    return Server()


@pytest.fixture
def producer(server: Server, make_person: MakePerson) -> Person:
    """Known to the process, which has the schema of its orders in memory."""
    publish_version(actor=SYSTEM, subject="order.placed", schema=json.dumps(ORDER), semver="1.0.0")
    person = make_person("ann", role="producer")
    server.send(person, event())
    return person


def test_who_was_let_in_a_moment_ago_needs_no_django(server: Server, producer: Person) -> None:
    body = json.dumps([event(), event(metadata={})]).encode()
    assert not server.needs_django(producer, body)
    assert Event.objects.count() == 3
    assert server.needs_django(producer, HTTP_AUTHORIZATION="Bearer onex_unknown")
    assert server.needs_django(producer, HTTP_AUTHORIZATION="")


def test_one_who_may_not_send_is_refused_by_the_view(server: Server, make_person: MakePerson) -> None:
    viewer = make_person("eve", role="viewer")
    for _ in range(2):
        assert server.post(viewer, b"not even JSON")[0] == 403
    assert server.behind.calls == 2


# "@@" in an id is the door that it goes through; the ids have no other use than to be two.
REQUESTS: list[tuple[bytes, dict[str, str]]] = [
    (
        json.dumps(
            [
                event(event_id="a@@", correlation_id="c-1", parent_correlation_id="c-0", trace_id="t" * 70),
                event(event_id="a@@", metadata={"amount": 4}),
                event("nobody.knows", event_id="b@@"),
                event(event_id="c@@", metadata={"amount": "three"}),
                event(event_id="d@@", schema_version="7.0.0"),
                event(event_id="e@@", sample_rate=0.5, timestamp="1970-01-01T00:00:00"),
                event(event_id="f@@", metadata={"amount": 2**64, "note": "\0"}),
                event(event_id="g@@", metadata={"amount": 1, "note": "x" * 1_100_000}),
                event(event_id=...),
                7,
            ]
        ).encode(),
        {},
    ),
    (json.dumps(event(event_id="one@@")).encode(), {"HTTP_ACCEPT": "application/json"}),
    (json.dumps(event(event_id="v1@@")).encode(), {"HTTP_ACCEPT": "application/vnd.schemaregistry.v1+json"}),
    (b'{"event_id": "c@@"}\n\nnothing\n{"a":1,"a":2}\n', {"CONTENT_TYPE": "application/x-ndjson"}),
    (json.dumps(event(event_id="zip@@")).encode(), {"HTTP_CONTENT_ENCODING": "gzip"}),
    (b"[]", {}),
]
UNREADABLE: list[tuple[bytes, dict[str, str]]] = [
    (gzip.compress(b"[]", mtime=0)[:-4], {"HTTP_CONTENT_ENCODING": "gzip"}),
    (b"[]", {"HTTP_CONTENT_ENCODING": "br"}),
    (b"[]", {"CONTENT_TYPE": "text/csv"}),
    (b"[{]", {"HTTP_ACCEPT": "application/problem+json"}),
    (b"[" + b"{}," * 5_000 + b"{}]", {}),
]


@pytest.mark.parametrize(("template", "environ"), REQUESTS)
def test_both_doors_answer_and_store_the_same(
    server: Server, producer: Person, template: bytes, environ: dict[str, str]
) -> None:
    def sent(door: bytes, through: Any) -> tuple[Any, ...]:
        body = template.replace(b"@@", door)
        if environ.get("HTTP_CONTENT_ENCODING"):
            body = gzip.compress(body)
        before = LogHead.objects.get().position
        QuarantinedEvent.objects.all().delete()
        status, headers, told = server.post(producer, body, through=through, **environ)
        kept = {name: headers[name] for name in ("Content-Type", "X-Content-Type-Options")}
        return status, kept, without_ids(told, door.decode()), rows_after(before, door)

    first = sent(b"-fast", server.application)
    assert server.behind.calls == 1
    assert first == sent(b"-slow", server.behind)


def rows_after(position: int, door: bytes) -> list[dict[str, Any]]:
    """What was stored and quarantined, without what is of the moment: ids, places and times of arrival."""
    of_the_moment = {"position", "received_at", "id", "last_seen_at", "digest", "event_id", "pk"}
    stored = Event.everything.filter(position__gt=position).order_by("position").values()
    held = QuarantinedEvent.objects.order_by("id").values()
    return [
        {
            name: bytes(value).replace(door, b"") if name == "raw" else without_door(value, door.decode())
            for name, value in row.items()
            if name not in of_the_moment
        }
        for row in [*stored, *held]
    ]


def without_door(value: Any, door: str) -> Any:
    return json.loads(json.dumps(value, default=str).replace(door, ""))


@pytest.mark.parametrize(("body", "environ"), UNREADABLE)
def test_what_cannot_be_read_is_refused_by_the_view(
    server: Server, producer: Person, body: bytes, environ: dict[str, str]
) -> None:
    assert server.needs_django(producer, body, **environ)
    answer = server.post(producer, body, **environ)
    assert answer[0] in {400, 413, 415}
    assert answer[2] == server.post(producer, body, through=server.behind, **environ)[2]


def without_ids(answer: Any, door: str) -> Any:
    """Two events without an id get two."""
    answer = without_door(answer, door)
    for outcome in answer.get("results", []):
        if "event_id_assigned" in outcome["lints"]:
            del outcome["event_id"]
    return answer


def test_the_caller_s_request_id_is_answered_with(server: Server, producer: Person) -> None:
    assert server.post(producer, b"[]", HTTP_X_REQUEST_ID="mine-1")[1]["X-Request-Id"] == "mine-1"
    assert len(server.post(producer, b"[]")[1]["X-Request-Id"]) == 16


@pytest.mark.parametrize(
    "environ",
    [
        {"CONTENT_LENGTH": ""},
        {"CONTENT_LENGTH": "0"},
        {"CONTENT_LENGTH": "99999999"},
        {"REQUEST_METHOD": "GET"},
        {"QUERY_STRING": "any=thing"},
    ],
    ids=str,
)
def test_whatever_is_not_the_plain_case_is_for_the_view(
    server: Server, producer: Person, environ: dict[str, str]
) -> None:
    assert server.needs_django(producer, **environ)


def test_a_revoked_token_sends_nothing_more(server: Server, producer: Person) -> None:
    revoke_token(actor=producer.actor, token_id=producer.token_actor.token.pk)  # type: ignore[union-attr]
    assert server.send(producer, event())[0] == 401
    # Nor does it learn what would be stored and what not.
    assert server.send(producer, {"event_id": "x" * 2_000_000})[0] == 401
    assert server.post(producer, b"not even JSON")[0] == 401
    assert Event.objects.count() == 1


def test_a_role_that_was_taken_away_is_missed_at_once(server: Server, producer: Person) -> None:
    Role.objects.filter(user=producer.user).update(subject_prefix="shop.")
    _, answer = server.send(producer, event())
    assert answer["counts"] == {"rejected": 1}
    assert Event.objects.count() == 1


def test_events_are_judged_by_the_version_that_was_published_a_moment_ago(
    server: Server, producer: Person
) -> None:
    publish_version(
        actor=SYSTEM, subject="order.placed", schema=json.dumps(ORDER | {"maxProperties": 1}), semver="2.0.0"
    )
    status, answer = server.send(producer, event(schema_version="2.0.0", metadata={"amount": 1, "note": "x"}))
    assert (status, answer["counts"]) == (200, {"stored_with_violations": 1})
    assert answer["results"][0]["schema_version"] == "2.0.0"


def test_of_those_stored_together_the_one_judged_by_an_older_version_begins_anew(
    server: Server, producer: Person
) -> None:
    def post(*_: Any) -> Any:
        try:
            return server.send(producer, event(metadata={"amount": 1, "note": "x"}))
        finally:
            connection.close()

    other = connection.copy()
    other.set_autocommit(False)
    with ThreadPoolExecutor(4) as pool, closing(other), other.cursor() as cursor:
        cursor.execute("SELECT FROM events_loghead FOR UPDATE")
        first = pool.submit(post)
        # It has found its judgement current, and waits for the turn to append.
        until(_somebody_waits_for_the_log)
        # These have read the catalogue already, and wait.
        rest = [pool.submit(post) for _ in range(2)]
        until(lambda: len(store._store_together._waiting) == 2)
        publish_version(
            actor=SYSTEM,
            subject="order.placed",
            schema=json.dumps(ORDER | {"maxProperties": 1}),
            semver="2.0.0",
        )
        other.rollback()
        told = [answer.result(20) for answer in (first, *rest)]

    assert [answer["results"][0]["schema_version"] for _, answer in told] == ["1.0.0", "2.0.0", "2.0.0"]
    assert server.behind.calls == 3
    assert Event.objects.count() == 4


def _somebody_waits_for_the_log() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
            "AND query LIKE '%events_loghead%'"
        )
        return cursor.fetchone() is not None


def test_beyond_its_rate_a_token_is_told_when_to_go_on(
    server: Server, producer: Person, settings: Any
) -> None:
    settings.INGEST_EVENTS_PER_SECOND, settings.INGEST_BURST_SECONDS = 1, 2
    assert server.send(producer, event(), event(), event())[0] == 200
    status, headers, answer = server.post(producer, json.dumps(event()).encode())
    assert (status, answer["details"]["code"]) == (429, "rate_limited")
    assert int(headers["Retry-After"]) >= 1
    assert Event.objects.count() == 4


def test_an_event_that_begins_anew_is_counted_once_against_the_rate(
    server: Server, producer: Person, settings: Any
) -> None:
    settings.INGEST_EVENTS_PER_SECOND, settings.INGEST_BURST_SECONDS = 1, 3
    publish_version(
        actor=SYSTEM, subject="order.placed", schema=json.dumps(ORDER | {"maxProperties": 1}), semver="2.0.0"
    )
    assert server.send(producer, event(), event())[0] == 200
    assert server.behind.calls == 2
    # Counted twice, the two would have used up the three.
    assert server.send(producer, event())[0] == 200


def test_without_the_database_nothing_is_acknowledged(
    server: Server, producer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"host": "/nowhere"})
    status, headers, answer = server.post(producer, json.dumps(event()).encode())
    assert (status, answer["details"]["code"]) == (503, "store_unavailable")
    assert int(headers["Retry-After"]) >= 1


def test_when_too_many_wait_the_answer_says_when_to_try_again(
    server: Server, producer: Person, settings: Any
) -> None:
    settings.INGEST_MAX_WAITING = 0
    status, headers, answer = server.post(producer, json.dumps(event()).encode())
    assert (status, answer["details"]["code"]) == (503, "append_queue_full")
    assert int(headers["Retry-After"]) >= 1
    assert Event.objects.count() == 1
