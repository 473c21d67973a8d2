"""The command `onex`, and what becomes of everything that can end it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import click

from onex_sdk._cli.check import check
from onex_sdk._cli.codegen import codegen
from onex_sdk._cli.completion import completion
from onex_sdk._cli.diff import diff
from onex_sdk._cli.doctor import doctor
from onex_sdk._cli.emit import emit
from onex_sdk._cli.exits import CLEAN, IMPOSSIBLE, USAGE, Stopped
from onex_sdk._cli.lint import lint
from onex_sdk._cli.lock import lock
from onex_sdk._cli.login import login
from onex_sdk._cli.pull import pull
from onex_sdk._cli.push import push
from onex_sdk._cli.query import query
from onex_sdk._cli.replay import replay
from onex_sdk._cli.tail import tail
from onex_sdk._cli.taxonomy import taxonomy
from onex_sdk._errors import Denied, Refused, RegistryError
from onex_sdk._report import sdk_version

_INTERRUPTED = 130
#: The registry understood, and there is no such thing to ask.
_ASKED_WRONGLY = frozenset({400, 422})


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(sdk_version(), prog_name="onex")
def onex() -> None:
    """Schemas, events and error codes of an Onex Registry, from the command line.

    Exit status: 0 done, nothing to object; 1 findings; 2 wrong usage; 3 it could not be done or compared.
    """


_COMMANDS: tuple[click.Command, ...] = (
    login, doctor, lint, check, diff, push, pull, lock, codegen, emit, tail, query, replay, taxonomy, completion,
)  # fmt: skip
for _command in _COMMANDS:
    onex.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:  # noqa: PLR0911 - one for each way to end
    """The exit status; says on standard error why it is none of the command's own."""
    try:
        status = onex.main(args=arguments, prog_name="onex", standalone_mode=False)
        return status if isinstance(status, int) else CLEAN
    except click.ClickException as wrong:
        wrong.show()
        return USAGE
    except click.Abort:
        click.echo("\nStopped.", err=True)
        return _INTERRUPTED
    except Stopped as problem:
        return _ended(str(problem), problem.status)
    except Denied as refusal:
        return _ended(f"The registry says no: {refusal} `onex doctor` shows which token is used.", IMPOSSIBLE)
    except Refused as refusal:
        return _ended(str(refusal), USAGE if refusal.status in _ASKED_WRONGLY else IMPOSSIBLE)
    except RegistryError as problem:
        return _ended(str(problem), IMPOSSIBLE)
    except BrokenPipeError:
        # Whoever read the output has seen enough; what Python would still flush has nowhere to go.
        sys.stdout = None
        return CLEAN
    except Exception:  # noqa: BLE001 - a defect must not look like findings, whose status Python's own 1 would be
        traceback.print_exc()
        return _ended("This is a defect of the command; please report it with the lines above.", IMPOSSIBLE)


def _ended(sentence: str, status: int) -> int:
    click.echo(f"onex: {sentence}", err=True)
    return status
