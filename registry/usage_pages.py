"""Who uses a version, in the browser."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from access.caller import caller
from registry.lookup import find_any_version
from registry.usage import usage_of


@require_safe
def usage(request: HttpRequest, subject: str, version: str) -> HttpResponse:
    actor = caller(request)
    actor.require("read", subject)
    found = usage_of(actor=actor, version=find_any_version(subject, version))
    context = {"usage": found, "version": found.version, "may_write": actor.may("write", subject)}
    return render(request, "registry/usage.html", context)
