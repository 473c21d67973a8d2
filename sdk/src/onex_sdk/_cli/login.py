"""`onex login`: keep a token for a registry."""

from __future__ import annotations

import os
import sys

import click

from onex_sdk._cli import credentials
from onex_sdk._cli.credentials import Credentials
from onex_sdk._cli.exits import CLEAN, FINDINGS
from onex_sdk._cli.options import finished, url_option
from onex_sdk._cli.project import Project
from onex_sdk._cli.server import Server


@click.command(short_help="Keep a token for a registry.")
@url_option
@click.option(
    "--token-stdin", is_flag=True, help="Read the token from standard input instead of asking for it."
)
@click.option("--forget", is_flag=True, help="Delete the kept token; it is not revoked.")
def login(*, url: str | None, token_stdin: bool, forget: bool) -> None:
    """Keep a token for a registry, after trying it. It is never taken from the command line, where others could see it.

    A token is made on the page Tokens of the registry. ONEX_TOKEN in the environment goes before the kept one.
    """
    url = url or os.environ.get("ONEX_URL") or Project.here().settings.url or _asked_url(ask=not token_stdin)
    if forget:
        finished(_forgotten(url))
    token = sys.stdin.readline().strip() if token_stdin else click.prompt("Token", hide_input=True).strip()
    if not token:
        raise click.UsageError("There is no token on standard input.")
    with Server(Credentials(url, token, "", "")) as server:
        subjects = server.get("/subjects", {"limit": 1})
    credentials.keep(url, token)
    seen = "" if subjects else " It may read no subject yet."
    click.echo(f"Logged in to {url}; the token is in {credentials.file()}.{seen}")


def _asked_url(*, ask: bool) -> str:
    known = credentials.default_url()
    if not ask:
        if not known:
            raise click.UsageError("Which registry? Say --url, or set ONEX_URL.")
        return known
    return str(click.prompt("Registry", default=known or "http://127.0.0.1:8090"))


def _forgotten(url: str) -> int:
    if credentials.forget(url):
        click.echo(
            f"The token for {url} is forgotten here. Revoke it on the page Tokens if others may have it."
        )
        return CLEAN
    click.echo(f"There is no token for {url}.", err=True)
    return FINDINGS
