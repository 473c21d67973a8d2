"""A condition as rows of a form, each of which is one test, as far as rows can say it."""

import json
from typing import Any

from django import forms
from django.db.models import TextChoices
from django.forms import BaseFormSet, formset_factory
from django.http import QueryDict

from alerts.cel import cel_of, read_cel
from alerts.condition import OPERATORS
from alerts.fields import COLUMNS
from alerts.words import OPERATOR_WORDS

CODE = {"class": "code"}
MAX_ROWS = 40


class Combine(TextChoices):
    ALL = "all", "all of these hold"
    ANY = "any", "any of these holds"


class ConditionRow(forms.Form):
    """One test of a condition; a row without a field says nothing."""

    field = forms.CharField(
        required=False, widget=forms.TextInput(attrs={**CODE, "list": "rule-fields", "aria-label": "Field"})
    )
    op = forms.ChoiceField(
        label="Comparison",
        required=False,
        choices=[(op, OPERATOR_WORDS[op]) for op in OPERATORS],
        widget=forms.Select(attrs={"aria-label": "Comparison"}),
    )
    value = forms.CharField(
        required=False, widget=forms.TextInput(attrs={**CODE, "list": "rule-values", "aria-label": "Value"})
    )

    def test(self) -> dict[str, Any] | None:
        """As in the condition tree; None for an empty row."""
        field, op, value = (self.cleaned_data.get(name) or "" for name in ("field", "op", "value"))
        if not field or (field == "event_type" and not value):
            return None
        return {"field": field, "op": op or "eq", "value": _value_of(field, op, value)}


ConditionRows = formset_factory(ConditionRow, extra=0, max_num=MAX_ROWS, absolute_max=MAX_ROWS)


def _value_of(field: str, op: str, written: str) -> Any:
    if op == "exists":
        return written.strip().lower() not in {"no", "false", "0"}
    if op in {"in", "not_in"}:
        return [_scalar(field, part.strip()) for part in written.split(",") if part.strip()]
    return _scalar(field, written)


def _scalar(field: str, written: str) -> Any:
    """Text for text columns; elsewhere a number, true, false or "quoted text" is what it looks like."""
    column = COLUMNS.get(field)
    if column is not None and column.kind == "text":
        return written
    try:
        value = json.loads(written)
    except ValueError:
        return written
    return value if isinstance(value, str | bool | int | float) else written


def _written(field: str, value: Any) -> str:
    """What somebody would write to say `value`: the reverse of `_value_of`."""
    if isinstance(value, list):
        return ", ".join(_written(field, item) for item in value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return value if _scalar(field, value) == value else json.dumps(value, ensure_ascii=False)


def rows_for(data: QueryDict | None, rows: list[dict[str, Any]], prefix: str) -> "BaseFormSet[Any]":
    # Bound rows know no initial values: Django takes an unchanged row for an empty one.
    formset: BaseFormSet[Any] = ConditionRows(data, initial=rows if data is None else None, prefix=prefix)
    return formset


def written_rows(data: QueryDict, prefix: str) -> list[dict[str, Any]]:
    total = data.get(f"{prefix}-TOTAL_FORMS", "")
    count = min(MAX_ROWS - 1, int(total) if total.isdigit() else 0)
    names = ("field", "op", "value")
    return [{name: data.get(f"{prefix}-{index}-{name}", "") for name in names} for index in range(count)]


def tree_as_said(tree: Any, name: str, combine: str, rows: str) -> dict[str, Any]:
    """A condition tree in its rows where they can say it, else as CEL where that reads back as the same tree, else as JSON."""
    found = _rows_of(tree)
    if found is not None:
        return {combine: found[0], rows: [*found[1], {"op": "eq"}]}
    text = cel_of(tree)
    if text is not None and read_cel(text) == tree:
        return {f"{name}_cel": text}
    return {name: json.dumps(tree, indent=2, ensure_ascii=False)}


def _rows_of(selector: Any) -> tuple[str, list[dict[str, Any]]] | None:
    """A tree as rows; None when rows cannot say it, or would say something else."""
    if not isinstance(selector, dict):
        return None
    combine = "any" if "any" in selector else "all"
    tests = [selector] if "field" in selector else selector.get(combine)
    if not isinstance(tests, list) or not tests or len(tests) >= MAX_ROWS:
        return None
    if not all(isinstance(test, dict) and "field" in test for test in tests):
        return None
    rows = []
    for test in tests:
        field, op, value = test["field"], test.get("op", "eq"), test.get("value", True)
        written = _written(field, value)
        if _value_of(field, op, written) != value:
            return None
        rows.append({"field": field, "op": op, "value": written})
    return combine, rows
