"""Bring people in: an administrator invites, whoever opens the link first sets the password."""

import secrets

from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, get_connection
from django.db import IntegrityError, transaction
from django.utils import timezone

from access import audit
from access.actor import ROLES, Actor
from access.errors import Forbidden, InvitationInvalid
from access.models import Invitation, Role
from access.tokens import actor_of_user, digest_of

MAIL_SECONDS = 10


def invite(
    *, actor: Actor, email: str, username: str, role: str, subject_prefix: str = ""
) -> tuple[Invitation, str]:
    """An invitation and the secret of its link, which is never to be seen again.

    Raises InvitationInvalid for an unknown role or a name that is taken, Forbidden for anyone but an administrator.
    """
    actor.require_everywhere("admin")
    if actor.user is None:
        raise Forbidden("Invitations come from a person.")
    if role not in ROLES:
        raise InvitationInvalid(f"Choose a role out of {', '.join(ROLES)}.", pointer="/role")
    if User.objects.filter(username=username).exists():
        raise InvitationInvalid(f"The name '{username}' is taken already.", pointer="/username")
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        invitation = Invitation.objects.create(
            email=email,
            username=username,
            role=role,
            subject_prefix=subject_prefix,
            digest=digest_of(secret),
            invited_by=actor.user,
            expires_at=timezone.now() + settings.INVITATION_LIFETIME,
        )
        audit.record(
            actor=actor,
            action="person.invited",
            target=f"invitation/{invitation.pk}",
            details={"username": username, "email": email, "role": role, "prefix": subject_prefix},
        )
    return invitation, secret


def send_invitation(*, invitation: Invitation, link: str) -> None:
    """Sends the link by e-mail, at once: nothing keeps its secret for later. Raises OSError when that fails."""
    text = (
        f"{invitation.invited_by} invites you to Onex Registry as '{invitation.username}'.\n\n"
        f"Open this link and choose a password:\n{link}\n\n"
        f"It works once, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC."
    )
    with get_connection(timeout=MAIL_SECONDS) as connection:
        message = EmailMessage(
            "Your invitation to Onex Registry", text, to=[invitation.email], connection=connection
        )
        message.send()


def open_invitation(*, secret: str) -> Invitation:
    """The invitation behind a link. Raises InvitationInvalid when it was used, withdrawn or is too old."""
    return _usable(Invitation.objects.select_related("invited_by").filter(digest=digest_of(secret)).first())


def accept_invitation(*, secret: str, password: str) -> User:
    """Creates the person with the invited role.

    Raises InvitationInvalid as `open_invitation` does, Django's ValidationError for a weak password.
    """
    with transaction.atomic():
        # Locked: of two people who open the link at the same time, one becomes the person.
        rows = Invitation.objects.select_for_update(of=("self",)).select_related("invited_by")
        invitation = _usable(rows.filter(digest=digest_of(secret)).first())
        person = User(username=invitation.username, email=invitation.email)
        password_validation.validate_password(password, person)
        person.set_password(password)
        _store(person)
        Role.objects.create(user=person, name=invitation.role, subject_prefix=invitation.subject_prefix)
        invitation.accepted_at = timezone.now()
        invitation.save(update_fields=["accepted_at"])
        audit.record(
            actor=actor_of_user(person),
            action="invitation.accepted",
            target=f"invitation/{invitation.pk}",
            details={"username": person.username, "invited_by": invitation.invited_by.username},
        )
    return person


def withdraw_invitation(*, actor: Actor, invitation_id: int) -> None:
    """Closes the link. Withdrawing one that was used or withdrawn already changes nothing."""
    actor.require_everywhere("admin")
    with transaction.atomic():
        open_ones = Invitation.objects.filter(pk=invitation_id, accepted_at=None, withdrawn_at=None)
        if open_ones.update(withdrawn_at=timezone.now()):
            audit.record(
                actor=actor, action="invitation.withdrawn", target=f"invitation/{invitation_id}", details={}
            )


def _usable(invitation: Invitation | None) -> Invitation:
    if invitation is None or invitation.withdrawn_at or invitation.accepted_at:
        raise InvitationInvalid(
            "This link was used already, was withdrawn, or is not complete. Ask for a new one."
        )
    if invitation.expires_at <= timezone.now() or not _may_still_invite(invitation):
        raise InvitationInvalid("This link is too old. Ask for a new one.")
    return invitation


def _may_still_invite(invitation: Invitation) -> bool:
    """Somebody who lost the administrator's role must not keep handing out roles through old links."""
    inviter = invitation.invited_by
    return inviter.is_active and actor_of_user(inviter).may_everywhere("admin")


def _store(person: User) -> None:
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as error:
        raise InvitationInvalid(
            f"The name '{person.username}' was taken meanwhile. Ask for a new invitation.",
            pointer="/username",
        ) from error
