"""What the product does by itself when a rule fires: one module for each kind, and one record of what differs."""

from alerts.action_kinds import replay, sampling, strict
from alerts.action_kinds.kind import ActionKind

KINDS: dict[str, ActionKind] = {kind.name: kind for kind in (replay.KIND, sampling.KIND, strict.KIND)}
