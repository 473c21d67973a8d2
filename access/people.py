"""What people may do: roles by subject prefix, and whether they may come in at all."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from access import audit
from access.actor import ROLES, Actor
from access.errors import PersonNotFound, RoleInvalid
from access.models import Role


def grant_role(*, actor: Actor, username: str, role: str, subject_prefix: str = "") -> Role:
    """Gives a person a role on every subject whose name begins with the prefix; giving it twice changes nothing.

    Raises RoleInvalid for an unknown role, PersonNotFound, Forbidden for anyone but an administrator.
    """
    actor.require_everywhere("admin")
    if role not in ROLES:
        raise RoleInvalid(f"Choose a role out of {', '.join(ROLES)}.", pointer="/role")
    person = _person(username)
    with transaction.atomic():
        granted, new = Role.objects.get_or_create(user=person, name=role, subject_prefix=subject_prefix)
        if new:
            _record(actor, "role.granted", person, role=role, prefix=subject_prefix)
    return granted


def take_role(*, actor: Actor, username: str, role_id: int) -> None:
    """Takes a role away, from the person and in the same moment from their tokens.

    Raises RoleInvalid when nobody would be left who may administer.
    """
    actor.require_everywhere("admin")
    person = _person(username)
    with transaction.atomic():
        _lock_people()
        role = Role.objects.filter(pk=role_id, user=person).first()
        if role is None:
            return
        role.delete()
        _keep_an_administrator()
        _record(actor, "role.taken", person, role=role.name, prefix=role.subject_prefix)


def set_active(*, actor: Actor, username: str, active: bool) -> None:
    """Shuts a person out (sessions and tokens end at once), or lets them in again.

    Raises RoleInvalid for oneself, or when nobody would be left who may administer.
    """
    actor.require_everywhere("admin")
    person = _person(username)
    if person == actor.user:
        raise RoleInvalid("You cannot shut yourself out: another administrator can.")
    with transaction.atomic():
        _lock_people()
        if User.objects.filter(pk=person.pk, is_active=not active).update(is_active=active):
            _keep_an_administrator()
            _record(actor, "person.let_in" if active else "person.shut_out", person)


def administrators() -> QuerySet[User]:
    """Active people who may do everything everywhere."""
    role = Role.objects.filter(user=OuterRef("pk"), name="admin", subject_prefix="")
    return User.objects.filter(Q(is_superuser=True) | Exists(role), is_active=True)


def _lock_people() -> None:
    """Two administrators who take each other's role at the same moment must not both succeed."""
    list(administrators().select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def _keep_an_administrator() -> None:
    if not administrators().exists():
        raise RoleInvalid(
            "Nobody would be left who may administer. Give someone else the role 'admin' first."
        )


def _person(username: str) -> User:
    person = User.objects.filter(username=username).first()
    if person is None:
        raise PersonNotFound(f"There is nobody called '{username}'.", username=username)
    return person


def _record(actor: Actor, action: str, person: User, **details: object) -> None:
    audit.record(actor=actor, action=action, target=f"person/{person.username}", details=details)
