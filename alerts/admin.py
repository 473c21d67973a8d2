"""The operators' view. What operations must do, they do here, too; the rest is read only."""

from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from access.admin import LookOnly
from access.caller import caller
from alerts.models import Backtest, Channel, Episode, EpisodeEntry, Rule, RuleVersion, Silence
from alerts.rule_spec import RuleSpec
from alerts.rules import delete_rule, edit_rule, pause_rule, resume_rule


class Editions(LookOnly, admin.TabularInline):  # type: ignore[type-arg]  # generic for the checker only
    model = RuleVersion
    fk_name = "rule"
    fields = ("number", "selector", "threshold", "window_seconds", "group_by", "severity", "created_by")
    extra = 0


@admin.register(Rule)
class RuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # the same
    """Name, on or off, and channels; what a rule says is written on its page."""

    list_display = ("name", "enabled", "evaluated_at", "problem", "deleted_at")
    list_filter = ("enabled",)
    search_fields = ("name",)
    fields = (
        "name",
        "enabled",
        "channels",
        "problem",
        "cursor",
        "starts_after",
        "late_ignored",
        "deleted_at",
    )
    readonly_fields = ("problem", "cursor", "starts_after", "late_ignored", "deleted_at")
    inlines = (Editions,)
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        actor = caller(request)
        spec = RuleSpec.of(Rule.objects.get(pk=obj.pk))
        channels = tuple(channel.pk for channel in form.cleaned_data["channels"])
        edit_rule(actor=actor, rule_id=obj.pk, spec=replace(spec, name=obj.name, channels=channels))
        (resume_rule if obj.enabled else pause_rule)(actor=actor, rule_id=obj.pk)

    def delete_model(self, request: HttpRequest, obj: Rule) -> None:
        delete_rule(actor=caller(request), rule_id=obj.pk)


class Entries(LookOnly, admin.TabularInline):  # type: ignore[type-arg]  # the same
    model = EpisodeEntry
    fields = ("at", "kind", "by", "text", "until")
    extra = 0


@admin.register(Episode)
class EpisodeAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # the same
    list_display = ("rule", "group_key", "number", "state", "fired_at", "resolved_at", "matches")
    list_filter = ("state",)
    inlines = (Entries,)


@admin.register(Backtest)
class BacktestAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # the same
    list_display = ("name", "state", "since", "until", "created_by", "created_at")
    list_filter = ("state",)


@admin.register(Silence)
class SilenceAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # the same
    """Made and ended on their page, which shows what they hold."""

    list_display = ("id", "matchers", "reason", "starts_at", "ends_at", "created_by")


@admin.register(Channel)
class ChannelAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # the same
    """Made and edited on the page of channels, where addresses are checked; the secret is never shown."""

    list_display = ("name", "enabled", "created_by", "created_at")
    exclude = ("secret",)
