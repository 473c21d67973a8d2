"""The catalogue as a file, and imports of files and of other registries, over REST."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import IO, Any

from django.conf import settings
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view, parser_classes
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from registry import contexts
from registry.api_requests import body_of_request
from registry.export_catalogue import export_catalogue
from registry.import_errors import ArchiveTooLarge
from registry.import_registry import Where
from registry.models import CatalogueImport
from registry.problems import Malformed
from registry.remote_registry import Credentials
from registry.start_import import (
    cancel_import,
    find_import,
    imports_for,
    repeat_for_real,
    start_archive_import,
    start_registry_import,
)
from registry.wire import flag

ZIP = "application/zip"
FILE_NAME = "catalogue.zip"
_CHUNK = 256 * 1024


class ImportAnswer(serializers.ModelSerializer[CatalogueImport]):
    class Meta:
        model = CatalogueImport
        fields = (
            "id",
            "kind",
            "source",
            "options",
            "dry_run",
            "state",
            "step",
            "done",
            "total",
            "report",
            "problem",
            "created_by",
            "created_at",
            "finished_at",
        )


_TEXT = serializers.CharField
_REGISTRY = inline_serializer(
    "RegistryImport",
    {
        "url": _TEXT(help_text="Its base URL, as clients are given it."),
        "user": _TEXT(required=False),
        "password": _TEXT(required=False, help_text="Kept encrypted until the import ends, and never shown."),
        "token": _TEXT(required=False, help_text="Instead of user and password."),
        "subjectPrefix": _TEXT(
            required=False, help_text="Only names that begin so; `:.berlin:` is a context."
        ),
        "into": _TEXT(required=False, help_text="The context here that its default one becomes."),
        "dryRun": serializers.BooleanField(required=False),
    },
)
_DRY_RUN = OpenApiParameter("dryRun", bool, description="Say what would happen, and change nothing.")


class ArchiveParser(BaseParser):
    """Hands over the body unread: an archive is longer than the memory should hold."""

    media_type = "*/*"

    def parse(  # type: ignore[override]  # whatever it is becomes `request.data`
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> IO[Any]:
        return stream


@extend_schema(
    operation_id="catalogue_export",
    parameters=[
        OpenApiParameter(
            "subjectPrefix", str, description="Only subjects that begin so; `:.berlin:` is all of a context."
        )
    ],
    responses={(200, ZIP): OpenApiTypes.BINARY},
)
@api_view(["GET"])
def catalogue(request: Request) -> FileResponse:
    """What the caller may read of the catalogue, as a zip file. `X-Catalogue-Holds` says when that is not all of it."""
    actor = caller(request)
    with ExitStack() as on_failure:
        # Made in full before the first byte: a problem is then an answer, and no transaction waits for a slow reader.
        file = on_failure.enter_context(tempfile.TemporaryFile(prefix="onex-export-"))
        prefix = request.query_params.get("subjectPrefix", "")
        exported = export_catalogue(actor=actor, file=file, subject_prefix=prefix)
        # From here on the answer closes it.
        on_failure.pop_all()
    file.seek(0)
    answer = FileResponse(file, as_attachment=True, filename=FILE_NAME, content_type=ZIP)
    answer["Cache-Control"] = "no-store"
    if exported.holds:
        answer["X-Catalogue-Holds"] = re.sub(r"[^ -~]", "?", exported.holds)
    return answer


@extend_schema(
    operation_id="imports_list",
    parameters=PAGING,
    responses=page_schema("ImportPage", ImportAnswer),
)
@api_view(["GET"])
def imports(request: Request) -> Response:
    """The imports there were, the newest first."""
    page = page_of(request, imports_for(caller(request)))
    return page_answer(page, ImportAnswer(page.items, many=True).data)


@extend_schema(
    operation_id="imports_archive",
    parameters=[_DRY_RUN],
    request={ZIP: OpenApiTypes.BINARY},
    responses={202: ImportAnswer},
)
@api_view(["POST"])
@parser_classes([ArchiveParser])
def archive_imports(request: Request) -> Response:
    """Brings in an archive in the background; the body is the zip file."""
    imports_for(caller(request))
    length = request.META.get("CONTENT_LENGTH") or "0"
    if int(length) > settings.CATALOGUE_MAX_BYTES:
        raise ArchiveTooLarge(f"{int(length):,} bytes", settings.CATALOGUE_MAX_BYTES, "CATALOGUE_MAX_BYTES")
    started = start_archive_import(
        actor=caller(request), name=FILE_NAME, pieces=_pieces(request), dry_run=flag(request, "dryRun")
    )
    return Response(ImportAnswer(started).data, status=202)


def _pieces(request: Request) -> Iterator[bytes]:
    stream = request.data
    # Without a body DRF answers with an empty form instead.
    while hasattr(stream, "read") and (piece := stream.read(_CHUNK)):
        yield piece


@extend_schema(operation_id="imports_registry", request=_REGISTRY, responses={202: ImportAnswer})
@api_view(["POST"])
def registry_imports(request: Request) -> Response:
    """Brings in the JSON schemas of a running Confluent-compatible registry in the background."""
    imports_for(caller(request))
    body = body_of_request(request)
    asked = {
        name: _text(body, name) for name in ("url", "user", "password", "token", "subjectPrefix", "into")
    }
    into = (
        contexts.DEFAULT if asked["into"] in {"", contexts.DEFAULT} else contexts.read_context(asked["into"])
    )
    if into is None:
        raise Malformed(f"'{asked['into']}' is no name of a context, such as .berlin.", pointer="/into")
    started = start_registry_import(
        actor=caller(request),
        where=Where(asked["url"], asked["subjectPrefix"], into),
        credentials=Credentials(asked["user"], asked["password"], asked["token"]),
        dry_run=body.get("dryRun") is True,
    )
    return Response(ImportAnswer(started).data, status=202)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name) or ""
    if not isinstance(value, str) or "\0" in value or (name == "url" and not value):
        raise Malformed(f"'{name}' has to be a text.", pointer=f"/{name}")
    return value


@extend_schema(operation_id="imports_read", responses=ImportAnswer)
@api_view(["GET"])
def one_import(request: Request, import_id: int) -> Response:
    """How far it is, and what it came to."""
    return Response(ImportAnswer(find_import(caller(request), import_id)).data)


@extend_schema(operation_id="imports_cancel", request=None, responses=ImportAnswer)
@api_view(["POST"])
def cancel(request: Request, import_id: int) -> Response:
    """Ends it; subjects that came in stay."""
    return Response(ImportAnswer(cancel_import(actor=caller(request), import_id=import_id)).data)


@extend_schema(operation_id="imports_repeat", request=None, responses={202: ImportAnswer})
@api_view(["POST"])
def repeat(request: Request, import_id: int) -> Response:
    """Does for real what a dry run tried, with the same archive or credentials."""
    return Response(
        ImportAnswer(repeat_for_real(actor=caller(request), import_id=import_id)).data, status=202
    )
