"""Contexts over REST. Everything in one is at its base URL, too: see `context_addresses.py`."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from registry import api_shapes as shapes
from registry.contexts import read_context
from registry.errors import ContextNotFound
from registry.keep_contexts import contexts_seen_by, delete_context
from registry.wire import window


@extend_schema(
    operation_id="contexts_list",
    parameters=shapes.parameters("contextPrefix", "offset", "limit"),
    responses=shapes.NAMES,
)
@api_view(["GET"])
def contexts(request: Request) -> Response:
    """The contexts in which the caller may read something, sorted; the default one is `.`."""
    prefix = request.query_params.get("contextPrefix", "")
    found = [name for name in contexts_seen_by(caller(request)) if name.startswith(prefix)]
    return Response(found[window(request)])


@extend_schema(operation_id="contexts_delete", responses={204: None})
@api_view(["DELETE"])
def context(request: Request, context: str) -> Response:
    """Takes an empty context away, with the rules set in it. Needs the scope admin in the whole context."""
    name = read_context(context)
    if name is None:
        raise ContextNotFound(context)
    delete_context(actor=caller(request), context=name)
    return Response(status=204)
