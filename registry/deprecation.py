"""How an answer says that its version is deprecated: RFC 9745 (`Deprecation`), RFC 8594 (`Sunset`), RFC 8288 links.

A schema by id is deprecated when every version that is this schema is: drafts and deleted ones do not count, and where
several are, the one deprecated last speaks. A successor is linked for whoever may read it.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time
from urllib.parse import quote

from django.conf import settings
from django.utils.http import http_date

from access.actor import Actor
from registry.models import Version, VersionQuerySet


def versions_speaking_for(version: Version) -> VersionQuerySet:
    """The versions under its id, whose states say whether the schema itself is deprecated."""
    rows = Version.objects.filter(identity=version.identity_id, deleted_at__isnull=True)
    return rows.exclude(state=Version.State.DRAFT).select_related("subject", "replaced_by__subject")


def deprecated_among(versions: Iterable[Version]) -> Version | None:
    """The version that says of all of them that they are deprecated; None when one is not, or none is there."""
    found = list(versions)
    if not found or any(version.deprecated_at is None for version in found):
        return None
    return max(found, key=lambda version: (version.deprecated_at, version.pk))


def headers_of(version: Version | None, actor: Actor) -> dict[str, str]:
    """The header fields of an answer about this version; none for one that is not deprecated."""
    if version is None or version.deprecated_at is None:
        return {}
    links = [f'<{settings.PUBLIC_URL}{address_of(version)}>; rel="deprecation"; type="text/html"']
    successor = readable_successor(actor, version)
    if successor is not None:
        links.append(f'</api/v1{address_of(successor)}>; rel="successor-version"')
    headers = {"Deprecation": f"@{int(version.deprecated_at.timestamp())}", "Link": ", ".join(links)}
    if version.sunset is not None:
        headers["Sunset"] = http_date(datetime.combine(version.sunset, time(), UTC).timestamp())
    return headers


def readable_successor(actor: Actor, version: Version) -> Version | None:
    successor = version.replaced_by
    return successor if successor and actor.may("read", successor.subject.name) else None


def address_of(version: Version) -> str:
    """Its path, on the pages and below /api/v1 alike."""
    return f"/subjects/{quote(version.subject.name, safe='')}/versions/{version.number}"
