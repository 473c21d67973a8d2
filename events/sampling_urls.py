"""Addresses of sampling, for both doors."""

from django.urls import URLPattern, path

from events import sampling_api, sampling_pages

api: list[URLPattern] = [
    path("sampling", sampling_api.rules),
    path("sampling/resolved", sampling_api.resolved),
    path("sampling/effective", sampling_api.effective_rule),
    path("sampling/prediction", sampling_api.prediction),
    path("sampling/history", sampling_api.history),
    path("sampling/history/<int:revision>/restore", sampling_api.restore),
    path("sampling/<int:sampling_rule_id>", sampling_api.rule),
]
pages: list[URLPattern] = [
    path("sampling", sampling_pages.sampling, name="sampling"),
    path("sampling/new", sampling_pages.sampling_new, name="sampling-new"),
    path("sampling/<int:sampling_rule_id>", sampling_pages.sampling_rule, name="sampling-rule"),
    path("sampling/<int:sampling_rule_id>/delete", sampling_pages.sampling_delete, name="sampling-delete"),
    path("sampling/history/<int:revision>/restore", sampling_pages.sampling_restore, name="sampling-restore"),
]
