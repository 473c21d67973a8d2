"""Judges that go on in the background, over REST."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from registry.models import Study
from registry.study import cancel_study, find_study


class StudyAnswer(serializers.ModelSerializer[Study]):
    class Meta:
        model = Study
        fields = (
            "id",
            "subject",
            "judge",
            "state",
            "done",
            "total",
            "findings",
            "problem",
            "created_by",
            "created_at",
            "finished_at",
        )


@extend_schema(
    operation_id="studies_list",
    parameters=[
        OpenApiParameter("subject", str, description="Only about this subject."),
        OpenApiParameter("state", str, enum=Study.State.values),
        *PAGING,
    ],
    responses=page_schema("StudyPage", StudyAnswer),
)
@api_view(["GET"])
def studies(request: Request) -> Response:
    """What goes on, or went on, in the background about uploads, the newest first."""
    rows = Study.objects.readable_by(caller(request)).matching(request.query_params)
    page = page_of(request, rows)
    return page_answer(page, StudyAnswer(page.items, many=True).data)


@extend_schema(operation_id="studies_read", responses=StudyAnswer)
@api_view(["GET"])
def study(request: Request, study_id: int) -> Response:
    """How far it is, and what it found so far."""
    return Response(StudyAnswer(find_study(caller(request), study_id)).data)


@extend_schema(operation_id="studies_cancel", request=None, responses=StudyAnswer)
@api_view(["POST"])
def cancel(request: Request, study_id: int) -> Response:
    """Ends it; what it found so far stays."""
    return Response(StudyAnswer(cancel_study(actor=caller(request), study_id=study_id)).data)
