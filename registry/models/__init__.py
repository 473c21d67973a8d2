"""What the catalogue stores: subjects, immutable contents, versions, what holds for them and what is known about them."""

from registry.models.catalogue import (
    Content,
    Reference,
    SchemaId,
    Subject,
    SubjectQuerySet,
    Version,
    VersionQuerySet,
    begins_with,
)
from registry.models.findable import ContentField, ContentIndex, VersionIndex, VersionTag
from registry.models.imports import ArchivePart, CatalogueImport
from registry.models.review import Approval, ApprovalQuerySet, Fetch, Study, StudyQuerySet, SunsetNotice
from registry.models.rules import Configuration, Context, EvolutionRules, Level, Mode, Policy
from registry.models.taxonomies import Taxonomy, TaxonomyVersion

__all__ = [
    "Approval",
    "ApprovalQuerySet",
    "ArchivePart",
    "CatalogueImport",
    "Configuration",
    "Content",
    "ContentField",
    "ContentIndex",
    "Context",
    "EvolutionRules",
    "Fetch",
    "Level",
    "Mode",
    "Policy",
    "Reference",
    "SchemaId",
    "Study",
    "StudyQuerySet",
    "Subject",
    "SubjectQuerySet",
    "SunsetNotice",
    "Taxonomy",
    "TaxonomyVersion",
    "Version",
    "VersionIndex",
    "VersionQuerySet",
    "VersionTag",
    "begins_with",
]
