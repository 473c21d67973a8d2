"""Actions of rules, and what became of them, over REST."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from alerts.act import undo_run
from alerts.action_shapes import ActionAnswer, ActionRequest, ActionRunAnswer
from alerts.actions import actions_of, add_action, remove_action, runs_for
from alerts.lists import find_rule
from alerts.models import ActionRun


class RunFilter(serializers.Serializer[Any]):
    rule = serializers.IntegerField(required=False)
    episode = serializers.IntegerField(required=False)
    state = serializers.ChoiceField(ActionRun.State.choices, required=False)


@extend_schema(methods=["GET"], operation_id="alerts_actions_list", responses=ActionAnswer(many=True))
@extend_schema(
    methods=["POST"], operation_id="alerts_actions_add", request=ActionRequest, responses={201: ActionAnswer}
)
@api_view(["GET", "POST"])
def rule_actions(request: Request, rule_id: int) -> Response:
    """What a rule does by itself when it fires; or one thing more. It takes the right to do the same by hand."""
    actor = caller(request)
    if request.method == "GET":
        return Response(ActionAnswer(actions_of(find_rule(actor, rule_id)), many=True).data)
    wanted = ActionRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    return Response(
        ActionAnswer(add_action(actor=actor, rule_id=rule_id, spec=wanted.spec())).data, status=201
    )


@extend_schema(operation_id="alerts_actions_remove", responses={204: None})
@api_view(["DELETE"])
def rule_action(request: Request, rule_id: int, action_id: int) -> Response:
    """It is not done any more; what it has changed stays until its time is over or somebody undoes it."""
    remove_action(actor=caller(request), rule_id=rule_id, action_id=action_id)
    return Response(status=204)


@extend_schema(
    operation_id="alerts_action_runs_list",
    parameters=[*PAGING, RunFilter],
    responses=page_schema("ActionRunPage", ActionRunAnswer),
)
@api_view(["GET"])
def action_runs(request: Request) -> Response:
    """What was done for episodes, the newest first."""
    chosen = RunFilter(data={name: value for name, value in request.query_params.items() if value})
    chosen.is_valid(raise_exception=True)
    names = {"rule": "action__rule", "episode": "episode", "state": "state"}
    narrowed = {names[name]: value for name, value in chosen.validated_data.items()}
    page = page_of(request, runs_for(caller(request)).filter(**narrowed))
    return page_answer(page, ActionRunAnswer(page.items, many=True).data)


@extend_schema(operation_id="alerts_action_runs_undo", request=None, responses=ActionRunAnswer)
@api_view(["POST"])
def action_run_undo(request: Request, run_id: int) -> Response:
    """Takes back what an action changed before its time is over; a replay is cancelled."""
    return Response(ActionRunAnswer(undo_run(actor=caller(request), run_id=run_id)).data)
