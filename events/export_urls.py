"""The addresses of exports, for api_urls.py and page_urls.py."""

from django.urls import path

from events import export_api, export_pages

api = [
    path("events/export", export_api.at_once, name="api-events-export"),
    path("exports", export_api.exports, name="api-exports"),
    path("exports/<uuid:export_id>", export_api.export, name="api-export"),
    path("exports/<uuid:export_id>/cancel", export_api.cancel, name="api-export-cancel"),
    path("exports/<uuid:export_id>/content", export_api.fetch, name="api-export-content"),
]
pages = [
    path("exports", export_pages.exports, name="exports"),
    path("exports/start", export_pages.start, name="export-start"),
    path("exports/<uuid:export_id>", export_pages.export, name="export"),
    path("exports/<uuid:export_id>/cancel", export_pages.cancel, name="export-cancel"),
    path("exports/<uuid:export_id>/content", export_pages.fetch, name="export-content"),
]
