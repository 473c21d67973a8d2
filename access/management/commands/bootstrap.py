import json
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from access.bootstrap import bootstrap


class Command(BaseCommand):
    help = "Makes the first administrator and a token, or prints those made at an earlier start."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object: login, password, token")

    def handle(self, *args: Any, **options: Any) -> None:
        found = bootstrap(home=settings.ONEX_HOME)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found)))
            return
        self.stdout.write(f"login     {found.login}")
        self.stdout.write(f"password  {found.password or '(not known here: manage.py changepassword admin)'}")
        self.stdout.write(f"token     {found.token}")
