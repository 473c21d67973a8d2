"""Backtests over REST."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from alerts.backtest import cancel_backtest, find_backtest, start_backtest
from alerts.lists import find_rule
from alerts.models import Backtest
from alerts.rule_spec import TELLING, RuleSpec
from alerts.serializers import ConditionField, RuleRequest


class BacktestRequest(RuleRequest):
    """Either a rule by its id, or what a draft says; with both, the draft is compared with the rule."""

    name = serializers.CharField(default="draft")
    selector = ConditionField(
        required=False,
        help_text="Of a draft, a condition tree or CEL text; without one it is the rule as it is.",
    )
    rule = serializers.IntegerField(required=False)
    since = serializers.DateTimeField(
        required=False, help_text="Of arrival; from the oldest event when left out."
    )
    until = serializers.DateTimeField(
        required=False, help_text="Before this moment; to the newest when left out."
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if "selector" not in given and "rule" not in given:
            raise serializers.ValidationError({"rule": "Name a rule, or say what a draft of one selects."})
        return given

    def draft(self) -> RuleSpec | None:
        """None when there is no draft."""
        if "selector" not in self.validated_data:
            return None
        own = {"rule", "since", "until", "edition"}
        said = {name: value for name, value in self.validated_data.items() if name not in own}
        return RuleSpec(**{**said, "group_by": tuple(said["group_by"]), **TELLING})


class BacktestAnswer(serializers.ModelSerializer[Backtest]):
    total = serializers.IntegerField(help_text="Positions to be read, of `done` were read so far.")
    edition = serializers.DictField(help_text="What the rule or the draft says.")
    baseline = serializers.DictField(allow_null=True, help_text="The edition it is compared with.")
    result = serializers.DictField(
        allow_null=True,
        help_text="verdict (no_events, no_match, quiet, fired), looked_at, matched, late, groups, episodes, notifications for each "
        "channel, bars, by_group, shown (the newest 200 episodes), full (BACKTEST_MAX_MATCHES ended it early), and difference "
        "(same, only_new, only_old, shown_new, shown_old) where it is compared.",
    )
    warnings = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Backtest
        fields = (
            "id",
            "name",
            "rule",
            "state",
            "done",
            "total",
            "since",
            "until",
            "edition",
            "baseline",
            "result",
            "warnings",
            "problem",
            "created_by",
            "created_at",
            "finished_at",
        )


@extend_schema(
    methods=["GET"],
    operation_id="alerts_backtests_list",
    parameters=PAGING,
    responses=page_schema("BacktestPage", BacktestAnswer),
)
@extend_schema(
    methods=["POST"],
    operation_id="alerts_backtests_start",
    request=BacktestRequest,
    responses={201: BacktestAnswer},
)
@api_view(["GET", "POST"])
def backtests(request: Request) -> Response:
    """The caller's backtests, the newest first; or a new one, which a worker sees through unless there is little to read."""
    actor = caller(request)
    if request.method == "GET":
        actor.require("alert")
        page = page_of(request, Backtest.objects.visible_to(actor))
        return page_answer(page, BacktestAnswer(page.items, many=True).data)
    wanted = BacktestRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    said = wanted.validated_data
    rule_id = said.get("rule")
    spec = wanted.draft() or RuleSpec.of(find_rule(actor, rule_id))
    started = start_backtest(
        actor=actor, spec=spec, rule_id=rule_id, since=said.get("since"), until=said.get("until")
    )
    return Response(BacktestAnswer(started).data, status=201)


@extend_schema(operation_id="alerts_backtests_read", responses=BacktestAnswer)
@api_view(["GET"])
def backtest(request: Request, backtest_id: int) -> Response:
    """One backtest: how far it is, and what it found."""
    return Response(BacktestAnswer(find_backtest(caller(request), backtest_id)).data)


@extend_schema(operation_id="alerts_backtests_cancel", request=None, responses=BacktestAnswer)
@api_view(["POST"])
def cancel(request: Request, backtest_id: int) -> Response:
    """Ends it. Cancelling one that has ended changes nothing."""
    return Response(BacktestAnswer(cancel_backtest(actor=caller(request), backtest_id=backtest_id)).data)
