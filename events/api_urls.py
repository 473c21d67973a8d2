from django.urls import URLPattern, path

from events import (
    api,
    detection_api,
    export_urls,
    failures_urls,
    producers_urls,
    profile_urls,
    quarantine_urls,
    replay_urls,
    sampling_urls,
    statistics_urls,
    storage_api,
    subscription_urls,
    tail_urls,
)

urlpatterns: list[URLPattern] = [
    *producers_urls.api,
    *profile_urls.api,
    *replay_urls.api,
    *sampling_urls.api,
    *statistics_urls.api,
    *subscription_urls.api,
    *tail_urls.api,
    *export_urls.api,
    *failures_urls.api,
    path("storage", storage_api.storage, name="api-storage"),
    path("events", api.events),
    path("events/detect-version", detection_api.detect),
    # Ids come from producers and may hold a slash.
    path("events/<path:event_id>", api.event),
    path("correlations/<path:correlation_id>", api.correlation),
    path("traces/<path:trace_id>", api.trace),
    *quarantine_urls.api,
]
