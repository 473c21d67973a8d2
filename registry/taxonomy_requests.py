"""Reading what requests about taxonomies ask for."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, Any, get_args

from django.conf import settings
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from registry.problems import Malformed
from registry.taxonomy_codes import MAX_BATCH, Search
from registry.taxonomy_errors import TaxonomyTooLarge
from registry.taxonomy_text import Format, read_document
from registry.taxonomy_tree import Recoverable, Severity
from registry.wire import InvalidParameter

YAML = "application/yaml"
# What `curl -d` and hand-written clients send when they say nothing of the kind.
_ANYTHING = frozenset({"", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain"})


class TaxonomyParser(BaseParser):
    """A taxonomy document, JSON or YAML by its content type, or by its first character."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        form = _form_named(media_type or "")
        limit = settings.TAXONOMY_MAX_BYTES
        said = (parser_context or {})["request"].META.get("CONTENT_LENGTH") or "0"
        if said.isdigit() and int(said) > limit:
            raise TaxonomyTooLarge.bytes(int(said), limit)
        raw: bytes = stream.read(limit + 1)
        return read_document(raw, form=form or guessed_form(raw))


def _form_named(media_type: str) -> Format | None:
    plain = media_type.partition(";")[0].strip().lower()
    if "yaml" in plain:
        return "yaml"
    if "json" in plain:
        return "json"
    if plain in _ANYTHING:
        return None
    raise UnsupportedMediaType(plain, f"A taxonomy is sent as application/json or {YAML}, not as '{plain}'.")


def guessed_form(raw: bytes) -> Format:
    return "json" if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "yaml"


def form_asked(request: Request) -> Format | None:
    """How the document alone is wanted: `?format=`, or an Accept header that names YAML; None for the whole answer."""
    asked = request.query_params.get("format", "").lower()
    if asked in {"json", "yaml", "yml"}:
        return "json" if asked == "json" else "yaml"
    if asked:
        raise InvalidParameter(f"'format' is json or yaml, not '{asked[:40]}'.", parameter="format")
    return "yaml" if "yaml" in request.headers.get("Accept", "").lower() else None


def texts_asked(request: Request) -> list[str]:
    """The codes to normalise: `?code=`, as often as wanted, or a body {"codes": […]}. Raises Malformed."""
    if request.method == "GET":
        return request.query_params.getlist("code")
    codes = request.data.get("codes") if isinstance(request.data, dict) else request.data
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise Malformed(f'The body is {{"codes": ["…"]}} with up to {MAX_BATCH:,} texts.', pointer="/codes")
    return codes


def search_asked(request: Request) -> Search:
    asked = request.query_params
    deprecated = asked.get("deprecated", "").lower()
    if deprecated not in {"", "true", "false"}:
        raise InvalidParameter("'deprecated' is true or false.", parameter="deprecated")
    return Search(
        query=asked.get("q", "").strip(),
        area=asked.get("area", ""),
        severity=_one_of(request, "severity", get_args(Severity)),
        recoverable=_one_of(request, "recoverable", get_args(Recoverable)),
        deprecated=None if not deprecated else deprecated == "true",
        http_status=_number(request, "http_status"),
        exit_code=_number(request, "exit_code"),
    )


def _one_of(request: Request, name: str, known: Sequence[str]) -> str:
    """A word that no code can have would find nothing and not say why."""
    text = request.query_params.get(name, "")
    if text and text.lower() not in {word.lower() for word in known}:
        raise InvalidParameter(f"'{name}' is one of {', '.join(known)}, not '{text[:40]}'.", parameter=name)
    return text


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise InvalidParameter(f"'{name}' is a number, not '{text[:40]}'.", parameter=name)
    return int(text)


def time_asked(asked: Mapping[str, str], name: str) -> datetime | None:
    """ISO 8601; without a zone it means UTC. Raises InvalidParameter."""
    text = asked.get(name, "")
    if not text:
        return None
    try:
        # A plus sign that was not percent-encoded arrives as a space.
        read = datetime.fromisoformat(text.replace(" ", "+") if text.count(":") > 2 else text)
        return read if read.tzinfo else read.replace(tzinfo=UTC)
    except ValueError as bad:
        raise InvalidParameter(
            f"'{name}' is a time such as 2026-11-23T14:00:00Z, not '{text[:40]}'.", parameter=name
        ) from bad
