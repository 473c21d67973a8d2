"""Operators look at the quarantine here and change nothing; the log has its own pages (its key has two columns)."""

from django.contrib import admin

from access.admin import LookOnly
from events.models import QuarantinedEvent


@admin.register(QuarantinedEvent)
class QuarantinedEventAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    list_display = ("event_id", "event_type", "reason", "times_seen", "received_at", "released_at")
    list_filter = ("reason",)
    search_fields = ("event_id", "event_type")
    exclude = ("raw", "digest")
