"""Levels, policies and modes over REST, of the instance and of single subjects."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.actor import Actor
from access.caller import caller
from registry import api_shapes as shapes
from registry import contexts
from registry.api_requests import body_of_request
from registry.config_members import MEMBERS
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
from registry.keep_contexts import may_see
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
    actor, subject = caller(request), contexts.normal(subject)
    if request.method == "PUT":
        return Response(_set_rules(actor, subject, body_of_request(request)))
    if request.method == "DELETE":
        return Response(_shown(unset_rules(actor=actor, subject=subject)))
    _require_sight(actor, subject)
    if not subject or flag(request, "defaultToGlobal"):
        return Response(_shown(rules_of(subject)))
    own = configuration_of(subject)
    answer = {} if own is None else _own(own)
    if not answer:
        raise LevelNotConfigured(subject)
    return Response(answer)


def _require_sight(actor: Actor, subject: str) -> None:
    """What holds for everybody, or in a context, is told to whoever may read something there."""
    if not subject or subject == contexts.GLOBAL:
        actor.require("read")
    elif not (contexts.is_context(subject) and may_see(actor, contexts.context_of(subject))):
        actor.require("read", subject)


_NAMES = {str: "a text", bool: "true or false", dict: "an object"}


def _set_rules(actor: Actor, subject: str, body: dict[str, Any]) -> dict[str, Any]:
    """`null` takes a member back; what is absent stays as it is. Answers with what was asked."""
    changes: dict[str, Any] = {}
    echo: dict[str, Any] = {}
    for member, (name, kind) in MEMBERS.items():
        if member in body:
            changes[name] = _of_kind(member, body[member], kind)
            echo[member] = (
                changes[name].upper() if name in {"level", "policy"} and changes[name] else changes[name]
            )
    set_rules(actor=actor, subject=subject, by_wire_api=True, **changes)
    return {name: value for name, value in echo.items() if value is not None}


def _of_kind(member: str, value: Any, kind: type) -> Any:
    if value is None or (isinstance(value, kind) and value != ""):
        return value
    if member == "compatibility":
        raise InvalidLevel(value)
    if member == "compatibilityPolicy":
        raise InvalidPolicy(value)
    if value == "":
        return None
    raise Malformed(f"'{member}' has to be {_NAMES[kind]}.", pointer=f"/{member}")


def _shown(rules: Rules) -> dict[str, Any]:
    """The policy only where somebody set one: clients know two of the four."""
    answer: dict[str, Any] = {
        "compatibilityLevel": rules.level,
        "compatibilityPolicy": rules.policy if rules.policy_from != "default" else None,
        "normalize": rules.normalize or None,
        "validateFields": rules.validate_fields,
        "validateRules": rules.validate_rules,
        "alias": rules.alias,
        "compatibilityGroup": rules.compatibility_group,
        "defaultMetadata": rules.default.metadata,
        "overrideMetadata": rules.override.metadata,
        "defaultRuleSet": rules.default.rule_set,
        "overrideRuleSet": rules.override.rule_set,
    }
    return {name: value for name, value in answer.items() if value is not None}


def _own(row: Configuration) -> dict[str, Any]:
    found = {member: getattr(row, name) for member, (name, _) in MEMBERS.items()}
    found = {"compatibilityLevel": found.pop("compatibility"), **found}
    return {member: value for member, value in found.items() if value is not None}


@extend_schema(methods=["GET"], operation_id="mode_read", responses=shapes.MODE)
@extend_schema(
    methods=["PUT"],
    operation_id="mode_set",
    parameters=shapes.parameters("forceMode"),
    request=shapes.MODE,
    responses=shapes.MODE,
)
@extend_schema(
    methods=["DELETE"],
    operation_id="mode_unset",
    parameters=shapes.parameters("recursive"),
    responses=shapes.MODE,
)
@api_view(["GET", "PUT", "DELETE"])
def mode(request: Request) -> Response:
    """Whether the default context takes changes. Changing it needs the scope admin."""
    return _mode(request, INSTANCE)


@extend_schema(
    methods=["GET"],
    operation_id="mode_subject_read",
    parameters=shapes.parameters("defaultToGlobal"),
    responses=shapes.MODE,
)
@extend_schema(
    methods=["PUT"],
    operation_id="mode_subject_set",
    parameters=shapes.parameters("forceMode"),
    request=shapes.MODE,
    responses=shapes.MODE,
)
@extend_schema(
    methods=["DELETE"],
    operation_id="mode_subject_unset",
    parameters=shapes.parameters("recursive"),
    responses=shapes.MODE,
)
@api_view(["GET", "PUT", "DELETE"])
def subject_mode(request: Request, subject: str) -> Response:
    """Whether one subject takes changes."""
    return _mode(request, subject)


def _mode(request: Request, subject: str) -> Response:
    actor, subject = caller(request), contexts.normal(subject)
    if request.method == "PUT":
        asked = body_of_request(request).get("mode")
        if not isinstance(asked, str):
            raise InvalidMode(asked)
        row = set_mode(actor=actor, subject=subject, mode=asked, force=flag(request, "force"))
        return Response({"mode": row.mode})
    if request.method == "DELETE":
        recursive = flag(request, "recursive")
        return Response({"mode": unset_mode(actor=actor, subject=subject, recursive=recursive)})
    _require_sight(actor, subject)
    if not subject or flag(request, "defaultToGlobal"):
        return Response({"mode": rules_of(subject).mode})
    own = configuration_of(subject)
    if own is None or own.mode is None:
        raise ModeNotConfigured(subject)
    return Response({"mode": own.mode})
