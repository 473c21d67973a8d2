"""Addresses of producers and their reports, for both doors."""

from django.urls import URLPattern, path

from events import producers_api, producers_pages

api: list[URLPattern] = [path("client-reports", producers_api.client_reports)]
pages: list[URLPattern] = [
    path("producers", producers_pages.producers, name="producers"),
    path("producers/<int:client_report_id>", producers_pages.producer, name="producer"),
]
