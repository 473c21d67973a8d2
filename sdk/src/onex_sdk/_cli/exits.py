"""What the exit status says. One meaning each, so that a script can tell a broken schema from a broken network."""

from __future__ import annotations

#: Done, and nothing to object.
CLEAN = 0
#: Done, and there is something to object: a schema breaks, an event was refused, the lock file is out of date.
FINDINGS = 1
#: The command was called wrongly, or `onex.toml` says what cannot be.
USAGE = 2
#: It could not be done or compared: no network, no right, no git, no verdict.
IMPOSSIBLE = 3


class Stopped(Exception):
    """The command ends here; its text is the sentence that is printed."""

    status = IMPOSSIBLE


class WrongUsage(Stopped):
    """The caller has to ask differently."""

    status = USAGE


class Impossible(Stopped):
    """Asked rightly, and not possible here and now."""
