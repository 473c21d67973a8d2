"""Addresses of profiles, for both doors."""

from django.urls import URLPattern, path

from events import profile_api, profile_pages

api: list[URLPattern] = [
    path("profiles", profile_api.profiles),
    path("profiles/series", profile_api.series),
    path("profiles/compare", profile_api.compare),
    path("profiles/frames", profile_api.frames),
    path("profiles/slowest", profile_api.slowest_events),
]
pages: list[URLPattern] = [
    path("profiles", profile_pages.profiles, name="profiles"),
    path("profiles/operation", profile_pages.profile, name="profile"),
]
