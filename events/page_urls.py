from django.urls import URLPattern, path

from events import (
    export_urls,
    failures_urls,
    pages,
    producers_urls,
    profile_urls,
    quarantine_urls,
    replay_urls,
    sampling_urls,
    statistics_urls,
    storage_pages,
    subscription_urls,
    tail_urls,
)

urlpatterns: list[URLPattern] = [
    *producers_urls.pages,
    *profile_urls.pages,
    *replay_urls.pages,
    *sampling_urls.pages,
    *statistics_urls.pages,
    *subscription_urls.pages,
    *tail_urls.pages,
    *export_urls.pages,
    *failures_urls.pages,
    path("storage", storage_pages.storage, name="storage"),
    path("events", pages.events, name="events"),
    # Ids come from producers and may hold a slash.
    path("events/id/<path:event_id>", pages.event, name="event"),
    path("events/correlation/<path:correlation_id>", pages.correlation, name="correlation"),
    path("events/trace/<path:trace_id>", pages.trace, name="trace"),
    path("violations", pages.violations, name="violations"),
    *quarantine_urls.pages,
]
