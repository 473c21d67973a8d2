"""What people say about a subject and how its events are taken, over REST."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from registry import contexts
from registry.edit_subject import SubjectSettings, edit_subject
from registry.errors import SubjectNotFound
from registry.models import ClearPolicy, EventProfile, EvolutionRules, SignaturePolicy, Subject, UnknownPolicy


class SettingsFields(serializers.Serializer[Any]):
    """`null` for `retention_days` and `accept_undecided` is what holds for the whole instance."""

    owner = serializers.CharField(max_length=200, allow_blank=True)
    description = serializers.CharField(allow_blank=True)
    strict = serializers.BooleanField(help_text="Quarantine events that violate the schema.")
    version_when_absent = serializers.CharField(help_text="'latest' or one exact version.")
    retention_days = serializers.IntegerField(min_value=1, max_value=36_500, allow_null=True)
    accept_undecided = serializers.BooleanField(allow_null=True)
    assert_formats = serializers.BooleanField(help_text="Judge `format` in events, too.")
    needs_approval = serializers.BooleanField(
        help_text="An incompatible or major upload waits for a second person."
    )
    evolution_rules = serializers.ChoiceField(
        EvolutionRules.choices,
        allow_blank=True,
        help_text="What has to be a major even where every instance still passes; empty is none.",
    )
    unknown_schema_version = serializers.ChoiceField(
        UnknownPolicy.choices,
        allow_blank=True,
        help_text="What becomes of an event of a version that is not there; empty is what holds for the instance.",
    )
    max_event_bytes = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, allow_null=True, help_text="Tighter than EVENT_MAX_BYTES."
    )
    max_event_depth = serializers.IntegerField(
        min_value=1, max_value=2**15 - 1, allow_null=True, help_text="Tighter than EVENT_MAX_DEPTH."
    )
    event_profile = serializers.ChoiceField(
        EventProfile.choices,
        allow_blank=True,
        help_text="`onex-v1`: events are judged as the original ONEX validator did; empty: by the schema.",
    )
    rename_aliases = serializers.BooleanField(
        help_text="Judge and index events with known aliases under the declared names; bytes stay as sent."
    )
    signatures = serializers.ChoiceField(
        SignaturePolicy.choices,
        allow_blank=True,
        help_text="`warn`: verify signatures and tell; `require`: quarantine what is not signed; empty: do not look.",
    )
    sensitive_in_clear = serializers.ChoiceField(
        ClearPolicy.choices,
        allow_blank=True,
        help_text="Of fields marked `x-sensitive`: `warn` or `reject` events that have one unencrypted; empty: take them.",
    )


@extend_schema(methods=["GET"], operation_id="subject_settings_read", responses=SettingsFields)
@extend_schema(
    methods=["PATCH"],
    operation_id="subject_settings_change",
    request=SettingsFields(partial=True),
    responses=SettingsFields,
)
@api_view(["GET", "PATCH"])
def subject_settings(request: Request, subject: str) -> Response:
    """The settings of one subject; PATCH changes those it names and leaves the others."""
    actor, subject = caller(request), contexts.normal(subject)
    actor.require("read", subject)
    row = Subject.objects.filter(name=subject).first()
    if row is None:
        raise SubjectNotFound(subject)
    settings = SubjectSettings.of(row)
    if request.method == "PATCH":
        wanted = SettingsFields(data=request.data, partial=True)
        wanted.is_valid(raise_exception=True)
        changed = SubjectSettings(**{**asdict(settings), **wanted.validated_data})
        settings = SubjectSettings.of(edit_subject(actor=actor, subject=subject, settings=changed))
    return Response(asdict(settings))
