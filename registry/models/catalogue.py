"""Subjects, their versions, the immutable contents of these, and which of them refers to which."""

import re
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, Actor
from registry import contexts
from registry.models.rules import EvolutionRules


def under(prefixes: tuple[str, ...], field: str) -> Q:
    """Names beginning with one of the prefixes; of no prefixes, nothing."""
    found = Q(pk__in=[])
    for prefix in prefixes:
        found |= Q(**{f"{field}__startswith": prefix})
    return Q() if "" in prefixes else found


def begins_with(prefix: str, field: str) -> Q:
    """Names of subjects that begin so, as the wire API has it: without a context they are the default one's."""
    if prefix.startswith(contexts.ALL):
        rest = prefix.removeprefix(contexts.ALL)
        anywhere = Q(**{f"{field}__regex": f"^:[.][^:/]*:{re.escape(rest)}"})
        return Q(**{f"{field}__startswith": rest}) | anywhere if rest else Q()
    prefix = contexts.normal(prefix)
    if prefix.startswith(":."):
        return Q(**{f"{field}__startswith": prefix})
    return Q(**{f"{field}__startswith": prefix}) & ~Q(**{f"{field}__startswith": ":."})


class SubjectQuerySet(models.QuerySet["Subject"]):
    def readable_by(self, actor: Actor) -> "SubjectQuerySet":
        return self.filter(under(actor.readable_prefixes(), "name"))

    def named_like(self, prefix: str) -> "SubjectQuerySet":
        """Names that begin so: of the default context, of the one that it names, or of all after `:*:`."""
        return self.filter(begins_with(prefix, "name"))

    def with_latest(self, *, status: str = "") -> "SubjectQuerySet":
        """For lists: `latest_number`, `latest_semver`, `latest_status` and `latest_at` of the newest live version;
        `newest` is the key of the newest version at all, by which they can be ordered.

        With a `status`, only the subjects whose newest version has it.
        """
        newest = Version.objects.live().filter(subject=models.OuterRef("pk")).order_by("-number")
        found = self.annotate(
            newest=models.Subquery(
                Version.objects.filter(subject=models.OuterRef("pk")).order_by("-pk").values("pk")[:1]
            ),
            latest_number=models.Subquery(newest.values("number")[:1]),
            latest_semver=models.Subquery(newest.values("semver")[:1]),
            latest_status=models.Subquery(newest.values("verdict__status")[:1]),
            latest_at=models.Subquery(newest.values("published_at")[:1]),
        )
        return found.filter(latest_status=status) if status else found

    def wholly_deleted(self) -> "SubjectQuerySet":
        versions = Version.objects.filter(subject=models.OuterRef("pk"))
        return self.filter(models.Exists(versions), ~models.Exists(versions.filter(deleted_at__isnull=True)))

    def with_live_versions(self) -> "SubjectQuerySet":
        return self.filter(models.Exists(Version.objects.live().filter(subject=models.OuterRef("pk"))))


class UnknownPolicy(models.TextChoices):
    """What becomes of an event that no schema can judge."""

    QUARANTINE = "quarantine"
    REJECT = "reject"
    ACCEPT = "accept"


class EventProfile(models.TextChoices):
    """Who judges events instead of the registered schema."""

    ONEX_V1 = "onex-v1"


class SignaturePolicy(models.TextChoices):
    """What is asked of the signature of an event; without one, nothing."""

    WARN = "warn"
    REQUIRE = "require"


class ClearPolicy(models.TextChoices):
    """What becomes of an event that has a sensitive field in the clear; without one, nothing."""

    WARN = "warn"
    REJECT = "reject"


class Subject(models.Model):
    """A name under which versions of one schema live. It exists as long as it has a version, deleted ones included."""

    name = models.CharField(max_length=255, unique=True, db_collation="C")
    owner = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    # Events: quarantine what violates the schema (True), or store and mark it (False).
    strict = models.BooleanField(default=False)
    # What an event without schema_version means: an exact SemVer, or "latest".
    version_when_absent = models.CharField(max_length=40, default="latest")
    # null = the instance's EVENT_RETENTION_DAYS.
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    accept_undecided = models.BooleanField(null=True, blank=True)
    # What becomes of an event whose schema_version the subject does not have; "" = as UNKNOWN_SCHEMA_VERSION says.
    unknown_schema_version = models.CharField(
        max_length=10, choices=UnknownPolicy.choices, blank=True, default=""
    )
    # Tighter than EVENT_MAX_BYTES and EVENT_MAX_DEPTH; null = those alone.
    max_event_bytes = models.PositiveIntegerField(null=True, blank=True)
    max_event_depth = models.PositiveSmallIntegerField(null=True, blank=True)
    # Who judges events: "" = the registered schema, which has the documented types.
    event_profile = models.CharField(max_length=10, choices=EventProfile.choices, blank=True, default="")
    # Judge and index an event with known aliases of declared fields (FIELD_ALIASES) under the declared names.
    rename_aliases = models.BooleanField(default=False)
    # What is asked of signatures: "" = they are not looked at.
    signatures = models.CharField(max_length=10, choices=SignaturePolicy.choices, blank=True, default="")
    # What becomes of an event with a field in the clear that its schema marks as sensitive: "" = it is taken.
    sensitive_in_clear = models.CharField(max_length=10, choices=ClearPolicy.choices, blank=True, default="")
    # Judge `format` of event metadata too; an annotation otherwise, as the drafts have it.
    assert_formats = models.BooleanField(default=False)
    # An incompatible or major upload waits for a second person.
    needs_approval = models.BooleanField(default=False)
    # Rules on top of the policy, which look at what was declared and not at instances.
    evolution_rules = models.CharField(max_length=10, choices=EvolutionRules.choices, blank=True, default="")

    objects = SubjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Content(models.Model):
    """An immutable schema text. Never updated; its key is its id in every context, unless that was taken there."""

    # SHA-256 over the canonical JSON and the resolved references; "canonical.py" says how.
    digest = models.BinaryField(max_length=32, unique=True)
    text = models.TextField()
    dialect = models.CharField(max_length=255)
    # [{"name", "subject", "version"}] as uploaded.
    references = models.JSONField(default=list)
    # [{"pointer", "taxonomy", "range"}]: where strings have to be codes; what it refers to included.
    bindings = models.JSONField(default=list)
    guid = models.UUIDField(unique=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        # Few schemas are bound, and a new edition of a taxonomy asks which.
        indexes = [models.Index(fields=["id"], condition=~Q(bindings=[]), name="bound_contents")]

    def __str__(self) -> str:
        return f"schema {self.pk}"


class SchemaId(models.Model):
    """What an id means in a context: a content with its metadata and rules. Never deleted, so that no id is reused."""

    context = models.CharField(max_length=255, db_collation="C")
    # What clients put on the wire, in four bytes.
    number = models.BigIntegerField()
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="ids")
    # SHA-256 over the content's digest, metadata and rules; the content's own digest where there are none.
    digest = models.BinaryField(max_length=32)
    # The same in every context.
    guid = models.UUIDField(db_index=True)
    # Given by an import, which may give one schema several ids.
    imported = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["context", "number"], name="one_meaning_per_id"),
            models.UniqueConstraint(
                fields=["context", "digest"], condition=Q(imported=False), name="one_id_per_schema"
            ),
        ]
        indexes = [models.Index(fields=["digest"])]

    def __str__(self) -> str:
        return f"id {self.number} in {self.context}"


class VersionQuerySet(models.QuerySet["Version"]):
    def live(self) -> "VersionQuerySet":
        """Not deleted and neither draft nor archived: what listings, `latest` and compatibility see."""
        return self.filter(
            deleted_at__isnull=True, state__in=[Version.State.ACTIVE, Version.State.DEPRECATED]
        )

    def newest(self) -> "VersionQuerySet":
        """Of each subject the live version with the highest number."""
        newer = Version.objects.live().filter(
            subject=models.OuterRef("subject"), number__gt=models.OuterRef("number")
        )
        return self.live().filter(~models.Exists(newer))

    def readable_by(self, actor: Actor) -> "VersionQuerySet":
        return self.filter(under(actor.readable_prefixes(), "subject__name"))

    def latest_first(self) -> "VersionQuerySet":
        """For lists of what was published last, over all subjects."""
        return self.select_related("subject", "content", "identity").order_by("-published_at", "-pk")


class Version(models.Model):
    """One content under one subject: number (1, 2, 3 …), SemVer, and the evidence it was accepted on."""

    class State(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        DEPRECATED = "deprecated"
        ARCHIVED = "archived"

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="versions")
    identity = models.ForeignKey(SchemaId, on_delete=models.PROTECT, related_name="versions")
    semver = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    # {"policy", "level", "bump", "bump_reason", "against": [{"version", "status", "witness", "changes", …}], "findings"}
    verdict = models.JSONField(default=dict)
    metadata = models.JSONField(null=True)
    rule_set = models.JSONField(null=True)
    note = models.TextField(blank=True)
    published_by = models.CharField(max_length=LABEL_LENGTH)
    published_at = models.DateTimeField(db_default=Now())
    # Soft delete, as registry clients know it: hidden, but its number and id stay taken.
    deleted_at = models.DateTimeField(null=True)
    # Of deprecated and archived ones: since when, until when, what to use instead, and why.
    deprecated_at = models.DateTimeField(null=True)
    sunset = models.DateField(null=True)
    replaced_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="replaces")
    deprecation_note = models.TextField(blank=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["subject", "number"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "number"], name="one_version_per_number"),
            # A label means one schema; one schema may carry several labels. That of a draft is a proposal.
            models.UniqueConstraint(
                fields=["subject", "semver"],
                condition=Q(deleted_at__isnull=True) & ~Q(state="draft"),
                name="one_live_version_per_label",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "active"], deprecated_at__isnull=True)
                | Q(state__in=["deprecated", "archived"], deprecated_at__isnull=False),
                name="deprecated_has_its_date",
            ),
        ]
        indexes = [models.Index(fields=["-published_at"])]

    def __str__(self) -> str:
        return f"{self.subject} v{self.number} ({self.semver})"

    @property
    def is_hidden(self) -> bool:
        """Whether listings and numbers leave it out."""
        return self.deleted_at is not None or self.state in {self.State.DRAFT, self.State.ARCHIVED}

    @property
    def status(self) -> str:
        """What its evidence says: `first`, `compatible`, `incompatible` or `undecided`."""
        verdict: dict[str, Any] = self.verdict or {}
        return str(verdict.get("status", "first"))


class Reference(models.Model):
    """A version's schema refers to another version by name; what is referred to cannot be deleted."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="uses")
    name = models.CharField(max_length=500)
    target = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="used_by")
    # What the upload asked for, of which `target` was the highest version; "" when it named one version.
    range = models.CharField(max_length=250, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "name"], name="one_reference_per_name")]

    def __str__(self) -> str:
        return f"{self.version} uses {self.target} as {self.name}"
