from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.actor import SYSTEM
from alerts.rules_as_code import export_rules
from registry.taxonomy_text import write_document


class Command(BaseCommand):
    help = "Writes alert rules as YAML, to be kept beside code and brought in by import_rules."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="", help="only the rule of this name")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        document = export_rules(actor=SYSTEM, name=name)
        if name and not document["rules"]:
            raise CommandError(f"There is no alert rule '{name}'.")
        self.stdout.write(write_document(document, form="yaml"), ending="")
