"""The catalogue for operators. What is immutable or has rules of its own can only be looked at here."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from registry.models import (
    Approval,
    Configuration,
    Content,
    Fetch,
    Reference,
    Study,
    Subject,
    SunsetNotice,
    Taxonomy,
    TaxonomyVersion,
    Version,
)


class LookOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """Changes go through the operations, which check, judge and audit them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Subject)
class SubjectAdmin(LookOnly):
    list_display = ("name", "owner", "strict", "version_when_absent", "created_at")
    search_fields = ("name", "owner", "description")


@admin.register(Version)
class VersionAdmin(LookOnly):
    list_display = ("subject", "number", "semver", "state", "published_by", "published_at", "deleted_at")
    list_filter = ("state",)
    search_fields = ("subject__name", "semver")
    list_select_related = ("subject",)


@admin.register(Content)
class ContentAdmin(LookOnly):
    list_display = ("id", "dialect", "guid", "created_at")
    search_fields = ("=id", "=guid")


@admin.register(Configuration)
class ConfigurationAdmin(LookOnly):
    list_display = ("subject", "level", "policy", "mode", "by_wire_api")
    search_fields = ("subject",)


@admin.register(Reference)
class ReferenceAdmin(LookOnly):
    list_display = ("version", "name", "target")
    list_select_related = ("version__subject", "target__subject")


@admin.register(Approval)
class ApprovalAdmin(LookOnly):
    list_display = ("version", "state", "requested_by", "requested_at", "decided_by", "decided_at")
    list_filter = ("state",)
    list_select_related = ("version__subject",)


@admin.register(Fetch)
class FetchAdmin(LookOnly):
    list_display = ("content", "client", "count", "first_at", "last_at")
    list_select_related = ("content",)


@admin.register(Study)
class StudyAdmin(LookOnly):
    list_display = ("subject", "judge", "state", "done", "total", "created_by", "created_at")
    list_filter = ("state",)


@admin.register(SunsetNotice)
class SunsetNoticeAdmin(LookOnly):
    list_display = ("version", "sunset", "days_before", "noticed_at", "email", "mailed_at")
    list_select_related = ("version__subject",)


@admin.register(Taxonomy)
class TaxonomyAdmin(LookOnly):
    list_display = ("name", "created_at")
    search_fields = ("name",)


@admin.register(TaxonomyVersion)
class TaxonomyVersionAdmin(LookOnly):
    list_display = ("taxonomy", "number", "semver", "published_by", "published_at")
    list_select_related = ("taxonomy",)
