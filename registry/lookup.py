"""Finding what was published: a subject, one of its versions, the versions that refer to one."""

import re
from collections.abc import Callable, Mapping

from semver import Version as SemVer

from registry.errors import InvalidVersion, SubjectNotFound, VersionNotFound
from registry.models import Subject, Version, VersionQuerySet
from registry.ranges import parse_range, parse_semver

LATEST = -1
MAX_NUMBER = 2**31 - 1
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


def parse_number(text: str) -> int | None:
    """A version number, LATEST for "latest" and "-1", None for what is no integer.

    Raises InvalidVersion for integers that number no version.
    """
    if text.lower() == "latest":
        return LATEST
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text[:20])
    if number != LATEST and not 1 <= number <= MAX_NUMBER:
        raise InvalidVersion(text)
    return number


def find_subject(name: str, *, deleted: bool = False) -> Subject:
    """A subject with a live version; with `deleted`, any that has a version at all. Raises SubjectNotFound."""
    subject = Subject.objects.filter(name=name).first()
    if subject is None or not (deleted or Version.objects.live().filter(subject=subject).exists()):
        raise SubjectNotFound(name)
    return subject


def versions_of(subject: Subject, *, deleted: bool = False) -> VersionQuerySet:
    versions = Version.objects.filter(subject=subject)
    return versions.order_by("number") if deleted else versions.live().order_by("number")


def find_version(subject_name: str, wanted: str, *, deleted: bool = False) -> Version:
    """`wanted`: "latest", "-1", a number, an exact SemVer or a range, whose highest version is taken.

    Raises SubjectNotFound, VersionNotFound, InvalidVersion.
    """
    choose = _chooser(wanted)
    subject = find_subject(subject_name, deleted=deleted)
    found = choose(versions_of(subject, deleted=deleted).select_related("subject", "content", "identity"))
    if found is None:
        raise VersionNotFound(wanted, subject=subject_name)
    return found


def find_any_version(subject_name: str, wanted: str) -> Version:
    """The live version that `wanted` names, and only where there is none, a draft, an archived or a deleted one.

    Raises SubjectNotFound, VersionNotFound, InvalidVersion.
    """
    try:
        return find_version(subject_name, wanted)
    except (SubjectNotFound, VersionNotFound):
        return find_version(subject_name, wanted, deleted=True)


def find_version_with(subject_name: str, properties: Mapping[str, str], *, deleted: bool = False) -> Version:
    """The latest version whose metadata has all these properties. Raises SubjectNotFound, VersionNotFound."""
    subject = find_subject(subject_name, deleted=deleted)
    versions = versions_of(subject, deleted=deleted).select_related("subject", "content", "identity")
    found = versions.filter(metadata__properties__contains=dict(properties)).last()
    if found is None:
        wanted = ", ".join(f"{key}={value}" for key, value in properties.items()) or "with metadata"
        raise VersionNotFound(wanted, subject=subject_name)
    return found


def _chooser(wanted: str) -> Callable[[VersionQuerySet], Version | None]:
    number = parse_number(wanted)
    if number == LATEST:
        return lambda versions: versions.last()
    if number is not None:
        return lambda versions: versions.filter(number=number).first()
    matches = _matcher(wanted)
    return lambda versions: _highest(versions, matches)


def _matcher(wanted: str) -> Callable[[SemVer], bool]:
    exact = parse_semver(wanted)
    if exact is not None:
        # Build metadata takes no part in SemVer's order, but it does in asking for one exact label.
        return lambda version: str(version) == str(exact)
    versions = parse_range(wanted) if wanted.strip() else None
    if versions is None:
        raise InvalidVersion(wanted)
    return versions.holds


def _highest(versions: VersionQuerySet, matches: Callable[[SemVer], bool]) -> Version | None:
    labels = [(SemVer.parse(label), key) for key, label in versions.values_list("pk", "semver")]
    fitting = [found for found in labels if matches(found[0])]
    return versions.get(pk=max(fitting)[1]) if fitting else None


def referrers_of(version: Version, *, deleted: bool = False) -> VersionQuerySet:
    """The versions whose schema refers to this one."""
    versions = Version.objects.filter(uses__target=version)
    return versions if deleted else versions.filter(deleted_at__isnull=True)
