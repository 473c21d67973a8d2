"""The graph of references over REST: JSON, or the text that Graphviz draws."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from registry.api_requests import meant
from registry.graph import Graph, as_dot, graph_around
from registry.lookup import find_any_version
from registry.models import Version

NODE = inline_serializer(
    "GraphVersion",
    {
        "subject": serializers.CharField(),
        "version": serializers.IntegerField(),
        "semver": serializers.CharField(),
        "state": serializers.CharField(),
        "id": serializers.IntegerField(),
        "depth": serializers.IntegerField(help_text="Below 0: used by the version; above: uses it."),
    },
    many=True,
)
EDGE = inline_serializer(
    "GraphReference",
    {
        "from": serializers.CharField(),
        "to": serializers.CharField(),
        "name": serializers.CharField(),
        "range": serializers.CharField(help_text="What was asked for; empty where one version was named."),
    },
    many=True,
)


@extend_schema(
    operation_id="version_graph",
    parameters=[OpenApiParameter("format", str, description="`dot` for Graphviz; JSON otherwise.")],
    responses=inline_serializer(
        "ReferenceGraph",
        {
            "versions": NODE,
            "references": EDGE,
            "hidden": serializers.IntegerField(help_text="Versions that the caller may not read."),
            "cut": serializers.BooleanField(help_text="There are more than are shown."),
        },
    ),
)
@api_view(["GET"])
def version_graph(request: Request, subject: str, version: str) -> Response | HttpResponse:
    """What the version refers to and what refers to it, as far as that leads."""
    actor, subject = caller(request), meant(subject)
    actor.require("read", subject)
    graph = graph_around(actor=actor, version=find_any_version(subject, version))
    if str(request.query_params.get("format", "")).lower() == "dot":
        return HttpResponse(as_dot(graph), content_type="text/vnd.graphviz; charset=utf-8")
    return Response(_shape(graph))


def _shape(graph: Graph) -> dict[str, Any]:
    return {
        "versions": [_node(version, graph.depth[key]) for key, version in graph.versions.items()],
        "references": [
            {
                "from": _named(graph.versions[edge.user]),
                "to": _named(graph.versions[edge.target]),
                "name": edge.name,
                "range": edge.range,
            }
            for edge in graph.edges
        ],
        "hidden": graph.hidden,
        "cut": graph.cut,
    }


def _node(version: Version, depth: int) -> dict[str, Any]:
    return {
        "subject": version.subject.name,
        "version": version.number,
        "semver": version.semver,
        "state": version.state,
        "id": version.identity.number,
        "depth": depth,
    }


def _named(version: Version) -> str:
    return f"{version.subject.name} {version.number}"
