"""Changes of the catalogue over REST: how far they are told, and who subscribed to them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from access.models import Delivery, DeliveryAttempt
from events.changes import EVENT_TYPES
from events.cloudevents import About
from events.forward import lag
from events.models import Subscription
from events.subscribe import (
    SubscriptionSpec,
    create_subscription,
    delete_subscription,
    deliveries_of,
    edit_subscription,
    find_subscription,
    send_test,
    subscriptions_for,
)


class ChangesAnswer(serializers.Serializer[Any]):
    enabled = serializers.BooleanField(help_text="REGISTRY_EVENTS.")
    begun = serializers.BooleanField()
    waiting = serializers.IntegerField(help_text="Committed changes that have not become events yet.")
    oldest_waiting_at = serializers.DateTimeField(allow_null=True)
    problem = serializers.CharField(
        help_text="About the last change that could not be stored; empty when none."
    )
    kinds = serializers.ListField(child=serializers.CharField(), help_text="The event types of changes.")


class SubscriptionRequest(serializers.Serializer[Any]):
    name = serializers.CharField()
    url = serializers.CharField()
    subject_prefix = serializers.CharField(
        default="",
        allow_blank=True,
        trim_whitespace=False,
        help_text="Empty: every subject, and the instance itself.",
    )
    kinds = serializers.ListField(
        child=serializers.CharField(), default=list, help_text="Event types of changes; none means all."
    )
    format = serializers.CharField(
        default=Subscription.Format.STRUCTURED, help_text="`structured` or `binary`."
    )
    secret = serializers.CharField(
        default="",
        allow_blank=True,
        help_text="whsec_…, as Standard Webhooks has it; empty keeps the present one, or makes one.",
    )
    enabled = serializers.BooleanField(default=True)


class SubscriptionAnswer(serializers.ModelSerializer[Subscription]):
    """Without the secret, which is shown once, when the subscription is made."""

    class Meta:
        model = Subscription
        fields = (
            "id",
            "name",
            "subject_prefix",
            "kinds",
            "url",
            "format",
            "enabled",
            "created_by",
            "created_at",
        )


class SubscriptionMade(serializers.Serializer[Any]):
    subscription = SubscriptionAnswer()
    secret = serializers.CharField(help_text="Shown here and never again: what the receiver verifies with.")


class ToldAttempt(serializers.ModelSerializer[DeliveryAttempt]):
    class Meta:
        model = DeliveryAttempt
        fields = ("number", "at", "duration_ms", "status", "problem")


class ToldAnswer(serializers.ModelSerializer[Delivery]):
    type = serializers.SerializerMethodField(help_text="The event type of the change.")
    subject = serializers.SerializerMethodField(help_text="What changed; empty for the whole instance.")
    log = ToldAttempt(many=True)

    def get_type(self, sent: Delivery) -> str:
        return About.of(sent).type

    def get_subject(self, sent: Delivery) -> str:
        return About.of(sent).subject

    class Meta:
        model = Delivery
        fields = (
            "id",
            "message_id",
            "type",
            "subject",
            "state",
            "attempts",
            "created_at",
            "finished_at",
            "log",
        )


@extend_schema(operation_id="changes_read", responses=ChangesAnswer)
@api_view(["GET"])
def changes(request: Request) -> Response:
    """How far changes of the catalogue have become events, and which kinds there are."""
    caller(request).require("read")
    now = lag()
    return Response(
        ChangesAnswer(
            {
                "enabled": now.enabled,
                "begun": now.begun,
                "waiting": now.waiting,
                "oldest_waiting_at": now.oldest_waiting_at,
                "problem": now.problem if caller(request).may_everywhere("read") else "",
                "kinds": sorted(EVENT_TYPES),
            }
        ).data
    )


@extend_schema(
    methods=["GET"],
    operation_id="subscriptions_list",
    parameters=PAGING,
    responses=page_schema("SubscriptionPage", SubscriptionAnswer),
)
@extend_schema(
    methods=["POST"],
    operation_id="subscriptions_create",
    request=SubscriptionRequest,
    responses={201: SubscriptionMade},
)
@api_view(["GET", "POST"])
def subscriptions(request: Request) -> Response:
    """Who is told about changes, the newest first; or a new subscription."""
    actor = caller(request)
    if request.method == "GET":
        page = page_of(request, subscriptions_for(actor))
        return page_answer(page, SubscriptionAnswer(page.items, many=True).data)
    made = create_subscription(actor=actor, spec=_spec(request))
    answer = Response({"subscription": SubscriptionAnswer(made).data, "secret": made.secret}, status=201)
    answer["Cache-Control"] = "no-store"
    return answer


@extend_schema(methods=["GET"], operation_id="subscriptions_read", responses=SubscriptionAnswer)
@extend_schema(
    methods=["PUT"],
    operation_id="subscriptions_edit",
    request=SubscriptionRequest,
    responses=SubscriptionAnswer,
)
@extend_schema(methods=["DELETE"], operation_id="subscriptions_delete", responses={204: None})
@api_view(["GET", "PUT", "DELETE"])
def subscription(request: Request, subscription_id: int) -> Response:
    """One subscription; `enabled` false pauses it. Messages that wait are still sent when it is deleted."""
    actor = caller(request)
    if request.method == "GET":
        return Response(SubscriptionAnswer(find_subscription(actor, subscription_id)).data)
    if request.method == "DELETE":
        delete_subscription(actor=actor, subscription_id=subscription_id)
        return Response(status=204)
    spec = _spec(request)
    changed = edit_subscription(actor=actor, subscription_id=subscription_id, spec=spec)
    return Response(SubscriptionAnswer(changed).data)


def _spec(request: Request) -> SubscriptionSpec:
    wanted = SubscriptionRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    return SubscriptionSpec(**wanted.validated_data)


@extend_schema(operation_id="subscriptions_test", request=None, responses={202: ToldAnswer})
@api_view(["POST"])
def subscription_test(request: Request, subscription_id: int) -> Response:
    """Sends a CloudEvent of type `registry.test`; the delivery says what became of it."""
    sent = send_test(actor=caller(request), subscription_id=subscription_id)
    return Response(ToldAnswer(sent).data, status=202)


@extend_schema(
    operation_id="subscriptions_deliveries",
    parameters=PAGING,
    responses=page_schema("SubscriptionDeliveryPage", ToldAnswer),
)
@api_view(["GET"])
def subscription_deliveries(request: Request, subscription_id: int) -> Response:
    """What was sent to it and what became of it, the newest first."""
    sent = deliveries_of(find_subscription(caller(request), subscription_id))
    page = page_of(request, sent)
    return page_answer(page, ToldAnswer(page.items, many=True).data)
