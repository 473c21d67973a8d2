"""What changed between two versions of a subject, in words and with evidence in both directions."""

from dataclasses import dataclass
from typing import Any

from access.actor import Actor
from access.errors import Forbidden
from compat import Bump, Change, Verdict
from registry.comparison import compare, required_bump
from registry.configure import rules_of
from registry.errors import VersionNotFound
from registry.judge import Older, world_of
from registry.lookup import find_any_version, find_version
from registry.models import Version
from registry.references import hidden_from


@dataclass(frozen=True, slots=True)
class Changelog:
    """`backward`: whether the new one reads what the old one wrote; `forward`: the other way round."""

    old: Version
    new: Version
    backward: Verdict
    forward: Verdict
    bump: Bump
    # Live versions after the old one up to the new one, oldest first.
    steps: tuple[Version, ...]

    @property
    def same(self) -> bool:
        return self.old.content_id == self.new.content_id

    @property
    def changes(self) -> tuple[Change, ...]:
        """Those that break something first; a change that breaks one way is not told again as harmless the other way."""
        breaking = [change for change in self.backward.changes if not change.harmless]
        told = {(change.kind, change.old_pointer, change.new_pointer) for change in breaking}
        return (
            *breaking,
            *(
                change
                for change in self.backward.changes
                if change.harmless and (change.kind, change.old_pointer, change.new_pointer) not in told
            ),
        )

    def headline(self) -> str:
        """What the change comes to, in one sentence."""
        if self.same:
            return "Both versions are the very same schema."
        breaking = sum(not change.harmless for change in self.changes)
        told = (
            f"{len(self.changes)} change{'' if len(self.changes) == 1 else 's'}, {breaking} of them breaking"
        )
        return f"{self._who()} {told}."

    def _who(self) -> str:
        reads, read = self.backward.status, self.forward.status
        if reads == read == "compatible":
            return "Readers of either version understand what is written with the other."
        if "undecided" in {reads, read}:
            return "Whether readers of both versions understand each other could not be decided in full."
        if reads == "compatible":
            return "Readers of the newer version understand the older one; the other way round not always."
        if read == "compatible":
            return "Readers of the older version understand the newer one; the other way round not always."
        return "Neither version's readers understand all that is written with the other."

    def as_dict(self) -> dict[str, Any]:
        return {
            "subject": self.new.subject.name,
            "old": _named(self.old),
            "new": _named(self.new),
            "same_schema": self.same,
            "headline": self.headline(),
            "semver": self.bump.as_dict(),
            "changes": [change.as_dict() for change in self.changes],
            "backward": _verdict(self.backward),
            "forward": _verdict(self.forward),
            "steps": [{**_named(step), "note": step.note, "status": step.status} for step in self.steps],
        }


def changes_between(
    *, actor: Actor, subject: str, new: str, old: str | None = None, deleted: bool = False
) -> Changelog:
    """From `old` (the live version before `new` when it is not given) to `new`, judged in the world of the subject's policy.

    Raises Forbidden (also when one of the two refers to schemas that the actor may not read), SubjectNotFound, InvalidVersion, and VersionNotFound, also where there is no version before.
    """
    actor.require("read", subject)
    find = find_any_version if deleted else find_version
    newer = find(subject, new)
    older = find(subject, old) if old else _before(newer)
    _require_readable(actor, older, newer)
    one, two = Older.of(older).document, Older.of(newer).document
    world = world_of(rules_of(subject).policy)
    backward = compare(one, two, mode="backward", world=world)
    return Changelog(
        old=older,
        new=newer,
        backward=backward,
        forward=compare(one, two, mode="forward", world=world),
        bump=required_bump(one, two, world=world, known=backward),
        steps=_steps(older, newer),
    )


def _require_readable(actor: Actor, *versions: Version) -> None:
    """What changed in a schema that is referred to would show in the verdict."""
    hidden = sorted({name for version in versions for name in hidden_from(actor, version.content).told})
    if hidden:
        raise Forbidden(
            f"The changes would show what is in schemas that you may not read: {', '.join(hidden)}.",
            scope="read",
        )


def _before(version: Version) -> Version:
    older = Version.objects.live().filter(subject=version.subject_id, number__lt=version.number)
    found = older.select_related("subject", "content").order_by("-number").first()
    if found is None:
        raise VersionNotFound(f"before {version.number}", subject=version.subject.name)
    return found


def _steps(old: Version, new: Version) -> tuple[Version, ...]:
    after, upto = sorted((old.number, new.number))
    between = Version.objects.live().filter(subject=new.subject_id, number__gt=after, number__lte=upto)
    return tuple(between.order_by("number"))


def _named(version: Version) -> dict[str, Any]:
    return {"version": version.number, "semver": version.semver, "id": version.identity.number}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    """Without the changes, which are listed once."""
    return {key: value for key, value in verdict.as_dict().items() if key != "changes"}
