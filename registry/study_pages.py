"""Judges that go on in the background, in the browser."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from access.caller import caller
from registry.study import cancel_study, find_study


@require_safe
def study(request: HttpRequest, study_id: int) -> HttpResponse:
    """The whole page, or, while it runs, the part that replaces itself."""
    found = find_study(caller(request), study_id)
    part = "_" if request.GET.get("part") else ""
    context = {"study": found, "may_write": caller(request).may("write", found.subject)}
    return render(request, f"registry/{part}study.html", context)


@require_POST
def cancel(request: HttpRequest, study_id: int) -> HttpResponse:
    cancel_study(actor=caller(request), study_id=study_id)
    return redirect("study", study_id)
