"""What registry clients ask about the server itself."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from registry import VERSION
from registry import api_shapes as shapes


@extend_schema(operation_id="server_id", responses=shapes.SERVER_ID)
@api_view(["GET"])
def server_id(request: Request) -> Response:
    """What kind of cluster this is, in the shape that tools of the field ask for."""
    return Response(
        {"scope": {"path": [], "clusters": {"schema-registry-cluster": "onex-registry"}}, "id": ""}
    )


@extend_schema(operation_id="server_version", responses=shapes.SERVER_VERSION)
@api_view(["GET"])
def server_version(request: Request) -> Response:
    """The version of this product."""
    return Response({"version": VERSION, "commitId": ""})


@extend_schema(operation_id="server_deployment", responses=shapes.SERVER_DEPLOYMENT)
@api_view(["GET"])
def server_deployment(request: Request) -> Response:
    """Nothing is special about this deployment."""
    return Response({"attributes": []})
