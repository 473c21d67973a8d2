"""The catalogue for operators. What is immutable or has rules of its own can only be looked at here."""

from django.contrib import admin

from access.admin import LookOnly
from registry.models import (
    Approval,
    CatalogueImport,
    Configuration,
    Content,
    Context,
    Fetch,
    Reference,
    SchemaId,
    Study,
    Subject,
    SunsetNotice,
    Taxonomy,
    TaxonomyVersion,
    Version,
    VersionMigration,
)


@admin.register(Subject)
class SubjectAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    list_display = ("name", "owner", "strict", "version_when_absent", "created_at")
    search_fields = ("name", "owner", "description")


@admin.register(Version)
class VersionAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("subject", "number", "semver", "state", "published_by", "published_at", "deleted_at")
    list_filter = ("state",)
    search_fields = ("subject__name", "semver")
    list_select_related = ("subject",)


@admin.register(VersionMigration)
class VersionMigrationAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("subject", "number", "source", "target", "state", "created_by", "created_at")
    list_filter = ("state",)
    search_fields = ("subject__name",)
    list_select_related = ("subject", "source__subject", "target__subject")


@admin.register(Content)
class ContentAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("id", "dialect", "guid", "created_at")
    search_fields = ("=id", "=guid")


@admin.register(SchemaId)
class SchemaIdAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("context", "number", "content", "guid", "imported")
    list_filter = ("context",)
    search_fields = ("=number", "=guid")


@admin.register(Context)
class ContextAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name",)


@admin.register(Configuration)
class ConfigurationAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("subject", "level", "policy", "mode", "by_wire_api")
    search_fields = ("subject",)


@admin.register(Reference)
class ReferenceAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("version", "name", "target")
    list_select_related = ("version__subject", "target__subject")


@admin.register(Approval)
class ApprovalAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("version", "state", "requested_by", "requested_at", "decided_by", "decided_at")
    list_filter = ("state",)
    list_select_related = ("version__subject",)


@admin.register(Fetch)
class FetchAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("content", "client", "count", "first_at", "last_at")
    list_select_related = ("content",)


@admin.register(Study)
class StudyAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("subject", "judge", "state", "done", "total", "created_by", "created_at")
    list_filter = ("state",)


@admin.register(CatalogueImport)
class CatalogueImportAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("source", "kind", "dry_run", "state", "done", "total", "created_by", "created_at")
    list_filter = ("kind", "state")
    exclude = ("secret",)


@admin.register(SunsetNotice)
class SunsetNoticeAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("version", "sunset", "days_before", "noticed_at", "email", "mailed_at")
    list_select_related = ("version__subject",)


@admin.register(Taxonomy)
class TaxonomyAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "created_at")
    search_fields = ("name",)


@admin.register(TaxonomyVersion)
class TaxonomyVersionAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("taxonomy", "number", "semver", "published_by", "published_at")
    list_select_related = ("taxonomy",)
