"""What the catalogue stores: subjects, immutable contents, versions, their configuration, taxonomies."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, Actor


class Level(models.TextChoices):
    """Confluent's seven: in which direction, and how far back, a new version must be compatible."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"


class Policy(models.TextChoices):
    """What "compatible" means: our two worlds, or one of Confluent's two tables of changes."""

    DECLARED = "DECLARED"
    OPEN = "OPEN"
    STRICT = "STRICT"
    LENIENT = "LENIENT"


class Mode(models.TextChoices):
    READWRITE = "READWRITE"
    READONLY = "READONLY"
    IMPORT = "IMPORT"


def _under(prefixes: tuple[str, ...], field: str) -> Q:
    """Names beginning with one of the prefixes; of no prefixes, nothing."""
    found = Q(pk__in=[])
    for prefix in prefixes:
        found |= Q(**{f"{field}__startswith": prefix})
    return Q() if "" in prefixes else found


class SubjectQuerySet(models.QuerySet["Subject"]):
    def readable_by(self, actor: Actor) -> "SubjectQuerySet":
        return self.filter(_under(actor.readable_prefixes(), "name"))

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

    def with_deleted_versions(self) -> "SubjectQuerySet":
        deleted = Version.objects.filter(subject=models.OuterRef("pk"), deleted_at__isnull=False)
        return self.filter(models.Exists(deleted))

    def with_live_versions(self) -> "SubjectQuerySet":
        return self.filter(models.Exists(Version.objects.live().filter(subject=models.OuterRef("pk"))))


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
    # Judge `format` of event metadata too; an annotation otherwise, as the drafts have it.
    assert_formats = models.BooleanField(default=False)

    objects = SubjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Configuration(models.Model):
    """Level, policy and mode of one subject, or (`subject=""`) of the whole instance; null = not set here.

    Kept by name because a subject may be configured before its first version exists.
    """

    subject = models.CharField(max_length=255, unique=True, blank=True, db_collation="C")
    level = models.CharField(max_length=20, choices=Level.choices, null=True)
    policy = models.CharField(max_length=10, choices=Policy.choices, null=True)
    mode = models.CharField(max_length=10, choices=Mode.choices, null=True)
    normalize = models.BooleanField(null=True)
    # Set through the wire API: then Confluent's rule for transitive levels holds (all live versions, not the major's).
    by_wire_api = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.subject or "everything"


class Content(models.Model):
    """An immutable schema text; its id is what clients put on the wire. Never updated, ids never reused."""

    # SHA-256 over the canonical JSON and the resolved references; "canonical.py" says how.
    digest = models.BinaryField(max_length=32, unique=True)
    text = models.TextField()
    dialect = models.CharField(max_length=255)
    # [{"name", "subject", "version"}] as uploaded.
    references = models.JSONField(default=list)
    guid = models.UUIDField(unique=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"schema {self.pk}"


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
        return self.filter(_under(actor.readable_prefixes(), "subject__name"))

    def latest_first(self) -> "VersionQuerySet":
        """For lists of what was published last, over all subjects."""
        return self.select_related("subject", "content").order_by("-published_at", "-pk")


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

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["subject", "number"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "number"], name="one_version_per_number"),
            # A label means one schema; one schema may carry several labels.
            models.UniqueConstraint(
                fields=["subject", "semver"],
                condition=Q(deleted_at__isnull=True),
                name="one_live_version_per_label",
            ),
        ]
        indexes = [models.Index(fields=["-published_at"])]

    def __str__(self) -> str:
        return f"{self.subject} v{self.number} ({self.semver})"

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

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "name"], name="one_reference_per_name")]

    def __str__(self) -> str:
        return f"{self.version} uses {self.target} as {self.name}"


class Taxonomy(models.Model):
    """A named tree of error codes."""

    name = models.CharField(max_length=255, unique=True, db_collation="C")
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "taxonomies"

    def __str__(self) -> str:
        return self.name


class TaxonomyVersion(models.Model):
    """An immutable edition of a taxonomy: the document as uploaded."""

    taxonomy = models.ForeignKey(Taxonomy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    semver = models.CharField(max_length=60)
    document = models.JSONField()
    digest = models.BinaryField(max_length=32)
    note = models.TextField(blank=True)
    published_by = models.CharField(max_length=LABEL_LENGTH)
    published_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["taxonomy", "number"]
        constraints = [
            models.UniqueConstraint(fields=["taxonomy", "number"], name="one_taxonomy_version_per_number"),
            models.UniqueConstraint(fields=["taxonomy", "semver"], name="one_taxonomy_version_per_semver"),
        ]

    def __str__(self) -> str:
        return f"{self.taxonomy} {self.semver}"


class ContentIndex(models.Model):
    """What search knows of a content. The row is written with the content's first version; it is the marker that it was."""

    content = models.OneToOneField(Content, on_delete=models.CASCADE, primary_key=True, related_name="index")
    title = models.TextField(blank=True)
    description = models.TextField(blank=True)
    field_count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"index of {self.content}"


class ContentField(models.Model):
    """One field of a content, for searching and for saying since when it is there."""

    content = models.ForeignKey(Content, on_delete=models.CASCADE, related_name="fields", db_index=False)
    # In the order of declaration.
    position = models.PositiveIntegerField()
    path = models.TextField(db_collation="C")
    name = models.CharField(max_length=255, db_collation="C")
    # The name in lower case.
    key = models.CharField(max_length=255, db_collation="C")
    types = ArrayField(models.CharField(max_length=20))
    required = models.BooleanField()
    description = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["content", "position"], name="one_field_per_position")]
        indexes = [models.Index(fields=["key", "content"], name="contents_with_field")]

    def __str__(self) -> str:
        return self.path


class VersionTag(models.Model):
    """A tag of a version: of its metadata, or written in its schema."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="tags")
    tag = models.CharField(max_length=255)
    # The tag in lower case.
    key = models.CharField(max_length=255, db_collation="C")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "tag"], name="one_row_per_tag")]
        indexes = [models.Index(fields=["key", "version"], name="versions_with_tag")]

    def __str__(self) -> str:
        return self.tag


class VersionIndex(models.Model):
    """The words a version is found by, one row per version so that all words of a question are one look-up."""

    version = models.OneToOneField(Version, on_delete=models.CASCADE, primary_key=True, related_name="index")
    # Of its schema and tags. They never change; those of the subject do.
    own = SearchVectorField()
    # The same with the subject's name, owner and description.
    words = SearchVectorField()

    class Meta:
        indexes = [GinIndex(fields=["words"], name="versions_by_words")]

    def __str__(self) -> str:
        return f"index of {self.version}"
