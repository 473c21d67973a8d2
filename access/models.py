"""What is stored about people, tokens, deliveries and who changed what."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, ROLES, SCOPES, Actor
from access.sealed import SealedField


class Role(models.Model):
    """A person holds a role on every subject whose name begins with `subject_prefix` ("" is all)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="roles")
    name = models.CharField(max_length=20, choices=[(name, name) for name in ROLES])
    subject_prefix = models.CharField(max_length=255, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "name", "subject_prefix"], name="one_role_once"),
            models.CheckConstraint(condition=Q(name__in=list(ROLES)), name="role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} on {self.subject_prefix}*"


class TokenQuerySet(models.QuerySet["Token"]):
    def usable(self) -> "TokenQuerySet":
        """Neither revoked nor expired, by the database's clock."""
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=Now()), revoked_at__isnull=True)


class Token(models.Model):
    """A machine's credential. The secret is shown once; only its SHA-256 is kept (it has 256 bits of entropy)."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    # The first characters of the secret: enough to recognise a token in a list or a leak report.
    hint = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = ArrayField(models.CharField(max_length=10))
    subject_prefixes = ArrayField(models.CharField(max_length=255, blank=True), default=list)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    # The token that takes over when this one is rotated; this one goes on until its shortened expiry.
    successor = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="predecessor"
    )

    objects = TokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(scopes__contained_by=list(SCOPES)) & ~Q(scopes=[]), name="token_scopes_are_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    def state(self, now: datetime) -> str:
        """`active`, `rotated` (still valid, has a successor), `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= now:
            return "expired"
        return "rotated" if self.successor_id else "active"


class Allowance(models.Model):
    """How far somebody has used up a rate: until `spent_until`, everything that was admitted is paid for."""

    # The actor's label: a token that takes over from another goes on where that was.
    who = models.CharField(primary_key=True, max_length=LABEL_LENGTH)
    spent_until = models.DateTimeField()

    def __str__(self) -> str:
        return self.who


class Invitation(models.Model):
    """A place kept for a person: whoever opens the link first sets the password."""

    email = models.EmailField()
    username = models.CharField(max_length=150)
    role = models.CharField(max_length=20)
    subject_prefix = models.CharField(max_length=255, blank=True, default="")
    digest = models.BinaryField(max_length=32, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.username} as {self.role}"


class LoginAttempt(models.Model):
    """A failed login; enough of them in a window close the door for that name and address."""

    username = models.CharField(max_length=150)
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["username", "at"]), models.Index(fields=["address", "at"])]

    def __str__(self) -> str:
        return f"{self.username} at {self.at}"


class AuditEntry(models.Model):
    """Who changed what. Append-only (a trigger refuses anything else), hash-chained by a sweep after commit."""

    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=LABEL_LENGTH)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=300)
    details = models.JSONField(default=dict)
    # Place in the chain and the hash over the previous hash and this row; null until the sweep came by.
    link = models.BigIntegerField(null=True, unique=True)
    hash = models.BinaryField(max_length=32, null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["action", "-id"]), models.Index(fields=["target", "-id"])]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def matching(self, chosen: Mapping[str, str]) -> "DeliveryQuerySet":
        """Those with the given `state`, `about`, `about_id` and `target`, as far as they are given."""
        names = ("state", "about", "about_id", "target")
        return self.filter(**{name: chosen[name] for name in names if chosen.get(name)})


class Delivery(models.Model):
    """One message to one address, written in the transaction that decided to send it (an outbox row)."""

    class State(models.TextChoices):
        DUE = "due"
        DELIVERED = "delivered"
        DEAD = "dead"
        CANCELLED = "cancelled"

    class Transport(models.TextChoices):
        WEBHOOK = "webhook", "HTTP, signed when there is a secret"
        KEYED = "keyed", "HTTP, with the secret in the body as routing_key"
        EMAIL = "email", "e-mail to the address in url, which begins with mailto:"

    # The receiver's idempotency key: the same over all attempts, unique over all time.
    message_id = models.CharField(max_length=200, unique=True)
    # What it is about, by name, since this app knows none of the others: "alerts.episode", 17.
    about = models.CharField(max_length=40)
    about_id = models.CharField(max_length=80)
    # Through what it goes, by name as well: "alerts.channel/3"; "" for what goes straight to an address.
    target = models.CharField(max_length=80, blank=True, default="")
    transport = models.CharField(max_length=10, choices=Transport.choices, default=Transport.WEBHOOK)
    url = models.CharField(max_length=2000)
    secret = SealedField(blank=True)
    body = models.BinaryField()
    headers = models.JSONField(default=dict)
    # Seconds before each further attempt; when used up, the delivery is dead.
    schedule = ArrayField(models.FloatField(), default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    attempts = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    # It waits until then before its first attempt, and may be withdrawn meanwhile.
    held_until = models.DateTimeField(null=True)
    # A worker holds the row until then; a later claim by another one means this one was killed.
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state="due"), name="deliveries_due"),
            models.Index(fields=["about", "about_id"]),
            models.Index(fields=["target", "-id"], condition=~Q(target=""), name="deliveries_of_a_target"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.url}"

    @property
    def tone(self) -> str:
        """Waiting for the first attempt is quiet; a failed one is worth a look."""
        if self.state == self.State.DUE:
            return "warn" if self.attempts else "info"
        return {"delivered": "good", "dead": "bad"}.get(self.state, "quiet")


class DeliveryAttempt(models.Model):
    """What happened when a delivery was tried: enough to answer the receiver's "we never got it"."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    number = models.IntegerField()
    at = models.DateTimeField(db_default=Now())
    duration_ms = models.FloatField()
    address = models.CharField(max_length=60, blank=True)
    status = models.IntegerField(null=True)
    answer = models.TextField(blank=True)
    # A sentence: why it failed, or "" when it was delivered.
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="one_attempt_per_number")]

    def __str__(self) -> str:
        return f"attempt {self.number}"


class DeliveryTarget(models.Model):
    """How deliveries through a target went lately: moved with every attempt, so that nobody has to count."""

    # As in `Delivery.target`.
    name = models.CharField(primary_key=True, max_length=80)
    succeeded_at = models.DateTimeField(null=True)
    # The first attempt of those that failed since, how many there were, and why the last one did.
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)
    # The receiver answered 410: nothing more is written for it until somebody says otherwise.
    gone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class AuthorityEpoch(models.Model):
    """Moved by triggers in the transaction of everything that changes who may do or see what; at most one row.

    Whoever keeps finished answers compares it every FAST_PATH_CHECK_SECONDS.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.value)


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def visible_to(self, actor: Actor) -> "SigningKeyQuerySet":
        """Those whose whole prefix the actor may read."""
        found = Q(pk__in=[])
        for prefix in actor.readable_prefixes():
            found |= Q(subject_prefix__startswith=prefix)
        return self.filter(found)


class SigningKey(models.Model):
    """A producer's public key. Whoever holds the private half signs events of the types that begin with the prefix."""

    # The JWK thumbprint (RFC 7638), which is what signatures name.
    kid = models.CharField(max_length=43, unique=True)
    name = models.CharField(max_length=100)
    subject_prefix = models.CharField(max_length=255, blank=True, db_collation="C")
    # The member x of its JWK: 32 bytes of Ed25519 in base64url.
    public_key = models.CharField(max_length=43)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True)
    # Why it was revoked.
    reason = models.CharField(max_length=300, blank=True)
    # The key that takes over; this one goes on until its shortened expiry.
    successor = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="predecessor"
    )

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.kid[:8]}…)"

    def state(self, at: datetime) -> str:
        """As of then: `active`, `rotated` (still counts, has a successor), `expired` or `revoked`."""
        if self.revoked_at and self.revoked_at <= at:
            return "revoked"
        if self.expires_at and self.expires_at <= at:
            return "expired"
        return "rotated" if self.successor_id else "active"


class DataKeyQuerySet(models.QuerySet["DataKey"]):
    def visible_to(self, actor: Actor) -> "DataKeyQuerySet":
        found = Q(pk__in=[])
        for prefix in actor.readable_prefixes():
            found |= Q(subject__startswith=prefix)
        return self.filter(found)


class DataKey(models.Model):
    """A key that encrypts sensitive fields of one subject's events, wrapped by a key that this server never has."""

    class State(models.TextChoices):
        # Encrypts and decrypts; decrypts only; is handed out to nobody for now; is gone.
        ACTIVE = "active"
        RETIRED = "retired"
        REVOKED = "revoked"
        DESTROYED = "destroyed"

    # Which encrypted fields name.
    kid = models.CharField(max_length=64, unique=True)
    subject = models.CharField(max_length=255, db_collation="C")
    # Compact JWE; "" once it is destroyed.
    wrapped = models.TextField(blank=True)
    # The name of the key that wraps.
    wrapped_by = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(null=True)
    # Why it was revoked or destroyed.
    reason = models.CharField(max_length=300, blank=True)

    objects = DataKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=Q(state="active"), name="one_active_data_key"
            ),
            models.CheckConstraint(
                condition=Q(state="destroyed", wrapped="") | (~Q(state="destroyed") & ~Q(wrapped="")),
                name="destroyed_data_keys_are_gone",
            ),
        ]
        indexes = [models.Index(fields=["subject", "-id"])]

    def __str__(self) -> str:
        return f"{self.kid} of {self.subject}"
