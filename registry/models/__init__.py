"""What the catalogue stores: subjects, immutable contents, versions, what holds for them and what is known about them."""

from registry.models.catalogue import (
    ClearPolicy,
    Content,
    EventProfile,
    Reference,
    SchemaId,
    SignaturePolicy,
    Subject,
    SubjectQuerySet,
    UnknownPolicy,
    Version,
    VersionQuerySet,
    begins_with,
)
from registry.models.findable import ContentField, ContentIndex, VersionIndex, VersionTag
from registry.models.imports import ArchivePart, CatalogueImport
from registry.models.migrations import VersionMigration, VersionMigrationQuerySet
from registry.models.review import Approval, ApprovalQuerySet, Fetch, Study, StudyQuerySet, SunsetNotice
from registry.models.rules import Configuration, Context, EvolutionRules, Level, Mode, Policy
from registry.models.taxonomies import Taxonomy, TaxonomyVersion

__all__ = [
    "Approval",
    "ApprovalQuerySet",
    "ArchivePart",
    "CatalogueImport",
    "ClearPolicy",
    "Configuration",
    "Content",
    "ContentField",
    "ContentIndex",
    "Context",
    "EventProfile",
    "EvolutionRules",
    "Fetch",
    "Level",
    "Mode",
    "Policy",
    "Reference",
    "SchemaId",
    "SignaturePolicy",
    "Study",
    "StudyQuerySet",
    "Subject",
    "SubjectQuerySet",
    "SunsetNotice",
    "Taxonomy",
    "TaxonomyVersion",
    "UnknownPolicy",
    "Version",
    "VersionIndex",
    "VersionMigration",
    "VersionMigrationQuerySet",
    "VersionQuerySet",
    "VersionTag",
    "begins_with",
]
