from django.urls import URLPattern, path

from events import api

urlpatterns: list[URLPattern] = [
    path("events", api.events),
]
