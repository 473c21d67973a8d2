"""Every action that the audit log knows is told as an event, or stands here as one that is told to nobody."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from events.changes import TOLD
from registry.change_state import TRANSITIONS
from registry.models import Approval

ROOT = Path(__file__).parent.parent.parent
ACTION = re.compile(r"[a-z_]+\.[a-z_]+")

#: What changes nothing of the catalogue, and is no affair of those who subscribe to it.
NOT_TOLD = {
    *("token.issued", "token.rotated", "token.revoked", "user.created"),
    *("person.invited", "person.signed_in", "person.password_changed", "person.let_in", "person.shut_out"),
    *("invitation.accepted", "invitation.withdrawn", "role.granted", "role.taken"),
    *("delivery.redelivered", "delivery.redelivered_all", "delivery.cancelled"),
    *("event.released", "events.expired", "statistics.rebuilt"),
    *("events.compressed", "events.decompressed", "events.exported"),
    *("export.started", "export.cancelled", "export.fetched"),
    *(
        "quarantine.redriven",
        "quarantine.redrive_cancelled",
        "quarantine.set_aside",
        "quarantine.brought_back",
    ),
    *("replay.started", "replay.paused", "replay.resumed", "replay.speed_changed", "replay.cancelled"),
    *("replay.stepped", "replay.sought", "replay.loop_changed", "replay.effects_allowed"),
    *("subscription.create", "subscription.edit", "subscription.pause", "subscription.resume"),
    *("subscription.delete", "subscription.test"),
    # Producers follow a document with a revision and an ETag; it is no part of the catalogue.
    *("sampling.create", "sampling.edit", "sampling.delete", "sampling.restore"),
    *("rule.create", "rule.edit", "rule.pause", "rule.resume", "rule.delete"),
    *("episode.acknowledged", "episode.unacknowledged", "episode.note", "episode.resolved"),
    *("silence.created", "silence.edited", "silence.expired"),
    *("channel.create", "channel.edit", "channel.delete", "channel.test"),
    *("signing_key.registered", "signing_key.rotated", "signing_key.revoked"),
    *(
        "data_key.registered",
        "data_key.rewrapped",
        "data_key.revoked",
        "data_key.restored",
        "data_key.destroyed",
    ),
    # Told by the event of the version, whose verdict says it.
    "version.forced",
    "study.cancelled",
    # Told by the versions and editions that came in.
    *("import.started", "import.cancelled", "catalogue.restored"),
}
#: Modules that put an action's name together.
COMPUTED = {
    # The activation of a draft is written as its publication.
    "registry/change_state.py": set(TRANSITIONS.values()) - {"version.activated"},
    "access/data_keys.py": {f"data_key.{action}" for action in ("revoked", "restored", "destroyed")},
    "registry/approve.py": {f"approval.{state}" for state in Approval.State.values if state != "pending"},
}
WRITERS = ("record", "_record", "_note", "_announce", "_save_and_announce")


def written() -> Iterator[tuple[str, set[str]]]:
    """Module, and the actions that one call in it may write; none when the call puts the name together."""
    for app in ("access", "registry", "events", "alerts"):
        for file in sorted((ROOT / app).rglob("*.py")):
            for call in _calls(ast.parse(file.read_text(encoding="utf-8"))):
                if action := _action(call):
                    texts = {node.value for node in ast.walk(action) if isinstance(node, ast.Constant)}
                    named = {text for text in texts if isinstance(text, str) and ACTION.fullmatch(text)}
                    yield file.relative_to(ROOT).as_posix(), named


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Calls that write, those within another writer left out: it hands on what it is given."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef) and child.name in WRITERS:
            continue
        if isinstance(child, ast.Call) and _name(child) in WRITERS:
            yield child
        yield from _calls(child)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _action(call: ast.Call) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == "action":
            return keyword.value
    if _name(call) == "record":
        return None  # of something else than the audit log
    # Others of these names write something else, for nobody.
    if not call.args or not isinstance(call.args[0], ast.Name) or call.args[0].id != "actor":
        return None
    return call.args[1 if _name(call) in {"_record", "_note"} else 2]


def test_every_action_is_told_or_named_as_one_that_is_not():
    actions: set[str] = set().union(*COMPUTED.values())
    for _, named in written():
        actions |= named
    assert actions - NOT_TOLD == set(TOLD)
    assert actions >= NOT_TOLD
    assert not NOT_TOLD & set(TOLD)


def test_no_other_module_puts_the_name_of_an_action_together():
    others = {module for module, named in written() if not named}
    assert others == set(COMPUTED)
