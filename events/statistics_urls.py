from django.urls import URLPattern, path

from events import statistics_api, statistics_pages

api: list[URLPattern] = [
    path("statistics", statistics_api.statistics),
    path("statistics/<path:subject>", statistics_api.of_subject),
]
pages: list[URLPattern] = [
    path("statistics", statistics_pages.statistics, name="statistics"),
    # Names of subjects may hold a slash.
    path("statistics/<path:subject>", statistics_pages.of_subject, name="subject-statistics"),
]
