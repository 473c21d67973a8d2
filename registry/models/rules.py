"""What holds for a subject, a context or everything: levels, policies, modes, and where they are kept."""

from django.db import models


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
