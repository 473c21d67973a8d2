"""The operators' view: looking only, since every change goes through an operation that audits it."""

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from access.models import (
    AuditEntry,
    DataKey,
    Delivery,
    DeliveryAttempt,
    Invitation,
    LoginAttempt,
    Role,
    SigningKey,
    Token,
)


class LookOnly:
    """For a ModelAdmin or an inline: operations write these rows, after they checked and judged, and audit it."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


# Django's own pages for these would change people past the operations, their rules and the audit log.
admin.site.unregister([User, Group])


@admin.register(User)
class PersonAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("username", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("username", "email")
    fields = ("username", "email", "is_active", "is_staff", "is_superuser", "date_joined", "last_login")


@admin.register(Token)
class TokenAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "owner", "hint", "scopes", "expires_at", "revoked_at", "last_used_at")
    list_filter = ("revoked_at",)
    search_fields = ("name", "owner__username", "hint")
    exclude = ("digest",)


@admin.register(SigningKey)
class SigningKeyAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "kid", "subject_prefix", "created_by", "created_at", "expires_at", "revoked_at")
    list_filter = ("revoked_at",)
    search_fields = ("name", "kid", "subject_prefix")


@admin.register(DataKey)
class DataKeyAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("kid", "subject", "state", "wrapped_by", "created_by", "created_at", "changed_at")
    list_filter = ("state",)
    search_fields = ("kid", "subject")
    # Nobody needs it here, and a screen is no place for it.
    exclude = ("wrapped",)


@admin.register(Role)
class RoleAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("user", "name", "subject_prefix")
    list_filter = ("name",)


@admin.register(Invitation)
class InvitationAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("username", "email", "role", "invited_by", "expires_at", "accepted_at")
    exclude = ("digest",)


@admin.register(LoginAttempt)
class LoginAttemptAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("username", "address", "at")


@admin.register(AuditEntry)
class AuditAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("at", "actor", "action", "target", "link")
    list_filter = ("action",)
    search_fields = ("actor", "target")


class Attempts(LookOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = DeliveryAttempt
    extra = 0


@admin.register(Delivery)
class DeliveryAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("message_id", "state", "attempts", "url", "created_at", "next_attempt_at")
    list_filter = ("state", "about")
    search_fields = ("message_id", "url")
    # The secret is shown to nobody.
    exclude = ("secret", "body")
    inlines = (Attempts,)
