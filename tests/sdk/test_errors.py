"""Every way a request can fail, as the error that says what to do about it."""

import pytest

from onex_sdk import (
    BadAnswer,
    Denied,
    NotFound,
    Refused,
    RegistryClient,
    RegistryError,
    TooLarge,
    Unavailable,
    Unreachable,
)


def test_an_unknown_token_is_denied_in_the_servers_words(server):
    with (
        RegistryClient(server.url, "wrong") as client,
        pytest.raises(Denied, match="This token is not known") as denied,
    ):
        client.schema("orders")
    assert (denied.value.status, denied.value.error_code) == (401, 40100)


def test_an_unknown_subject_is_not_found_with_the_facts(client):
    with pytest.raises(NotFound, match="Subject 'orders' not found") as missing:
        client.schema("orders")
    assert (missing.value.error_code, missing.value.details) == (40401, {"subject": "orders"})


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (403, Denied), (409, Refused), (413, TooLarge), (415, Refused), (422, Refused)],
)
def test_a_refusal_has_the_kind_of_its_status(registry, client, canned, status, kind):
    registry.next_answers.append(canned(status, {"error_code": status * 100, "message": "No."}))
    with pytest.raises(kind) as refused:
        client.send([])
    assert type(refused.value) is kind


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [(429, {"Retry-After": "7"}, 7.0), (503, {}, None), (503, {"Retry-After": "soon"}, None)],
)
def test_a_server_that_asks_to_wait_says_how_long(registry, client, canned, *, status, header, seconds):
    registry.next_answers.append(canned(status, {"error_code": status * 100, "message": "Later."}, header))
    with pytest.raises(Unavailable, match="Later") as waiting:
        client.send([])
    assert waiting.value.retry_after == seconds


def test_a_proxy_that_asks_to_wait_is_understood_as_well(registry, client, canned):
    registry.next_answers.append(canned(503, raw=b"<h1>503</h1>"))
    with pytest.raises(Unavailable, match="503"):
        client.send([])


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"results": 3, "counts": {}}'),
        (200, b'{"results": [{}], "counts": {}}'),
        (500, b"<html>"),
        (404, b'{"detail": "not ours"}'),
        (302, b""),
    ],
)
def test_what_is_no_registry_is_a_bad_answer(registry, client, canned, status, raw):
    registry.next_answers.append(canned(status, raw=raw))
    with pytest.raises(BadAnswer):
        client.send([])


@pytest.mark.parametrize(
    "raw", [b"null", b"{}", b'{"subject": "o", "version": "x", "id": 1, "schema": "{}"}', b"3"]
)
def test_an_answer_that_is_no_version_is_a_bad_answer(registry, client, canned, raw):
    registry.next_answers.append(canned(raw=raw))
    with pytest.raises(BadAnswer):
        client.schema("orders")


def test_a_server_that_is_not_there_is_unreachable(server):
    server.stop()
    with RegistryClient(server.url, "x", timeout=2) as client, pytest.raises(Unreachable):
        client.send([])


def test_one_except_clause_catches_everything():
    assert all(
        issubclass(kind, RegistryError)
        for kind in (BadAnswer, Denied, NotFound, TooLarge, Unavailable, Unreachable)
    )


@pytest.mark.parametrize("url", ["http://[::1", "nonsense\x00"])
def test_an_address_that_is_none_is_unreachable(url):
    with RegistryClient(url, "token") as client, pytest.raises(Unreachable):
        client.schema("orders")
