"""Import and export in the browser, for whoever administers the whole registry."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from access.caller import caller
from access.errors import ProductError
from access.keyset import page_of
from registry import contexts
from registry.forms import ArchiveForm, ExportForm, RegistryForm
from registry.import_registry import Where
from registry.models import Subject, Version
from registry.remote_registry import Credentials
from registry.start_import import (
    cancel_import,
    find_import,
    imports_for,
    may_be_repeated,
    repeat_for_real,
    start_archive_import,
    start_registry_import,
)


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    return _shown(request, ArchiveForm(prefix="archive"), RegistryForm(prefix="registry"))


def _shown(
    request: HttpRequest, archive: ArchiveForm, registry: RegistryForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "page": page_of(request, imports_for(caller(request))),
        "export": ExportForm(),
        "archive": archive,
        "registry": registry,
        "subjects": Subject.objects.filter(versions__isnull=False).distinct().count(),
        "versions": Version.objects.count(),
    }
    return render(request, "registry/catalogue.html", context, status=status)


@require_POST
def import_archive(request: HttpRequest) -> HttpResponse:
    imports_for(caller(request))
    form = ArchiveForm(request.POST, request.FILES, prefix="archive")
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            started = start_archive_import(
                actor=caller(request),
                name=file.name,
                pieces=file.chunks(),
                dry_run=not form.cleaned_data["at_once"],
            )
        except ProductError as error:
            form.add_error("file", error.message)
        else:
            return redirect("import", started.pk)
    return _shown(request, form, RegistryForm(prefix="registry"), status=422)


@sensitive_post_parameters("registry-password", "registry-token")
@require_POST
def import_registry(request: HttpRequest) -> HttpResponse:
    imports_for(caller(request))
    form = RegistryForm(request.POST, prefix="registry")
    if form.is_valid():
        asked = form.cleaned_data
        try:
            started = start_registry_import(
                actor=caller(request),
                where=Where(asked["url"], asked["subject_prefix"], asked["into"] or contexts.DEFAULT),
                credentials=Credentials(asked["user"], asked["password"], asked["token"]),
                dry_run=not asked["at_once"],
            )
        except ProductError as error:
            form.add_error("into" if error.code == "invalid_subject" else "url", error.message)
        else:
            return redirect("import", started.pk)
    return _shown(request, ArchiveForm(prefix="archive"), form, status=422)


@require_safe
def one_import(request: HttpRequest, import_id: int) -> HttpResponse:
    """The whole page, or, while it runs, the part that replaces itself."""
    found = find_import(caller(request), import_id)
    part = "_" if request.GET.get("part") else ""
    context = {"import": found, "may_repeat": may_be_repeated(found)}
    return render(request, f"registry/{part}import.html", context)


@require_POST
def cancel(request: HttpRequest, import_id: int) -> HttpResponse:
    cancel_import(actor=caller(request), import_id=import_id)
    return redirect("import", import_id)


@require_POST
def repeat(request: HttpRequest, import_id: int) -> HttpResponse:
    return redirect("import", repeat_for_real(actor=caller(request), import_id=import_id).pk)
