"""Operators look at the quarantine here and change nothing; the log has its own pages (its key has two columns)."""

from django.contrib import admin
from django.http import HttpRequest

from events.models import QuarantinedEvent


class ReadOnly:
    """Looking is all there is: what was sent is never edited."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(QuarantinedEvent)
class QuarantinedEventAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    list_display = ("event_id", "event_type", "reason", "times_seen", "received_at", "released_at")
    list_filter = ("reason",)
    search_fields = ("event_id", "event_type")
    exclude = ("raw", "digest")
