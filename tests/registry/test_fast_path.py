"""By-id reads answered in front of Django: the same answer, and no longer than the right to it lasts."""

import json
import threading
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import connection
from django.test.client import ClientHandler
from django.utils import timezone

from access.models import Role, Token
from access.tokens import revoke_token
from registry.delete import delete_subject
from registry.fastpath import PREFIX, FastPath
from registry.models import SchemaId
from registry.wire import V1

SCHEMA = {"type": "object", "title": "größer"}


class Behind:
    """Django behind the fast path, and how often it was needed."""

    def __init__(self):
        self.calls = 0
        # The test client's handler: all of Django, but it leaves the test's transaction alone.
        self.django = ClientHandler(enforce_csrf_checks=True)

    def __call__(self, environ, start_response):
        self.calls += 1
        response = self.django(environ)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return [response.content]


class Server:
    def __init__(self):
        self.behind = Behind()
        self.application = FastPath(self.behind)

    def get(self, content_id, person=None, query="", method="GET", **headers):
        """(status, headers, body) of a request as granian hands it over."""
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": f"{PREFIX}{content_id}",
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.input": BytesIO(),
            "wsgi.url_scheme": "http",
            **headers,
        }
        if person:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {person.secret}"
        seen = []
        body = b"".join(self.application(environ, lambda *given: seen.append(given)))
        return int(seen[0][0][:3]), dict(seen[0][1]), body

    def misses(self, *args, **kwargs):
        """Whether Django was needed."""
        before = self.behind.calls
        self.get(*args, **kwargs)
        return self.behind.calls > before


@pytest.fixture
def server(settings, db):
    settings.FAST_PATH_CHECK_SECONDS = 0.0
    with connection.cursor() as cursor:
        # The epoch moves at commit; a test that is rolled back has none.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return Server()


@pytest.fixture
def content_id(publish):
    return publish("team.orders", SCHEMA).content_id


def test_the_answer_is_that_of_the_view(server, content_id, owner):
    status, headers, body = server.get(content_id, owner)
    assert server.behind.calls == 0
    from_view = owner.api.get(f"{PREFIX}{content_id}")
    assert (status, body) == (200, from_view.content)
    for name in ("Content-Type", "Cache-Control", "ETag"):
        assert headers[name] == from_view[name], name
    # The view may have looked at a session, too.
    assert from_view["Vary"].startswith(headers["Vary"])
    assert int(headers["Content-Length"]) == len(body)
    assert json.loads(json.loads(body)["schema"]) == SCHEMA


def test_the_content_type_and_304_are_those_of_the_view(server, content_id, owner):
    _, headers, _ = server.get(content_id, owner, HTTP_ACCEPT=V1)
    assert headers["Content-Type"] == V1
    status, _, body = server.get(content_id, owner, HTTP_IF_NONE_MATCH=headers["ETag"])
    assert (status, body, server.behind.calls) == (304, b"", 0)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content_id": 99999999}, 404),
        ({"content_id": "9" * 19}, 404),
        ({"content_id": "²"}, 404),
        ({"query": "subject=team.orders"}, 200),
        ({"person": None}, 401),
    ],
)
def test_everything_else_falls_through(server, content_id, owner, request_, status):
    asked = {"content_id": content_id, "person": owner} | request_
    answered, _, _ = server.get(**asked)
    assert (answered, server.behind.calls) == (status, 1)


def test_who_reads_no_subject_that_uses_it_is_refused(server, content_id, owner, teammate, stranger):
    assert server.get(content_id, owner)[0] == 200
    assert server.get(content_id, teammate)[0] == 200
    assert server.get(content_id, stranger)[0] == 403


def test_a_second_subject_opens_it_to_its_readers(server, content_id, make_person, publish):
    clerk = make_person("clerk", role="viewer", prefix="bills")
    assert server.get(content_id, clerk)[0] == 403
    publish("bills", SCHEMA)
    assert server.get(content_id, clerk)[0] == 200


def test_an_id_of_a_context_is_its_own_and_its_readers(server, publish, owner, teammate, make_person):
    """One number may mean a schema in each context; whoever reads there need not read here."""
    content_id = publish("team.orders", SCHEMA).content_id
    version = publish(":.berlin:orders", SCHEMA).version
    SchemaId.objects.filter(pk=version.identity_id).update(number=content_id + 1)
    publish("team.more", {"title": "another"})
    berliner = make_person("berliner", role="viewer", prefix=":.berlin:")
    asked = {"content_id": content_id + 1, "query": "subject=%3A.berlin%3A"}
    status, _, body = server.get(person=berliner, **asked)
    assert (status, json.loads(json.loads(body)["schema"])) == (200, SCHEMA)
    assert server.behind.calls == 0
    _, _, other = server.get(content_id + 1, teammate)
    assert json.loads(json.loads(other)["schema"]) == {"title": "another"}
    assert server.get(person=teammate, **asked)[0] == 403
    assert server.get(content_id + 1, berliner)[0] == 403
    for permanent in (False, True):
        delete_subject(actor=owner.actor, subject=":.berlin:orders", permanent=permanent)
    assert server.get(person=berliner, **asked)[0] == 404
    assert server.get(content_id + 1, teammate)[0] == 200


def test_a_basic_password_is_a_token_here_too(server, content_id, owner):
    header = owner.api._credentials | {"HTTP_AUTHORIZATION": _basic(owner.secret)}
    assert server.get(content_id, **header)[0] == 200
    assert server.behind.calls == 0


def _basic(secret):
    import base64

    return "Basic " + base64.b64encode(f"anyone:{secret}".encode()).decode()


def _revoke(person, owner):
    revoke_token(actor=owner.actor, token_id=Token.objects.get(owner=person.user).pk)


def _take_role(person, owner):
    Role.objects.filter(user=person.user).delete()


def _deactivate(person, owner):
    person.user.is_active = False
    person.user.save()


def _expire(person, owner):
    Token.objects.filter(owner=person.user).update(expires_at=timezone.now() - timedelta(seconds=1))


def _narrow(person, owner):
    Token.objects.filter(owner=person.user).update(subject_prefixes=["other."])


@pytest.mark.parametrize("change", [_revoke, _take_role, _deactivate, _expire, _narrow])
def test_a_lost_right_is_lost_in_the_cache(server, content_id, owner, teammate, change):
    assert server.get(content_id, teammate)[0] == 200
    change(teammate, owner)
    assert server.get(content_id, teammate)[0] in {401, 403}
    assert server.get(content_id, owner)[0] == 200


def test_a_schema_deleted_for_good_is_gone_from_the_cache(server, content_id, owner):
    assert server.get(content_id, owner)[0] == 200
    delete_subject(actor=owner.actor, subject="team.orders")
    assert server.get(content_id, owner)[0] == 200
    delete_subject(actor=owner.actor, subject="team.orders", permanent=True)
    assert server.get(content_id, owner)[0] == 404


def test_a_token_expires_without_anybody_doing_anything(server, content_id, make_person):
    brief = make_person("brief", role="viewer", expires_at=timezone.now() + timedelta(seconds=0.4))
    assert server.get(content_id, brief)[0] == 200
    waited = threading.Event()
    assert not waited.wait(0.5)
    assert server.get(content_id, brief)[0] == 401


def test_for_a_wrong_token_nothing_is_loaded(server, content_id, owner, stranger):
    Token.objects.filter(owner=stranger.user).delete()
    assert server.get(content_id, stranger)[0] == 401
    assert server.application._known.answers == {}


def test_between_two_looks_at_the_epoch_no_query_is_made(server, content_id, owner, settings):
    settings.FAST_PATH_CHECK_SECONDS = 30.0
    server.get(content_id, owner)
    queries = []
    with connection.execute_wrapper(lambda run, *args: (queries.append(args[0]), run(*args))[1]):
        for _ in range(10):
            assert not server.misses(content_id, owner)
    assert queries == []


def test_other_threads_go_on_while_one_looks_but_not_for_long(server, content_id, owner, settings):
    settings.FAST_PATH_CHECK_SECONDS = 30.0
    server.get(content_id, owner)
    with server.application._checking:
        server.application._check_at -= 45
        assert not server.misses(content_id, owner)
        server.application._check_at -= 45
        assert server.misses(content_id, owner)


def test_what_was_loaded_under_an_old_epoch_is_not_used(server, content_id, owner, teammate):
    server.get(content_id, teammate)
    old = server.application._known
    _take_role(teammate, owner)
    server.get(content_id, owner)
    assert server.application._known is not old
    assert server.get(content_id, teammate)[0] == 403


def test_the_store_is_bounded(server, owner, publish, settings):
    settings.FAST_PATH_MAX_BYTES = 300
    ids = [publish("team.orders", {"title": f"{'x' * 100}{n}"}).content_id for n in range(3)]
    for content_id in ids:
        assert server.get(content_id, owner)[0] == 200
    assert len(server.application._known.answers) < 3
