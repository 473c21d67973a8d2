"""What the wire API answers about stored things. `extras` are members of ours that older clients would refuse."""

from typing import Any

from access.actor import Actor
from registry.models import Version
from registry.publish import Published
from registry.references import bundled

# A schema never changes, but who may read it does: shared caches must not keep it.
IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Authorization, Accept"}


def etag_of(version: Version, *, whole: bool = False) -> str:
    name = f"{version.identity.number}-{bytes(version.identity.digest).hex()[:16]}"
    return f'"{name}-bundled"' if whole else f'"{name}"'


def schema_by_id(version: Version, *, whole_for: Actor | None = None) -> dict[str, Any]:
    """The same for every version under an id.

    `whole_for` somebody, the schema holds what it refers to, and there is nothing left to refer to.
    """
    answer = {
        "schema": version.content.text if whole_for is None else bundled(whole_for, version.content),
        "schemaType": "JSON",
        "guid": str(version.identity.guid),
        "references": version.content.references if whole_for is None else [],
        "metadata": version.metadata,
        "ruleSet": version.rule_set,
    }
    return _without_empty(answer)


def version_answer(version: Version, *, extras: bool, whole_for: Actor | None = None) -> dict[str, Any]:
    answer = {
        "subject": version.subject.name,
        "version": version.number,
        "id": version.identity.number,
        "schemaType": "JSON",
        "schema": version.content.text if whole_for is None else bundled(whole_for, version.content),
        "references": version.content.references if whole_for is None else [],
        "metadata": version.metadata,
        "ruleSet": version.rule_set,
    }
    if extras:
        answer |= _extras(version)
    return _without_empty(answer)


def _without_empty(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if value not in (None, [], {})}


def _extras(version: Version) -> dict[str, Any]:
    return {
        "guid": str(version.identity.guid),
        "ts": int(version.published_at.timestamp() * 1000),
        "deleted": True if version.deleted_at else None,
        "semver": version.semver,
        "state": version.state,
        "sunset": version.sunset.isoformat() if version.sunset else None,
        "deprecationNote": version.deprecation_note or None,
        "publishedBy": version.published_by,
        # What a client needs to judge as events are judged here.
        "dialect": version.content.dialect,
        "assertFormats": version.subject.assert_formats,
        "versionWhenAbsent": version.subject.version_when_absent,
        "eventProfile": version.subject.event_profile or None,
        "renameAliases": version.subject.rename_aliases or None,
    }


def published_answer(published: Published, *, extras: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"id": published.schema_id}
    if not extras:
        return answer
    answer |= {"version": published.number, "semver": published.semver, "created": published.created}
    if published.version:
        answer |= {"guid": str(published.version.identity.guid), "schemaType": "JSON"}
        answer |= _without_empty(
            {"metadata": published.version.metadata, "ruleSet": published.version.rule_set}
        )
        answer["state"] = published.version.state
    if published.waits:
        answer["approval_needed"] = True
    if published.judgement:
        answer["verdict"] = published.judgement.as_dict()
    return answer | {"notes": [note.as_dict() for note in published.notes]}
