"""`onex completion`: Tab for bash, zsh and fish."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from onex_sdk._cli.exits import Impossible


@click.command(short_help="Tab for bash, zsh and fish.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print the lines that make SHELL complete commands and options.

    For bash and zsh: `eval "$(onex completion bash)"` in ~/.bashrc or ~/.zshrc; for fish: `onex completion fish >
    ~/.config/fish/completions/onex.fish`.
    """
    found = get_completion_class(shell)
    if found is None:
        raise Impossible(f"This version of click completes nothing for {shell}.")
    root = click.get_current_context().find_root().command
    click.echo(found(root, {}, "onex", "_ONEX_COMPLETE").source())
