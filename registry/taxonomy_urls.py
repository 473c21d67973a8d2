"""The addresses of taxonomies; api_urls.py and page_urls.py bring them in. Those with more parts come first."""

from django.urls import path

from registry import taxonomy_api, taxonomy_pages, taxonomy_upload_page

api = [
    path("taxonomies", taxonomy_api.taxonomies),
    path("taxonomies/<path:name>/versions", taxonomy_api.versions),
    path(
        "taxonomies/<path:name>/versions/<str:wanted>/codes.<str:language>",
        taxonomy_api.enum,
        name="taxonomy-enum",
    ),
    path("taxonomies/<path:name>/versions/<str:wanted>", taxonomy_api.version, name="taxonomy-document"),
    path("taxonomies/<path:name>/codes", taxonomy_api.codes),
    path("taxonomies/<path:name>/codes/<str:text>", taxonomy_api.code),
    path("taxonomies/<path:name>/normalize", taxonomy_api.normalize),
    path("taxonomies/<path:name>/diff", taxonomy_api.diff),
    path("taxonomies/<path:name>/usage", taxonomy_api.usage),
    path("taxonomies/<path:name>/dependents", taxonomy_api.dependents),
]
pages = [
    path("taxonomies", taxonomy_pages.taxonomies, name="taxonomies"),
    path("taxonomies/upload", taxonomy_upload_page.upload, name="taxonomy-upload"),
    path("taxonomies/<path:name>/versions/<str:wanted>", taxonomy_pages.taxonomy, name="taxonomy-version"),
    path("taxonomies/<path:name>/compare", taxonomy_pages.compare_editions, name="taxonomy-compare"),
    path("taxonomies/<path:name>", taxonomy_pages.taxonomy, name="taxonomy"),
]
