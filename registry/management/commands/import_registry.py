import getpass
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.actor import SYSTEM
from access.errors import ProductError
from registry import contexts
from registry.import_registry import Where, import_registry
from registry.remote_registry import Credentials
from registry.terminal_progress import TerminalProgress
from registry.terminal_report import show_report

PASSWORD, TOKEN = "IMPORT_PASSWORD", "IMPORT_TOKEN"


class Command(BaseCommand):
    help = (
        "Brings in the JSON schemas of a running Confluent-compatible registry. The password is asked for, or is in the "
        f"variable {PASSWORD}; a token is in {TOKEN}, or is asked for with --token."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", help="its base URL, as clients are given it")
        parser.add_argument("--user", default="", help="sign in with this name and a password")
        parser.add_argument("--token", action="store_true", help="sign in with a token")
        parser.add_argument("--subject-prefix", default="", help="only subjects that begin so")
        parser.add_argument(
            "--context", default="", help="only subjects of this context of the other registry"
        )
        parser.add_argument(
            "--into", default=contexts.DEFAULT, help="the context here that its default one becomes"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen, and change nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        where = Where(
            options["url"],
            contexts.qualifier(_context(options["context"] or contexts.DEFAULT)) + options["subject_prefix"],
            _context(options["into"]),
        )
        show = TerminalProgress(self.stderr)
        try:
            report = import_registry(
                actor=SYSTEM,
                where=where,
                credentials=_credentials(options["user"], asks_for_token=options["token"]),
                dry_run=options["dry_run"],
                progress=show,
            )
        except ProductError as refusal:
            show.end()
            raise CommandError(refusal.message) from refusal
        show.end()
        show_report(self, report)


def _context(text: str) -> str:
    found = contexts.DEFAULT if text == contexts.DEFAULT else contexts.read_context(text)
    if found is None:
        raise CommandError(f"'{text}' is no name of a context, such as .berlin.")
    return found


def _credentials(user: str, *, asks_for_token: bool) -> Credentials:
    if asks_for_token or (TOKEN in os.environ and not user):
        return Credentials(token=_secret(TOKEN, "Token: "))
    return Credentials(user, _secret(PASSWORD, f"Password of {user}: ")) if user else Credentials()


def _secret(variable: str, prompt: str) -> str:
    if variable in os.environ:
        return os.environ[variable]
    if not sys.stdin.isatty():
        raise CommandError(f"Set {variable}, or start this on a terminal, which asks for it.")
    return getpass.getpass(prompt)
