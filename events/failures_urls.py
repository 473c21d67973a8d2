"""Addresses of failures, for both doors."""

from django.urls import URLPattern, path

from events import failures_api, failures_pages

api: list[URLPattern] = [
    path("failures", failures_api.failures),
    path("failures/<uuid:group>", failures_api.failure),
]
pages: list[URLPattern] = [
    path("failures", failures_pages.failures, name="failures"),
    path("failures/<uuid:group>", failures_pages.failure, name="failure"),
]
