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
from events.models import Event
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


@pytest.mark.parametrize(
    ("body", "environ"),
    [
        (json.dumps([event(event_id="a"), event("nobody.knows"), 7]).encode(), {}),
        (json.dumps(event(event_id="b")).encode(), {"HTTP_ACCEPT": "application/json"}),
        (b'{"event_id": "c"}\n\nnothing\n', {"CONTENT_TYPE": "application/x-ndjson"}),
        (gzip.compress(json.dumps(event(event_id="d")).encode()), {"HTTP_CONTENT_ENCODING": "gzip"}),
        (gzip.compress(b"[]")[:-4], {"HTTP_CONTENT_ENCODING": "gzip"}),
        (b"[]", {"HTTP_CONTENT_ENCODING": "br"}),
        (b"[]", {"CONTENT_TYPE": "text/csv"}),
        (b"[{]", {"HTTP_ACCEPT": "application/problem+json"}),
        (b"[" + b"{}," * 5_000 + b"{}]", {}),
    ],
)
def test_the_answer_is_that_of_the_view(
    server: Server, producer: Person, body: bytes, environ: dict[str, str]
) -> None:
    # First for nothing: afterwards both of them tell duplicates.
    server.post(producer, body, **environ)
    assert not server.needs_django(producer, body, **environ)
    status, headers, told = server.post(producer, body, **environ)
    expected_status, expected, answer = server.post(producer, body, through=server.behind, **environ)

    assert status == expected_status
    assert without_ids(told) == without_ids(answer)
    assert headers["Content-Type"] == expected["Content-Type"]
    assert headers["X-Content-Type-Options"] == expected["X-Content-Type-Options"]


def without_ids(answer: Any) -> Any:
    """Two events without an id get two."""
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
    ],
    ids=str,
)
def test_what_has_no_length_or_too_much_of_it_is_for_the_view(
    server: Server, producer: Person, environ: dict[str, str]
) -> None:
    assert server.needs_django(producer, **environ)


def test_a_revoked_token_sends_nothing_more(server: Server, producer: Person) -> None:
    revoke_token(actor=producer.actor, token_id=producer.token_actor.token.pk)  # type: ignore[union-attr]
    assert server.send(producer, event())[0] == 401
    # Nor does it learn what would be stored and what not.
    assert server.send(producer, {"event_id": "x" * 2_000_000})[0] == 401
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
        until(lambda: store._store_together._busy and not store._store_together._waiting)
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


def test_beyond_its_rate_a_token_is_told_when_to_go_on(
    server: Server, producer: Person, settings: Any
) -> None:
    settings.INGEST_EVENTS_PER_SECOND, settings.INGEST_BURST_SECONDS = 1, 2
    assert server.send(producer, event(), event(), event())[0] == 200
    status, headers, answer = server.post(producer, json.dumps(event()).encode())
    assert (status, answer["details"]["code"]) == (429, "rate_limited")
    assert int(headers["Retry-After"]) >= 1
    assert Event.objects.count() == 4


def test_when_too_many_wait_the_answer_says_when_to_try_again(
    server: Server, producer: Person, settings: Any
) -> None:
    settings.INGEST_MAX_WAITING = 0
    status, headers, answer = server.post(producer, json.dumps(event()).encode())
    assert (status, answer["details"]["code"]) == (503, "append_queue_full")
    assert int(headers["Retry-After"]) >= 1
    assert Event.objects.count() == 1
