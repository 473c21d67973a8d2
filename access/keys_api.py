"""Signing keys and data keys over REST."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.data_keys import (
    destroy_data_key,
    find_data_key,
    register_data_key,
    restore_data_key,
    revoke_data_key,
    rewrap_data_key,
)
from access.keyset import PAGING, page_answer, page_of, page_schema
from access.models import DataKey, SigningKey
from access.signing_keys import (
    as_jwk,
    find_signing_key,
    register_signing_key,
    revoke_signing_key,
    rotate_signing_key,
)


class SigningKeyRequest(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="Who signs with it: checkout-service.")
    public_key = serializers.CharField(
        help_text="PEM (BEGIN PUBLIC KEY) or a JWK, as text. Never a private key."
    )
    subject_prefix = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        help_text="Signatures count on event types that begin so; empty: on all.",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class RotationRequest(serializers.Serializer[Any]):
    public_key = serializers.CharField(help_text="Of the successor, as PEM or JWK.")


class ReasonRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)


class SigningKeyAnswer(serializers.ModelSerializer[SigningKey]):
    state = serializers.SerializerMethodField(help_text="active, rotated, expired or revoked.")
    jwk = serializers.SerializerMethodField()
    successor = serializers.CharField(source="successor.kid", default=None, allow_null=True)

    class Meta:
        model = SigningKey
        fields = (
            "kid",
            "name",
            "subject_prefix",
            "state",
            "jwk",
            "created_by",
            "created_at",
            "expires_at",
            "revoked_at",
            "reason",
            "successor",
        )

    def get_state(self, key: SigningKey) -> str:
        return key.state(timezone.now())

    def get_jwk(self, key: SigningKey) -> dict[str, str]:
        return as_jwk(key)


class DataKeyRequest(serializers.Serializer[Any]):
    subject = serializers.CharField(max_length=255)
    kid = serializers.CharField(help_text="Chosen by who made the key; encrypted fields name it.")
    wrapped = serializers.CharField(help_text="The key, wrapped: a compact JWE. The server cannot open it.")
    wrapped_by = serializers.CharField(help_text="The name of the key that wraps it.")
    replaces = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        help_text="The active key, which only decrypts from now on.",
    )


class RewrapRequest(serializers.Serializer[Any]):
    wrapped = serializers.CharField()
    wrapped_by = serializers.CharField()


class DataKeyAnswer(serializers.ModelSerializer[DataKey]):
    """`wrapped` is empty while the key is revoked, and once it is destroyed."""

    wrapped = serializers.SerializerMethodField()

    class Meta:
        model = DataKey
        fields = (
            "kid",
            "subject",
            "state",
            "wrapped",
            "wrapped_by",
            "created_by",
            "created_at",
            "changed_at",
            "reason",
        )

    def get_wrapped(self, key: DataKey) -> str:
        return "" if key.state == DataKey.State.REVOKED else key.wrapped


@extend_schema(
    methods=["GET"],
    operation_id="signing_keys_list",
    parameters=PAGING,
    responses=page_schema("SigningKeyPage", SigningKeyAnswer),
)
@extend_schema(
    methods=["POST"],
    operation_id="signing_keys_register",
    request=SigningKeyRequest,
    responses={201: SigningKeyAnswer},
)
@api_view(["GET", "POST"])
def signing_keys(request: Request) -> Response:
    """Public keys of producers, the newest first; or a new one."""
    actor = caller(request)
    if request.method == "GET":
        page = page_of(request, SigningKey.objects.visible_to(actor).select_related("successor"))
        return page_answer(page, SigningKeyAnswer(page.items, many=True).data)
    wanted = SigningKeyRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    made = register_signing_key(actor=actor, **wanted.validated_data)
    return Response(SigningKeyAnswer(made).data, status=201)


@extend_schema(methods=["GET"], operation_id="signing_keys_get", responses=SigningKeyAnswer)
@extend_schema(
    methods=["DELETE"], operation_id="signing_keys_revoke", request=ReasonRequest, responses=SigningKeyAnswer
)
@api_view(["GET", "DELETE"])
def signing_key(request: Request, signing_kid: str) -> Response:
    """One public key; DELETE revokes it: signatures that come from now on do not count."""
    actor = caller(request)
    if request.method == "GET":
        return Response(SigningKeyAnswer(find_signing_key(actor=actor, kid=signing_kid)).data)
    return Response(
        SigningKeyAnswer(revoke_signing_key(actor=actor, kid=signing_kid, reason=_reason(request))).data
    )


@extend_schema(operation_id="signing_keys_rotate", request=RotationRequest, responses={201: SigningKeyAnswer})
@api_view(["POST"])
def signing_key_rotate(request: Request, signing_kid: str) -> Response:
    """A successor; signatures of the old key count for a while longer."""
    wanted = RotationRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    made = rotate_signing_key(actor=caller(request), kid=signing_kid, **wanted.validated_data)
    return Response(SigningKeyAnswer(made).data, status=201)


@extend_schema(
    methods=["GET"],
    operation_id="data_keys_list",
    parameters=[
        *PAGING,
        OpenApiParameter("subject", description="Exactly this one."),
        OpenApiParameter("state", enum=DataKey.State.values),
    ],
    responses=page_schema("DataKeyPage", DataKeyAnswer),
)
@extend_schema(
    methods=["POST"],
    operation_id="data_keys_register",
    request=DataKeyRequest,
    responses={201: DataKeyAnswer},
)
@api_view(["GET", "POST"])
def data_keys(request: Request) -> Response:
    """Wrapped keys of sensitive fields, the newest first; or a new one."""
    actor = caller(request)
    if request.method == "GET":
        chosen = {name: text for name in ("subject", "state") if (text := request.query_params.get(name))}
        page = page_of(request, DataKey.objects.visible_to(actor).filter(**chosen))
        return page_answer(page, DataKeyAnswer(page.items, many=True).data)
    wanted = DataKeyRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    made = register_data_key(actor=actor, **wanted.validated_data)
    return Response(DataKeyAnswer(made).data, status=201)


@extend_schema(methods=["GET"], operation_id="data_keys_get", responses=DataKeyAnswer)
@extend_schema(
    methods=["PUT"], operation_id="data_keys_rewrap", request=RewrapRequest, responses=DataKeyAnswer
)
@extend_schema(
    methods=["DELETE"], operation_id="data_keys_destroy", request=ReasonRequest, responses=DataKeyAnswer
)
@api_view(["GET", "PUT", "DELETE"])
def data_key(request: Request, data_kid: str) -> Response:
    """One wrapped key; PUT is the same key wrapped anew; DELETE destroys it, and with it what it encrypted, for ever."""
    actor = caller(request)
    if request.method == "GET":
        return Response(DataKeyAnswer(find_data_key(actor=actor, kid=data_kid)).data)
    if request.method == "DELETE":
        return Response(
            DataKeyAnswer(destroy_data_key(actor=actor, kid=data_kid, reason=_reason(request))).data
        )
    wanted = RewrapRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    return Response(DataKeyAnswer(rewrap_data_key(actor=actor, kid=data_kid, **wanted.validated_data)).data)


@extend_schema(operation_id="data_keys_revoke", request=ReasonRequest, responses=DataKeyAnswer)
@api_view(["POST"])
def data_key_revoke(request: Request, data_kid: str) -> Response:
    """Nobody gets it until it is restored."""
    return Response(
        DataKeyAnswer(revoke_data_key(actor=caller(request), kid=data_kid, reason=_reason(request))).data
    )


@extend_schema(operation_id="data_keys_restore", request=None, responses=DataKeyAnswer)
@api_view(["POST"])
def data_key_restore(request: Request, data_kid: str) -> Response:
    """A revoked key decrypts again."""
    return Response(DataKeyAnswer(restore_data_key(actor=caller(request), kid=data_kid)).data)


def _reason(request: Request) -> str:
    given = ReasonRequest(data=request.data or {})
    given.is_valid(raise_exception=True)
    return str(given.validated_data["reason"])
