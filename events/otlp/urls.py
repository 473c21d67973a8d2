from django.urls import URLPattern, path

from events.otlp import api

urlpatterns: list[URLPattern] = [
    path("logs", api.Logs.as_view()),
    path("traces", api.Traces.as_view()),
    path("metrics", api.Metrics.as_view()),
]
