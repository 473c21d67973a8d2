"""The addresses of taxonomies; api_urls.py and page_urls.py bring them in."""

from django.urls import path

from registry import taxonomy_api, taxonomy_pages

api = [
    path("taxonomies", taxonomy_api.taxonomies),
    path("taxonomies/<path:name>/versions", taxonomy_api.versions),
    path("taxonomies/<path:name>/versions/<str:wanted>", taxonomy_api.version),
    path("taxonomies/<path:name>/codes/<str:text>", taxonomy_api.code),
]
pages = [
    path("taxonomies", taxonomy_pages.taxonomies, name="taxonomies"),
    path("taxonomies/<path:name>/versions/<str:wanted>", taxonomy_pages.taxonomy, name="taxonomy-version"),
    path("taxonomies/<path:name>", taxonomy_pages.taxonomy, name="taxonomy"),
]
