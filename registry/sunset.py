"""Telling people in time that a version goes: so many days before its sunset, each notice once.

A row per notice decides that; it is also what the pages show, and what later readers of changes find. Mail goes to the
owner, where mail can be sent and the owner is an address or the name of somebody who has one.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, get_connection
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from access import audit
from access.actor import SYSTEM, Actor
from registry.deprecation import address_of
from registry.models import SunsetNotice, Version

log = logging.getLogger(__name__)
MAIL_SECONDS = 10


def tell_sunsets(*, today: date | None = None) -> int:
    """Writes the notices that are due and sends their mail; how many were written."""
    day = today or datetime.now(UTC).date()
    written = sum(_write(version, days) for version, days in _due(day))
    if settings.SENDS_EMAIL:
        for notice in SunsetNotice.objects.filter(mailed_at=None).exclude(email="").order_by("pk"):
            _mail(notice)
    return written


def notices_for(actor: Actor) -> list[SunsetNotice]:
    """The last notice of every version that goes soon and that the actor may read, the next to go first."""
    rows = SunsetNotice.objects.filter(
        version__in=Version.objects.live().readable_by(actor),
        sunset=F("version__sunset"),
        sunset__gte=datetime.now(UTC).date(),
    )
    newest = rows.order_by("version_id", "-pk").distinct("version_id").select_related("version__subject")
    return sorted(newest, key=lambda notice: (notice.sunset, notice.pk))


def _due(today: date) -> Iterator[tuple[Version, int]]:
    """Versions that go within the longest notice, with the shortest that applies: who is late gets one, not all."""
    steps = sorted(int(days) for days in settings.SUNSET_NOTICE_DAYS)
    if not steps:
        return
    going = Version.objects.filter(
        state=Version.State.DEPRECATED,
        deleted_at__isnull=True,
        sunset__gte=today,
        sunset__lte=today + timedelta(days=steps[-1]),
    )
    for version in going.select_related("subject").order_by("pk"):
        assert version.sunset is not None
        left = (version.sunset - today).days
        yield version, next(days for days in steps if left <= days)


def _write(version: Version, days: int) -> bool:
    assert version.sunset is not None
    known = {"version": version, "sunset": version.sunset, "days_before": days}
    if SunsetNotice.objects.filter(**known).exists():
        return False
    try:
        with transaction.atomic():
            SunsetNotice.objects.create(**known, email=_address_of(version.subject.owner))
            audit.record(
                actor=SYSTEM,
                action="version.sunset_notice",
                target=f"subject/{version.subject.name}",
                details={
                    "version": version.number,
                    "semver": version.semver,
                    "sunset": version.sunset.isoformat(),
                    "days": days,
                },
            )
    except IntegrityError:
        return False  # another sweep was faster
    return True


def _address_of(owner: str) -> str:
    if "@" in owner:
        return owner if len(owner) <= 254 and not set(owner) & set(" \t\r\n,;") else ""
    person = User.objects.filter(username=owner, is_active=True).first() if owner else None
    return person.email if person else ""


def _mail(notice: SunsetNotice) -> None:
    """Claimed before it is sent: two sweeps send it once; what could not be sent waits for the next sweep."""
    mine = SunsetNotice.objects.filter(pk=notice.pk, mailed_at=None)
    if not mine.update(mailed_at=timezone.now()):
        return
    try:
        _send(notice)
    except OSError as problem:
        log.warning("The sunset notice %s could not be mailed: %s", notice.pk, problem)
        SunsetNotice.objects.filter(pk=notice.pk).update(mailed_at=None)


def _send(notice: SunsetNotice) -> None:
    version = Version.objects.select_related("subject", "replaced_by__subject").get(pk=notice.version_id)
    successor = version.replaced_by
    instead = f"It is replaced by {successor.subject} {successor.semver}.\n" if successor else ""
    note = f"{version.deprecation_note}\n" if version.deprecation_note else ""
    text = (
        f"{version.subject} {version.semver} is deprecated, and its sunset is {notice.sunset}.\n{instead}{note}\n"
        f"Who still uses it: {settings.PUBLIC_URL}{address_of(version)}"
    )
    with get_connection(timeout=MAIL_SECONDS) as connection:
        EmailMessage(
            f"{version.subject} {version.semver} goes on {notice.sunset}",
            text,
            to=[notice.email],
            connection=connection,
        ).send()
