from django.urls import URLPattern, path

from events import (
    export_urls,
    pages,
    quarantine_urls,
    replay_urls,
    storage_pages,
    subscription_urls,
    tail_urls,
)

urlpatterns: list[URLPattern] = [
    *replay_urls.pages,
    *subscription_urls.pages,
    *tail_urls.pages,
    *export_urls.pages,
    path("storage", storage_pages.storage, name="storage"),
    path("events", pages.events, name="events"),
    # Ids come from producers and may hold a slash.
    path("events/id/<path:event_id>", pages.event, name="event"),
    path("events/correlation/<path:correlation_id>", pages.correlation, name="correlation"),
    path("events/trace/<path:trace_id>", pages.trace, name="trace"),
    path("violations", pages.violations, name="violations"),
    *quarantine_urls.pages,
]
