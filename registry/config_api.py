"""Levels, policies and modes over REST, of the instance and of single subjects."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.actor import Actor
from access.caller import caller
from registry import api_shapes as shapes
from registry.api_requests import body_of_request
from registry.configure import (
    INSTANCE,
    Rules,
    configuration_of,
    rules_of,
    set_mode,
    set_rules,
    unset_mode,
    unset_rules,
)
from registry.errors import InvalidLevel, InvalidMode, InvalidPolicy, LevelNotConfigured, ModeNotConfigured
from registry.models import Configuration
from registry.problems import Malformed
from registry.wire import flag


@extend_schema(methods=["GET"], operation_id="config_read", responses=shapes.CONFIG)
@extend_schema(
    methods=["PUT"], operation_id="config_set", request=shapes.CONFIG_CHANGE, responses=shapes.CONFIG_CHANGE
)
@extend_schema(methods=["DELETE"], operation_id="config_unset", responses=shapes.CONFIG)
@api_view(["GET", "PUT", "DELETE"])
def config(request: Request) -> Response:
    """The level and policy of the whole instance. Changing them needs the scope admin."""
    return _config(request, INSTANCE)


@extend_schema(
    methods=["GET"],
    operation_id="config_subject_read",
    parameters=shapes.parameters("defaultToGlobal"),
    responses=shapes.CONFIG,
)
@extend_schema(
    methods=["PUT"],
    operation_id="config_subject_set",
    request=shapes.CONFIG_CHANGE,
    responses=shapes.CONFIG_CHANGE,
)
@extend_schema(methods=["DELETE"], operation_id="config_subject_unset", responses=shapes.CONFIG)
@api_view(["GET", "PUT", "DELETE"])
def subject_config(request: Request, subject: str) -> Response:
    """The level and policy of one subject, which may not exist yet."""
    return _config(request, subject)


def _config(request: Request, subject: str) -> Response:
    actor = caller(request)
    if request.method == "PUT":
        return Response(_set_rules(actor, subject, body_of_request(request)))
    if request.method == "DELETE":
        return Response(_shown(unset_rules(actor=actor, subject=subject)))
    actor.require("read", subject or None)
    if not subject or flag(request, "defaultToGlobal"):
        return Response(_shown(rules_of(subject)))
    row = configuration_of(subject)
    if row is None or (row.level, row.policy, row.normalize) == (None, None, None):
        raise LevelNotConfigured(subject)
    return Response(_own(row))


def _set_rules(actor: Actor, subject: str, body: dict[str, Any]) -> dict[str, Any]:
    """Answers with what was asked for, as Confluent does."""
    level, policy, normalize = (body.get(n) for n in ("compatibility", "compatibilityPolicy", "normalize"))
    if level is not None and not (isinstance(level, str) and level):
        raise InvalidLevel(level)
    if policy is not None and not (isinstance(policy, str) and policy):
        raise InvalidPolicy(policy)
    if normalize is not None and not isinstance(normalize, bool):
        raise Malformed("'normalize' has to be true or false.", pointer="/normalize")
    set_rules(actor=actor, subject=subject, level=level, policy=policy, normalize=normalize, by_wire_api=True)
    asked = {
        "compatibility": level.upper() if level else None,
        "compatibilityPolicy": policy.upper() if policy else None,
        "normalize": normalize,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _shown(rules: Rules) -> dict[str, Any]:
    """The policy only where somebody set one: clients know two of the four."""
    answer: dict[str, Any] = {"compatibilityLevel": rules.level}
    if rules.policy_from != "default":
        answer["compatibilityPolicy"] = rules.policy
    if rules.normalize:
        answer["normalize"] = True
    return answer


def _own(row: Configuration) -> dict[str, Any]:
    answer = {
        "compatibilityLevel": row.level,
        "compatibilityPolicy": row.policy,
        "normalize": row.normalize,
    }
    return {name: value for name, value in answer.items() if value is not None}


@extend_schema(methods=["GET"], operation_id="mode_read", responses=shapes.MODE)
@extend_schema(methods=["PUT"], operation_id="mode_set", request=shapes.MODE, responses=shapes.MODE)
@extend_schema(methods=["DELETE"], operation_id="mode_unset", responses=shapes.MODE)
@api_view(["GET", "PUT", "DELETE"])
def mode(request: Request) -> Response:
    """Whether the whole instance takes changes. Changing it needs the scope admin."""
    return _mode(request, INSTANCE)


@extend_schema(
    methods=["GET"],
    operation_id="mode_subject_read",
    parameters=shapes.parameters("defaultToGlobal"),
    responses=shapes.MODE,
)
@extend_schema(methods=["PUT"], operation_id="mode_subject_set", request=shapes.MODE, responses=shapes.MODE)
@extend_schema(methods=["DELETE"], operation_id="mode_subject_unset", responses=shapes.MODE)
@api_view(["GET", "PUT", "DELETE"])
def subject_mode(request: Request, subject: str) -> Response:
    """Whether one subject takes changes."""
    return _mode(request, subject)


def _mode(request: Request, subject: str) -> Response:
    actor = caller(request)
    if request.method == "PUT":
        asked = body_of_request(request).get("mode")
        if not isinstance(asked, str):
            raise InvalidMode(asked)
        return Response({"mode": set_mode(actor=actor, subject=subject, mode=asked).mode})
    if request.method == "DELETE":
        return Response({"mode": unset_mode(actor=actor, subject=subject)})
    actor.require("read", subject or None)
    rules = rules_of(subject)
    if subject and rules.mode_from != "subject" and not flag(request, "defaultToGlobal"):
        raise ModeNotConfigured(subject)
    return Response({"mode": rules.mode})
