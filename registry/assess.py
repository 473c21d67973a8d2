"""The judgement on an upload as it stands: verdicts against older versions, and the label it would get."""

from collections.abc import Sequence

from registry.comparison import compare, required_bump
from registry.errors import VersionTaken
from registry.judge import Judgement, Pair, Verdicts, world_of
from registry.snapshot import Snapshot, compared_versions
from registry.upload import Upload
from registry.versioning import Label, by_evolution_rules, label_for


def assess(
    upload: Upload, snapshot: Snapshot, verdicts: Verdicts, *, against: Sequence[int] | None = None
) -> Judgement:
    """Compares with the versions that the level names, or with those `against` names by key.

    Raises VersionTooLow, VersionTaken.
    """
    rules = snapshot.rules
    pairs = verdicts.against(snapshot.older(compared_versions(snapshot) if against is None else against))
    label = _label(upload, snapshot, pairs)
    return Judgement(rules.level, rules.policy, pairs, label, evolution=snapshot.demands.evolution)


def _label(upload: Upload, snapshot: Snapshot, pairs: Sequence[Pair]) -> Label:
    live = snapshot.live
    _refuse_taken(upload, snapshot)
    if snapshot.rules.importing:
        if upload.declared:
            return Label(upload.declared, declared=True)
        # It takes its place among those that are there, and promises nothing about them.
        live = [row for row in live if upload.number is None or row.number < upload.number]
    latest = snapshot.older([live[0].pk])[0] if live else None
    required = None
    if latest is not None:
        known = next((pair.verdict for pair in pairs if pair.version == latest.number), None)
        world, demands = world_of(snapshot.rules.policy), snapshot.demands
        both = latest.document, upload.document
        required = required_bump(*both, world=world, known=known, formats=demands.formats)
        if demands.evolution and required.level != "major":
            known = known or compare(*both, mode="backward", world=world, formats=demands.formats)
            required = by_evolution_rules(required, known, demands.evolution)
    return label_for(
        declared=upload.declared,
        required=required,
        latest=live[0].semver if live else None,
        labels=[row.semver for row in snapshot.rows if not row.draft],
    )


def _refuse_taken(upload: Upload, snapshot: Snapshot) -> None:
    for row in snapshot.live:
        if upload.declared is not None and str(row.semver) == str(upload.declared):
            raise VersionTaken(upload.subject, str(upload.declared), row.number)
