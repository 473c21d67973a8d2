"""Addresses of the catalogue's pages. As in api_urls.py, those with more parts come first."""

from django.urls import URLPattern, path

from registry import declared_pages, docs_pages, home, pages, search_pages, taxonomy_urls, upload_page

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
    path("subjects/<path:subject>/versions/<str:version>", pages.version, name="version"),
    path("subjects/<path:subject>/config", pages.subject_settings, name="subject-settings"),
    path("subjects/<path:subject>", pages.subject, name="subject"),
    *taxonomy_urls.pages,
]
