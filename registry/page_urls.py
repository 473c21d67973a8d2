"""Addresses of the catalogue's pages. As in api_urls.py, those with more parts come first."""

from django.urls import URLPattern, path

from registry import (
    declared_pages,
    docs_pages,
    graph_pages,
    home,
    import_pages,
    migration_pages,
    pages,
    search_pages,
    state_pages,
    study_pages,
    taxonomy_urls,
    upload_page,
    usage_pages,
)

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("upload", upload_page.upload, name="upload"),
    path("declared-changes", declared_pages.declared_page, name="declared-changes"),
    path("search", search_pages.search_page, name="search"),
    path("subjects", pages.subjects, name="subjects"),
    path("subjects/<path:subject>/versions/all/delete", pages.remove_subject, name="delete-subject"),
    path(
        "subjects/<path:subject>/versions/<str:version>/delete", pages.remove_version, name="delete-version"
    ),
    path("subjects/<path:subject>/versions/compare", docs_pages.compare, name="compare"),
    path("subjects/<path:subject>/versions/<str:version>/similar", docs_pages.similar, name="similar"),
    path("subjects/<path:subject>/versions/<str:version>/deprecate", state_pages.deprecate, name="deprecate"),
    path("subjects/<path:subject>/versions/<str:version>/graph", graph_pages.graph, name="graph"),
    path("subjects/<path:subject>/versions/<str:version>/usage", usage_pages.usage, name="usage"),
    path("subjects/<path:subject>/versions/<str:version>/state", state_pages.set_state, name="set-state"),
    path("subjects/<path:subject>/versions/<str:version>", pages.version, name="version"),
    path("subjects/<path:subject>/migrations/new", migration_pages.new, name="new-migration"),
    path(
        "subjects/<path:subject>/migrations/<int:number>/approve",
        migration_pages.approve,
        name="approve-migration",
    ),
    path(
        "subjects/<path:subject>/migrations/<int:number>/retire",
        migration_pages.retire,
        name="retire-migration",
    ),
    path("subjects/<path:subject>/migrations", migration_pages.migrations, name="migrations"),
    path("subjects/<path:subject>/config", pages.subject_settings, name="subject-settings"),
    path("subjects/<path:subject>", pages.subject, name="subject"),
    path("catalogue", import_pages.catalogue, name="catalogue"),
    path("imports/archive", import_pages.import_archive, name="import-archive"),
    path("imports/registry", import_pages.import_registry, name="import-registry"),
    path("imports/<int:import_id>", import_pages.one_import, name="import"),
    path("imports/<int:import_id>/cancel", import_pages.cancel, name="cancel-import"),
    path("imports/<int:import_id>/repeat", import_pages.repeat, name="repeat-import"),
    path("studies/<int:study_id>", study_pages.study, name="study"),
    path("studies/<int:study_id>/cancel", study_pages.cancel, name="cancel-study"),
    path("approvals", state_pages.approvals, name="approvals"),
    path("approvals/<int:approval_id>", state_pages.approval, name="approval"),
    path("approvals/<int:approval_id>/approve", state_pages.approve_upload, name="approve"),
    path("approvals/<int:approval_id>/reject", state_pages.reject_upload, name="reject"),
    *taxonomy_urls.pages,
]
