"""What the catalogue stores: subjects, immutable contents, versions, their configuration, taxonomies."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from access.actor import LABEL_LENGTH, Actor
from registry import contexts


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


class EvolutionRules(models.TextChoices):
    """What has to be a new major even where every instance still passes."""

    ONEX = "ONEX"


class Mode(models.TextChoices):
    READWRITE = "READWRITE"
    READONLY = "READONLY"
    # Takes ids and version numbers as they were elsewhere, and asks for no compatibility.
    IMPORT = "IMPORT"
    # The same beside uploads to another registry that hands them on; for everything at once only.
    FORWARD = "FORWARD"


def _under(prefixes: tuple[str, ...], field: str) -> Q:
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
        return self.filter(_under(actor.readable_prefixes(), "name"))

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
    # An incompatible or major upload waits for a second person.
    needs_approval = models.BooleanField(default=False)
    # Rules on top of the policy, which look at what was declared and not at instances.
    evolution_rules = models.CharField(max_length=10, choices=EvolutionRules.choices, blank=True, default="")

    objects = SubjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Context(models.Model):
    """A named context that something was published in; the default one has no row. Deleted when it is empty and unwanted."""

    name = models.CharField(max_length=255, unique=True, db_collation="C")

    def __str__(self) -> str:
        return self.name


class Configuration(models.Model):
    """The rules set for one subject, for a context (`:.berlin:`), the default one (``), or all; null = not set here.

    Kept by name because a subject may be configured before its first version exists.
    """

    subject = models.CharField(max_length=255, unique=True, blank=True, db_collation="C")
    level = models.CharField(max_length=20, choices=Level.choices, null=True)
    policy = models.CharField(max_length=10, choices=Policy.choices, null=True)
    mode = models.CharField(max_length=10, choices=Mode.choices, null=True)
    normalize = models.BooleanField(null=True)
    # Set through the wire API: then Confluent's rule for transitive levels holds (all live versions, not the major's).
    by_wire_api = models.BooleanField(default=False)
    # Requests about this subject mean that one.
    alias = models.CharField(max_length=255, null=True)
    # A property of metadata: versions are compared with those that have the same value.
    compatibility_group = models.CharField(max_length=255, null=True)
    validate_fields = models.BooleanField(null=True)
    validate_rules = models.BooleanField(null=True)
    # What new versions are given, beneath and above what their uploads say.
    default_metadata = models.JSONField(null=True)
    override_metadata = models.JSONField(null=True)
    default_rule_set = models.JSONField(null=True)
    override_rule_set = models.JSONField(null=True)

    def __str__(self) -> str:
        return self.subject or "everything"


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
        return self.filter(_under(actor.readable_prefixes(), "subject__name"))

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


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def readable_by(self, actor: Actor) -> "ApprovalQuerySet":
        return self.filter(_under(actor.readable_prefixes(), "version__subject__name"))

    def waiting(self) -> "ApprovalQuerySet":
        """Those somebody has to decide: deleting the draft withdraws its request."""
        return self.filter(state=Approval.State.PENDING, version__deleted_at__isnull=True)

    def matching(self, chosen: Mapping[str, str]) -> "ApprovalQuerySet":
        """Those with the given `state` and `subject`, as far as they are given."""
        found = self.filter(version__subject__name=chosen["subject"]) if chosen.get("subject") else self
        return found.filter(state=chosen["state"]) if chosen.get("state") else found


class Approval(models.Model):
    """A draft that its subject lets in only when a second person says so, and what that person said."""

    class State(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="approvals")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    requested_by = models.CharField(max_length=LABEL_LENGTH)
    requested_at = models.DateTimeField(db_default=Now())
    # Who may not decide. null = not a person, or one whose account is gone.
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_by = models.CharField(max_length=LABEL_LENGTH, blank=True)
    decider = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=Q(state="pending"), name="one_pending_approval_per_draft"
            ),
            models.CheckConstraint(
                condition=Q(decider__isnull=True)
                | Q(requester__isnull=True)
                | ~Q(decider=models.F("requester")),
                name="nobody_approves_their_own",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.state}"


class SunsetNotice(models.Model):
    """That somebody was told, so many days before, when a version goes. The row decides: each notice is given once."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="notices")
    sunset = models.DateField()
    days_before = models.PositiveSmallIntegerField()
    noticed_at = models.DateTimeField(db_default=Now())
    # "" = nobody who could be written to is named as owner: the pages tell it.
    email = models.CharField(max_length=254, blank=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "sunset", "days_before"], name="each_sunset_notice_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} goes on {self.sunset}"


class Fetch(models.Model):
    """How often and when one client fetched a schema. Written in batches by `fetches.py`."""

    content = models.ForeignKey(Content, on_delete=models.CASCADE, related_name="fetches")
    # The label of the token.
    client = models.CharField(max_length=LABEL_LENGTH)
    count = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "fetches"
        constraints = [models.UniqueConstraint(fields=["content", "client"], name="one_count_per_client")]

    def __str__(self) -> str:
        return f"{self.client} fetched {self.content}"


class StudyQuerySet(models.QuerySet["Study"]):
    def readable_by(self, actor: Actor) -> "StudyQuerySet":
        return self.filter(_under(actor.readable_prefixes(), "subject"))

    def matching(self, chosen: Mapping[str, str]) -> "StudyQuerySet":
        """Those with the given `subject` and `state`, as far as they are given."""
        return self.filter(**{name: chosen[name] for name in ("subject", "state") if chosen.get(name)})

    def waiting(self) -> "StudyQuerySet":
        """Those that want a worker and have none; a lease that ended belongs to a worker that was killed."""
        free = Q(leased_until=None) | Q(leased_until__lt=Now())
        return self.filter(free, state=Study.State.RUNNING)


class Study(models.Model):
    """A judge of an upload that goes on in the background. The row is the whole state: a killed worker loses a step.

    The worker that holds `epoch` owns it; every checkpoint is conditional on it.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        FAILED = "failed"

    # By name: a dry run may be about a subject that does not exist.
    subject = models.CharField(max_length=255, db_collation="C")
    judge = models.CharField(max_length=100)
    # What was uploaded: its digest, text and pinned references.
    digest = models.BinaryField(max_length=32)
    schema = models.TextField()
    references = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    done = models.BigIntegerField(default=0)
    # null = nobody counted yet.
    total = models.BigIntegerField(null=True)
    findings = models.JSONField(default=list)
    # What the judge needs to go on where it stopped.
    memory = models.JSONField(default=dict)
    problem = models.TextField(blank=True)
    epoch = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "studies"
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "judge", "digest"],
                condition=Q(state="running"),
                name="one_running_study_per_question",
            )
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="running"), name="studies_running"),
            models.Index(fields=["subject", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.judge} about {self.subject}"

    @property
    def ended(self) -> bool:
        return self.state != self.State.RUNNING

    @property
    def shown_progress(self) -> str:
        return f"{self.done:,} of {self.total or 0:,}"


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


class CatalogueImportQuerySet(models.QuerySet["CatalogueImport"]):
    def waiting(self) -> "CatalogueImportQuerySet":
        """Those that want a worker and have none; a lease that ended belongs to a worker that was killed."""
        free = Q(leased_until=None) | Q(leased_until__lt=Now())
        return self.filter(free, state=CatalogueImport.State.RUNNING)

    def worked_on(self) -> "CatalogueImportQuerySet":
        return self.filter(state=CatalogueImport.State.RUNNING, leased_until__gte=Now())


class CatalogueImport(models.Model):
    """An archive or another registry that is brought in, in the background. Repeating it after a kill goes on with it.

    The worker that holds `epoch` owns it; everything it writes here is conditional on it.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        FAILED = "failed"

    class Kind(models.TextChoices):
        ARCHIVE = "archive"
        REGISTRY = "registry"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    # The name of the file, or the address of the registry.
    source = models.CharField(max_length=2000)
    # Of a registry: {"subject_prefix", "into"}.
    options = models.JSONField(default=dict)
    # What the registry wants to see, encrypted; "" once it is not needed any more.
    secret = models.TextField(blank=True)
    dry_run = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    step = models.CharField(max_length=60, blank=True)
    done = models.BigIntegerField(default=0)
    # null = nobody counted yet.
    total = models.BigIntegerField(null=True)
    # What it came to: `import_report.Report`.
    report = models.JSONField(null=True)
    problem = models.TextField(blank=True)
    epoch = models.PositiveIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    created_by = models.CharField(max_length=LABEL_LENGTH)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = CatalogueImportQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], condition=Q(state="running"), name="imports_running")]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.source}"

    @property
    def ended(self) -> bool:
        return self.state != self.State.RUNNING

    @property
    def shown_progress(self) -> str:
        return f"{self.done:,} of {self.total or 0:,}"


class ArchivePart(models.Model):
    """A piece of an uploaded archive, kept until it was brought in."""

    # Not `import`, which Python keeps for itself.
    belongs_to = models.ForeignKey(CatalogueImport, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["belongs_to", "number"], name="one_archive_part_per_number")
        ]

    def __str__(self) -> str:
        return f"part {self.number} of import {self.belongs_to_id}"


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
