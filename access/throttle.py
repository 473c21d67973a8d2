"""Failed sign-ins close the door for a while: for one name from one address soon, for a name or an address alone later.

The limits differ so that nobody can lock a colleague out from elsewhere with five wrong guesses, and a
whole office behind one address is not locked out by one person.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from access.errors import LoginThrottled
from access.models import LoginAttempt

ADDRESS_FACTOR = 4
NAME_FACTOR = 10


def admit(*, username: str, address: str | None) -> LoginAttempt:
    """Counts one try; raises LoginThrottled (with `retry_after` seconds) when there were too many.

    The try is written down before the password is looked at, so that a hundred simultaneous guesses count
    as a hundred.
    """
    attempt = LoginAttempt.objects.create(username=username, address=address)
    since = timezone.now() - settings.LOGIN_ATTEMPTS_WINDOW
    LoginAttempt.objects.filter(at__lt=since).delete()
    for tries, factor in _limits(username, address):
        allowed = settings.LOGIN_ATTEMPTS_ALLOWED * factor
        recent = LoginAttempt.objects.filter(tries, at__gte=since)
        if recent.count() > allowed:
            # A refused try does not count, or trying again would keep the door shut for ever.
            attempt.delete()
            raise _refusal(recent.order_by("at").first())
    return attempt


def forgive(*, username: str, address: str | None) -> None:
    """The right password was given: earlier slips of this name from this address no longer count."""
    LoginAttempt.objects.filter(username=username, address=address).delete()


def _limits(username: str, address: str | None) -> list[tuple[Q, int]]:
    name, place = Q(username=username), Q(address=address)
    return [(name & place, 1), (place, ADDRESS_FACTOR), (name, NAME_FACTOR)]


def _refusal(oldest: LoginAttempt | None) -> LoginThrottled:
    ends = (oldest.at if oldest else timezone.now()) + settings.LOGIN_ATTEMPTS_WINDOW
    wait = max(timedelta(seconds=1), ends - timezone.now())
    seconds = int(wait.total_seconds()) + 1
    minutes = -(-seconds // 60)
    unit = "minute" if minutes == 1 else "minutes"
    return LoginThrottled(
        f"Too many failed sign-ins. Try again in {minutes} {unit}, or ask an administrator to set a new password.",
        retry_after=seconds,
    )
