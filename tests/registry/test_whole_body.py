"""A body that an answer did not wait for is read all the same: a kept connection must not break on it."""

from io import BytesIO

import pytest

from registry.whole_body import WholeBody


def refuses(environ, start_response):
    start_response("401 Unauthorized", [("Content-Length", "0")])
    return [b""]


def ask(body, application=refuses, **environ):
    """(headers, what is left of the body)."""
    stream = BytesIO(body)
    seen = []
    given = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": stream} | environ
    answer = WholeBody(application)(given, lambda status, headers, *_: seen.append((status, dict(headers))))
    assert (b"".join(answer), seen[0][0]) == (b"", "401 Unauthorized")
    return seen[0][1], stream.read()


def test_what_the_answer_did_not_need_is_read(settings):
    headers, left = ask(b"x" * 1_000_000)
    assert left == b""
    assert "Connection" not in headers


@pytest.mark.parametrize("said", [{}, {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}])
def test_what_is_larger_than_any_body_may_be_ends_the_connection(settings, said):
    settings.API_BODY_MAX_BYTES = 1000
    headers, left = ask(b"x" * 200_000, **said)
    assert headers["Connection"] == "close"
    assert left


def test_a_body_without_a_length_is_read(settings):
    headers, left = ask(b"x" * 5000, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert left == b""
    assert "Connection" not in headers


def test_a_request_without_a_body_is_passed_on_untouched():
    headers, left = ask(b"the next request", CONTENT_LENGTH="0")
    assert left == b"the next request"
    assert headers == {"Content-Length": "0"}


def test_a_chunked_body_has_its_length_said(settings):
    """Django reads as many bytes as the header says, and a chunked body's says nothing."""
    seen = {}

    def application(environ, start_response):
        seen.update(length=environ["CONTENT_LENGTH"], body=environ["wsgi.input"].read())
        return refuses(environ, start_response)

    ask(b"x" * 5000, application, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert seen == {"length": "5000", "body": b"x" * 5000}


def test_a_chunked_body_that_is_too_long_is_refused_for_its_length(settings):
    settings.API_BODY_MAX_BYTES = 1000
    seen = []

    def application(environ, start_response):
        seen.append(environ["CONTENT_LENGTH"])
        return refuses(environ, start_response)

    headers, _ = ask(b"x" * 200_000, application, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert seen == ["1001"]
    assert headers["Connection"] == "close"
