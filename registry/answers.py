"""What the wire API answers about stored things. `extras` are members of ours that older clients would refuse."""

from typing import Any

from registry.models import Version
from registry.publish import Published

# A schema never changes, but who may read it does: shared caches must not keep it.
IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Authorization, Accept"}


def etag_of(version: Version) -> str:
    return f'"{version.identity.number}-{bytes(version.identity.digest).hex()[:16]}"'


def schema_by_id(version: Version) -> dict[str, Any]:
    """The same for every version under an id."""
    answer = {
        "schema": version.content.text,
        "schemaType": "JSON",
        "guid": str(version.identity.guid),
        "references": version.content.references,
        "metadata": version.metadata,
        "ruleSet": version.rule_set,
    }
    return _without_empty(answer)


def version_answer(version: Version, *, extras: bool) -> dict[str, Any]:
    answer = {
        "subject": version.subject.name,
        "version": version.number,
        "id": version.identity.number,
        "schemaType": "JSON",
        "schema": version.content.text,
        "references": version.content.references,
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
        "publishedBy": version.published_by,
        # What a client needs to judge as events are judged here.
        "dialect": version.content.dialect,
        "assertFormats": version.subject.assert_formats,
    }


def published_answer(published: Published, *, extras: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"id": published.schema_id}
    if not extras:
        return answer
    answer |= {"version": published.number, "semver": published.semver, "created": published.created}
    if published.version:
        answer["guid"] = str(published.version.identity.guid)
        answer["schemaType"] = "JSON"
        answer |= _without_empty(
            {"metadata": published.version.metadata, "ruleSet": published.version.rule_set}
        )
    if published.judgement:
        answer["verdict"] = published.judgement.as_dict()
    return answer | {"notes": [note.as_dict() for note in published.notes]}
