"""Addresses of the catalogue's API.

The server hands over decoded paths, so a subject name may hold "/". Names are matched greedily and addresses with more
parts come first; `names.py` refuses the names that would be ambiguous.
"""

from django.urls import URLPattern, URLResolver, path, register_converter
from django.urls.converters import IntConverter, PathConverter, StringConverter

from registry import (
    api,
    config_api,
    contexts_api,
    declared_api,
    docs_api,
    graph_api,
    import_api,
    metadata_api,
    migration_api,
    schema_api,
    search_api,
    server_api,
    settings_api,
    state_api,
    study_api,
    usage_api,
)
from registry.taxonomy_urls import api as taxonomy_patterns


class SubjectConverter(PathConverter):
    """Any characters at all: `names.py` says what is wrong with some of them."""

    regex = "(?s:.+)"


class VersionConverter(StringConverter):
    """No version is called `versions`: that is the end of a name, whose refusal says why."""

    regex = "(?!versions$)[^/]+"


class IdConverter(IntConverter):
    regex = "[0-9]{1,19}"


register_converter(SubjectConverter, "subject")
register_converter(VersionConverter, "version")
register_converter(IdConverter, "id")

urlpatterns: list[URLPattern | URLResolver] = [
    *taxonomy_patterns,
    path("", api.root, name="api-root"),
    path("v1/metadata/id", server_api.server_id),
    path("v1/metadata/version", server_api.server_version),
    path("v1/metadata/deployment", server_api.server_deployment),
    path("contexts", contexts_api.contexts),
    path("contexts/<str:context>", contexts_api.context),
    path("schemas", schema_api.schemas),
    path("schemas/types", schema_api.types),
    path("schemas/guids/<str:guid>", schema_api.schema_by_guid),
    path("schemas/guids/<str:guid>/ids", schema_api.ids_by_guid),
    path("schemas/ids/<id:schema_id>", schema_api.schema, name="schema-by-id"),
    path("schemas/ids/<id:schema_id>/schema", schema_api.schema_text),
    path("schemas/ids/<id:schema_id>/subjects", schema_api.schema_subjects),
    path("schemas/ids/<id:schema_id>/versions", schema_api.schema_versions),
    path("compatibility/subjects/<subject:subject>/versions/<str:version>", api.compatibility),
    path("compatibility/subjects/<subject:subject>/versions", api.compatibility_with_all),
    path("config", config_api.config),
    path("config/<subject:subject>", config_api.subject_config),
    path("mode", config_api.mode),
    path("mode/<subject:subject>", config_api.subject_mode),
    path("settings/<subject:subject>", settings_api.subject_settings),
    path("approvals", state_api.approvals),
    path("approvals/<int:approval_id>", state_api.approval),
    path("approvals/<int:approval_id>/approve", state_api.approve_upload),
    path("approvals/<int:approval_id>/reject", state_api.reject_upload),
    path("catalogue", import_api.catalogue, name="catalogue-export"),
    path("imports", import_api.imports),
    path("imports/archive", import_api.archive_imports),
    path("imports/registry", import_api.registry_imports),
    path("imports/<int:import_id>", import_api.one_import),
    path("imports/<int:import_id>/cancel", import_api.cancel),
    path("imports/<int:import_id>/repeat", import_api.repeat),
    path("studies", study_api.studies),
    path("studies/<int:study_id>", study_api.study),
    path("studies/<int:study_id>/cancel", study_api.cancel),
    path("declared-changes", declared_api.declared),
    path("search", search_api.search_schemas, name="search-api"),
    path("subjects", api.subjects),
    path("subjects/<subject:subject>/versions/<str:version>/docs", docs_api.docs, name="docs"),
    path("subjects/<subject:subject>/versions/<str:version>/example", docs_api.example),
    path("subjects/<subject:subject>/versions/<str:version>/changes", docs_api.changes),
    path("subjects/<subject:subject>/versions/<str:version>/similar", docs_api.similar),
    path(
        "subjects/<subject:subject>/versions/<str:version>/graph",
        graph_api.version_graph,
        name="version-graph",
    ),
    path("subjects/<subject:subject>/versions/<str:version>/usage", usage_api.version_usage),
    path("subjects/<subject:subject>/versions/<str:version>/state", state_api.version_state),
    path("subjects/<subject:subject>/versions/<str:version>/schema", api.version_schema, name="schema-text"),
    path("subjects/<subject:subject>/versions/<str:version>/referencedby", api.referenced_by),
    path("subjects/<subject:subject>/versions/<str:version>/tags", metadata_api.tags),
    path("subjects/<subject:subject>/versions/<version:version>", api.version),
    path("subjects/<subject:subject>/versions", api.versions),
    path("subjects/<subject:subject>/migrations/<int:number>/approve", migration_api.approve),
    path("subjects/<subject:subject>/migrations/<int:number>", migration_api.migration),
    path("subjects/<subject:subject>/migrations", migration_api.migrations),
    path("subjects/<subject:subject>/metadata", metadata_api.latest_with_metadata),
    path("subjects/<subject:subject>", api.subject),
]
