"""Tokens, the audit log and deliveries over REST."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access import audit
from access.caller import caller
from access.errors import DeliveryNotFound
from access.keyset import PAGING, page_answer, page_of, page_schema
from access.models import AuditEntry, Delivery, Token
from access.redeliver import cancel_delivery, redeliver
from access.tokens import issue_token, revoke_token, rotate_token, tokens_of


class TokenRequest(serializers.Serializer[Any]):
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    subject_prefixes = serializers.ListField(child=serializers.CharField(allow_blank=True), default=[""])
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Elsewhere unknown members are ignored; here a misspelt one would make a token for everything."""
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError(
                {name: f"There is no such member; there are {', '.join(self.fields)}." for name in unknown}
            )
        return attrs


class TokenAnswer(serializers.ModelSerializer[Token]):
    owner = serializers.CharField(source="owner.username")
    state = serializers.SerializerMethodField()

    class Meta:
        model = Token
        fields = (
            "id",
            "name",
            "owner",
            "hint",
            "scopes",
            "subject_prefixes",
            "state",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
            "successor",
        )

    def get_state(self, token: Token) -> str:
        return token.state(timezone.now())


class AuditAnswer(serializers.ModelSerializer[AuditEntry]):
    hash = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "actor", "action", "target", "details", "link", "hash")

    def get_hash(self, entry: AuditEntry) -> str | None:
        return bytes(entry.hash).hex() if entry.hash else None


class DeliveryAnswer(serializers.ModelSerializer[Delivery]):
    """Without the secret, which nobody is shown again."""

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = (
            "id",
            "message_id",
            "about",
            "about_id",
            "target",
            "transport",
            "url",
            "state",
            "attempts",
            "created_at",
            "next_attempt_at",
            "finished_at",
        )


class AttemptAnswer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    duration_ms = serializers.FloatField()
    address = serializers.CharField()
    status = serializers.IntegerField(allow_null=True)
    answer = serializers.CharField()
    problem = serializers.CharField()


class DeliveryDetail(DeliveryAnswer):
    log = AttemptAnswer(many=True)
    body = serializers.SerializerMethodField()

    class Meta(DeliveryAnswer.Meta):
        fields = (*DeliveryAnswer.Meta.fields, "body", "log")

    def get_body(self, sent: Delivery) -> str:
        return bytes(sent.body).decode("utf-8", "replace")


_MADE = inline_serializer(
    "TokenMade",
    {"secret": serializers.CharField(help_text="Shown here and never again."), "token": TokenAnswer()},
)


def _made(token: Token, secret: str) -> Response:
    answer = Response({"secret": secret, "token": TokenAnswer(token).data}, status=201)
    answer["Cache-Control"] = "no-store"
    return answer


@extend_schema(
    methods=["GET"],
    operation_id="tokens_list",
    parameters=PAGING,
    responses=page_schema("TokenPage", TokenAnswer),
)
@extend_schema(methods=["POST"], operation_id="tokens_issue", request=TokenRequest, responses={201: _MADE})
@api_view(["GET", "POST"])
def tokens(request: Request) -> Response:
    """Own tokens, the newest first (for an administrator, everyone's); or a new one."""
    if request.method == "GET":
        page = page_of(request, tokens_of(caller(request)).select_related("owner"))
        return page_answer(page, TokenAnswer(page.items, many=True).data)
    wanted = TokenRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    return _made(*issue_token(actor=caller(request), **wanted.validated_data))


@extend_schema(operation_id="tokens_rotate", request=None, responses={201: _MADE})
@api_view(["POST"])
def token_rotate(request: Request, token_id: int) -> Response:
    """A successor with the same rights; the old secret goes on working for a while."""
    return _made(*rotate_token(actor=caller(request), token_id=token_id))


@extend_schema(operation_id="tokens_revoke", request=None, responses=TokenAnswer)
@api_view(["DELETE"])
def token(request: Request, token_id: int) -> Response:
    """Ends a token at once. Revoking it again changes nothing."""
    return Response(TokenAnswer(revoke_token(actor=caller(request), token_id=token_id)).data)


@extend_schema(
    operation_id="audit_list",
    parameters=[
        *PAGING,
        OpenApiParameter("actor", description="Begins with"),
        OpenApiParameter("target", description="Begins with: `subject/orders`"),
        OpenApiParameter("action", description="Exactly: `token.issued`"),
        OpenApiParameter("since", OpenApiTypes.DATETIME),
        OpenApiParameter("until", OpenApiTypes.DATETIME),
    ],
    responses=page_schema("AuditPage", AuditAnswer),
)
@api_view(["GET"])
def audit_list(request: Request) -> Response:
    """Who changed what, the newest first."""
    caller(request).require_everywhere("admin")
    page = page_of(request, _audit_rows(request))
    return page_answer(page, AuditAnswer(page.items, many=True).data)


class AuditFilter(serializers.Serializer[Any]):
    actor = serializers.CharField(required=False, source="actor__startswith")
    target = serializers.CharField(required=False, source="target__startswith")
    action = serializers.CharField(required=False)
    since = serializers.DateTimeField(required=False, source="at__gte")
    until = serializers.DateTimeField(required=False, source="at__lt")


def _audit_rows(request: Request) -> QuerySet[AuditEntry]:
    chosen = AuditFilter(data={name: value for name, value in request.query_params.items() if value})
    chosen.is_valid(raise_exception=True)
    return AuditEntry.objects.filter(**chosen.validated_data)


@extend_schema(
    operation_id="audit_check",
    responses=inline_serializer(
        "AuditCheck",
        {
            "whole": serializers.BooleanField(),
            "checked": serializers.IntegerField(),
            "waiting": serializers.IntegerField(),
            "anchor": serializers.CharField(
                help_text="Keep it elsewhere; verify_audit --anchor checks against it."
            ),
            "broken_at": serializers.IntegerField(allow_null=True),
            "problem": serializers.CharField(),
        },
    ),
)
@api_view(["GET"])
def audit_check(request: Request) -> Response:
    """Recomputes the whole chain."""
    caller(request).require_everywhere("admin")
    check = audit.verify()
    return Response(
        {
            "whole": not check.problem,
            "checked": check.checked,
            "waiting": check.waiting,
            "anchor": check.anchor,
            "broken_at": check.broken_at,
            "problem": check.problem,
        }
    )


@extend_schema(
    operation_id="deliveries_list",
    parameters=[
        *PAGING,
        OpenApiParameter("state", enum=Delivery.State.values),
        OpenApiParameter("target", description="Through what it goes, such as alerts.channel/1."),
        OpenApiParameter("about", description="What it tells about: `alerts.episode`"),
        OpenApiParameter("about_id"),
    ],
    responses=page_schema("DeliveryPage", DeliveryAnswer),
)
@api_view(["GET"])
def deliveries(request: Request) -> Response:
    """Messages to webhooks, the newest first."""
    caller(request).require_everywhere("alert")
    page = page_of(request, Delivery.objects.matching(request.query_params))
    return page_answer(page, DeliveryAnswer(page.items, many=True).data)


@extend_schema(operation_id="deliveries_read", responses=DeliveryDetail)
@api_view(["GET"])
def delivery_detail(request: Request, delivery_id: int) -> Response:
    """One message with every attempt to send it."""
    caller(request).require_everywhere("alert")
    found = Delivery.objects.filter(pk=delivery_id).prefetch_related("log").first()
    if found is None:
        raise DeliveryNotFound(f"There is no delivery {delivery_id}.", delivery_id=delivery_id)
    return Response(DeliveryDetail(found).data)


@extend_schema(operation_id="deliveries_redeliver", request=None, responses=DeliveryAnswer)
@api_view(["POST"])
def delivery_redeliver(request: Request, delivery_id: int) -> Response:
    """Sends a finished message once more, under the same webhook-id."""
    return Response(DeliveryAnswer(redeliver(actor=caller(request), delivery_id=delivery_id)).data)


@extend_schema(operation_id="deliveries_cancel", request=None, responses=DeliveryAnswer)
@api_view(["POST"])
def delivery_cancel(request: Request, delivery_id: int) -> Response:
    """Stops trying."""
    stopped = cancel_delivery(actor=caller(request), delivery_id=delivery_id)
    return Response(DeliveryAnswer(stopped).data)
