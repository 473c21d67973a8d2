"""What search knows of contents and versions."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from registry.models.catalogue import Content, Version


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
