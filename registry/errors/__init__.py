"""What the catalogue refuses, by what the caller can do about it.

    ProductError
    ├── SubjectNotFound, VersionNotFound, SchemaNotFound …     ask for something else
    ├── SubjectSoftDeleted … VersionNotSoftDeleted             delete in the right order
    ├── LevelNotConfigured, ModeNotConfigured, ContextNotFound nothing is set at this place
    ├── InvalidSchema, InvalidReference, SchemaTooLarge        mend the schema
    ├── InvalidSubject, InvalidVersion, InvalidLevel …         mend the request
    ├── Incompatible, Undecided, VersionTooLow, VersionTaken   publish something else, or under another version
    ├── IdMismatch, NextVersionExpected                        import under another id or number
    ├── ApprovalRequired, AlreadyDecided, OwnApproval …        somebody else has to decide, or has
    ├── InvalidTransition, InvalidDeprecation                  mend what was asked about a state
    ├── InvalidMigration, MigrationRefused, MigrationExists …  mend the migration, or replace the one there is
    └── NotPermitted, ReferenceExists, ContextNotEmpty, Busy   not now

Messages of errors that registry clients know by number are Confluent's, word for word.
"""

from registry.errors.approvals import AlreadyDecided, ApprovalOutdated, ApprovalRequired, OwnApproval
from registry.errors.migrations import (
    InvalidMigration,
    MigrationExists,
    MigrationNotFound,
    MigrationNotWaiting,
    MigrationRefused,
)
from registry.errors.missing import (
    ApprovalNotFound,
    ContextNotFound,
    LevelNotConfigured,
    ModeNotConfigured,
    NoExample,
    NothingToImport,
    SchemaNotFound,
    StudyNotFound,
    SubjectNotFound,
    VersionNotFound,
)
from registry.errors.refusals import (
    AlreadyPublished,
    Busy,
    ContextNotEmpty,
    ImportRefused,
    Incompatible,
    InvalidTransition,
    NotPermitted,
    ReadOnly,
    ReferenceExists,
    SubjectNotSoftDeleted,
    SubjectSoftDeleted,
    Undecided,
    VersionNotSoftDeleted,
    VersionSoftDeleted,
    VersionTaken,
    VersionTooLow,
)
from registry.errors.requests import (
    ForwardEverywhereOnly,
    IdMismatch,
    InvalidDeprecation,
    InvalidLevel,
    InvalidMode,
    InvalidPolicy,
    InvalidReference,
    InvalidRuleSet,
    InvalidSchema,
    InvalidSearch,
    InvalidSemver,
    InvalidSettings,
    InvalidSubject,
    InvalidVersion,
    NextVersionExpected,
    SchemaTooLarge,
)

__all__ = [
    "AlreadyDecided",
    "AlreadyPublished",
    "ApprovalNotFound",
    "ApprovalOutdated",
    "ApprovalRequired",
    "Busy",
    "ContextNotEmpty",
    "ContextNotFound",
    "ForwardEverywhereOnly",
    "IdMismatch",
    "ImportRefused",
    "Incompatible",
    "InvalidDeprecation",
    "InvalidLevel",
    "InvalidMigration",
    "InvalidMode",
    "InvalidPolicy",
    "InvalidReference",
    "InvalidRuleSet",
    "InvalidSchema",
    "InvalidSearch",
    "InvalidSemver",
    "InvalidSettings",
    "InvalidSubject",
    "InvalidTransition",
    "InvalidVersion",
    "LevelNotConfigured",
    "MigrationExists",
    "MigrationNotFound",
    "MigrationNotWaiting",
    "MigrationRefused",
    "ModeNotConfigured",
    "NextVersionExpected",
    "NoExample",
    "NotPermitted",
    "NothingToImport",
    "OwnApproval",
    "ReadOnly",
    "ReferenceExists",
    "SchemaNotFound",
    "SchemaTooLarge",
    "StudyNotFound",
    "SubjectNotFound",
    "SubjectNotSoftDeleted",
    "SubjectSoftDeleted",
    "Undecided",
    "VersionNotFound",
    "VersionNotSoftDeleted",
    "VersionSoftDeleted",
    "VersionTaken",
    "VersionTooLow",
]
