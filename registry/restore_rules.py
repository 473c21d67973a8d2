"""Rules put back where none are set."""

from typing import Any

from registry.export_catalogue import RULES
from registry.import_report import Report
from registry.models import Configuration

Json = dict[str, Any]


def add_rules(name: str, rules: Json, *, report: Report) -> None:
    """What is set already is left as it is."""
    fields = {field: rules.get(field) for field in RULES} | {"by_wire_api": rules.get("by_wire_api", False)}
    row = Configuration.objects.filter(subject=name).first()
    if row is None:
        Configuration.objects.create(subject=name, **fields)
        report.add("configurations")
        return
    report.leave("configurations")
    differing = sorted(field for field, value in fields.items() if getattr(row, field) != value)
    if differing:
        report.kept.append(f"The rules of '{name or 'everything'}' differ in {', '.join(differing)}.")
