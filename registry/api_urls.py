"""Addresses of the catalogue's API.

The server hands over decoded paths, so a subject name may hold "/". Names are matched greedily and addresses with more
parts come first; `names.py` refuses the names that would be ambiguous.
"""

from django.urls import URLPattern, URLResolver, path, register_converter
from django.urls.converters import IntConverter, PathConverter

from registry import api, config_api, declared_api, docs_api, schema_api, search_api, settings_api
from registry.taxonomy_urls import api as taxonomy_patterns


class SubjectConverter(PathConverter):
    """Any characters at all: `names.py` says what is wrong with some of them."""

    regex = "(?s:.+)"


class IdConverter(IntConverter):
    regex = "[0-9]{1,19}"


register_converter(SubjectConverter, "subject")
register_converter(IdConverter, "id")

urlpatterns: list[URLPattern | URLResolver] = [
    *taxonomy_patterns,
    path("", api.root, name="api-root"),
    path("schemas/types", schema_api.types),
    path("schemas/ids/<id:content_id>", schema_api.schema, name="schema-by-id"),
    path("schemas/ids/<id:content_id>/schema", schema_api.schema_text),
    path("schemas/ids/<id:content_id>/subjects", schema_api.schema_subjects),
    path("schemas/ids/<id:content_id>/versions", schema_api.schema_versions),
    path("compatibility/subjects/<subject:subject>/versions/<str:version>", api.compatibility),
    path("compatibility/subjects/<subject:subject>/versions", api.compatibility_with_all),
    path("config", config_api.config),
    path("config/<subject:subject>", config_api.subject_config),
    path("mode", config_api.mode),
    path("mode/<subject:subject>", config_api.subject_mode),
    path("settings/<subject:subject>", settings_api.subject_settings),
    path("declared-changes", declared_api.declared),
    path("search", search_api.search_schemas, name="search-api"),
    path("subjects", api.subjects),
    path("subjects/<subject:subject>/versions/<str:version>/docs", docs_api.docs, name="docs"),
    path("subjects/<subject:subject>/versions/<str:version>/example", docs_api.example),
    path("subjects/<subject:subject>/versions/<str:version>/changes", docs_api.changes),
    path("subjects/<subject:subject>/versions/<str:version>/similar", docs_api.similar),
    path("subjects/<subject:subject>/versions/<str:version>/schema", api.version_schema, name="schema-text"),
    path("subjects/<subject:subject>/versions/<str:version>/referencedby", api.referenced_by),
    path("subjects/<subject:subject>/versions/<str:version>", api.version),
    path("subjects/<subject:subject>/versions", api.versions),
    path("subjects/<subject:subject>", api.subject),
]
