"""Who is at the door, and their own password."""

from django.contrib.auth import authenticate, password_validation
from django.contrib.auth.models import User
from django.db import transaction

from access import audit, throttle
from access.actor import Actor
from access.errors import Forbidden, WrongPassword
from access.tokens import actor_of_user


def sign_in(*, username: str, password: str, address: str | None) -> User:
    """The person with this name and password.

    Raises LoginThrottled after too many failures, WrongPassword without saying which of the two is wrong.
    """
    throttle.admit(username=username, address=address)
    person = authenticate(username=username, password=password)
    if not isinstance(person, User):
        raise WrongPassword("This name and password do not belong together. Both are case-sensitive.")
    throttle.forgive(username=username, address=address)
    audit.record(
        actor=actor_of_user(person),
        action="person.signed_in",
        target=_name(person),
        details={"address": address},
    )
    return person


def change_password(*, actor: Actor, old: str, new: str, address: str | None) -> User:
    """Sets the acting person's own password.

    Raises WrongPassword when `old` is not theirs, LoginThrottled after too many such guesses, Django's ValidationError when `new` is too weak.
    """
    person = actor.user
    if person is None or actor.token is not None:
        raise Forbidden("Only a person who is signed in changes their password.")
    throttle.admit(username=person.username, address=address)
    if not person.check_password(old):
        raise WrongPassword("This is not your present password.")
    password_validation.validate_password(new, person)
    throttle.forgive(username=person.username, address=address)
    with transaction.atomic():
        person.set_password(new)
        person.save(update_fields=["password"])
        audit.record(actor=actor, action="person.password_changed", target=_name(person), details={})
    return person


def _name(person: User) -> str:
    return f"person/{person.username}"
