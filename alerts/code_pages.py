"""Rules as code in the browser: what there is as YAML, what a document would change, and tests of rules."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from access.caller import caller
from access.errors import ProductError
from alerts.rule_documents import place_of, read_text
from alerts.rule_tests import run_tests
from alerts.rules_as_code import export_rules, import_rules
from registry.taxonomy_text import write_document

_TEXT = forms.Textarea(
    attrs={"class": "code tall", "rows": 24, "autocapitalize": "none", "spellcheck": "false"}
)
_EXAMPLE = """\
rule:
  name: node failures
  selector: {field: event_type, op: eq, value: NODE_FAILURE}
  threshold: 2
  window_seconds: 60
  group_by: [node_id]
tests:
  - name: two of one node within a minute
    events:
      - {event_id: a, event_type: NODE_FAILURE, node_id: n1, timestamp: 2026-03-02T12:00:00Z, metadata: {}}
      - {event_id: b, event_type: NODE_FAILURE, node_id: n1, timestamp: 2026-03-02T12:00:20Z, metadata: {}}
    expect:
      - {group: {node_id: n1}, fired_at: 2026-03-02T12:00:20Z, peak: 2}
"""


class RulesForm(forms.Form):
    document = forms.CharField(label="Rules as YAML or JSON", strip=False, widget=_TEXT)
    remove = forms.BooleanField(label="Delete rules that it does not name", required=False)


class TestsForm(forms.Form):
    document = forms.CharField(label="A rule and its tests, as YAML or JSON", strip=False, widget=_TEXT)


@require_http_methods(["GET", "POST"])
def rules_code(request: HttpRequest) -> HttpResponse:
    """Begins with the rules there are. Only the button "apply" changes anything."""
    actor = caller(request)
    actor.require("alert")
    if request.method == "GET":
        text = write_document(export_rules(actor=actor), form="yaml")
        return render(request, "alerts/rules_code.html", {"form": RulesForm(initial={"document": text})})
    form, apply = RulesForm(request.POST), "apply" in request.POST
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        said = form.cleaned_data
        try:
            document = read_text(said["document"].encode(errors="surrogatepass"))
            planned = import_rules(actor=actor, document=document, remove=said["remove"], dry_run=not apply)
        except ProductError as problem:
            form.add_error("document", f"{problem.message}{place_of(problem)}")
        else:
            if apply:
                changed = sum(one.what != "unchanged" for one in planned)
                messages.success(
                    request, f"{changed} of {len(planned)} rules were created, changed or removed."
                )
                return redirect("rules")
            context["planned"] = planned
    return render(request, "alerts/rules_code.html", context, status=200 if "planned" in context else 422)


@require_http_methods(["GET", "POST"])
def rules_tests(request: HttpRequest) -> HttpResponse:
    """Nothing is stored: a rule is tried on the events that stand beside it."""
    caller(request).require("read")
    if request.method == "GET":
        return render(request, "alerts/rules_tests.html", {"form": TestsForm(initial={"document": _EXAMPLE})})
    form = TestsForm(request.POST)
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            raw = form.cleaned_data["document"].encode(errors="surrogatepass")
            context["outcomes"] = run_tests(read_text(raw))
        except ProductError as problem:
            form.add_error("document", f"{problem.message}{place_of(problem)}")
    return render(request, "alerts/rules_tests.html", context, status=200 if "outcomes" in context else 422)
