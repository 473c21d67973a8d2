"""Replays over REST."""

import uuid
from dataclasses import asdict

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from events import steer_replay
from events.models import Replay
from events.replay import create_replay, find_readable_replay, find_replay
from events.replay_file import file_name, lines_of
from events.replay_outcomes import causes_of, counts_of, undecryptable_of
from events.replay_plan import plan_replay
from events.replay_shapes import (
    OUTCOMES,
    PLAN,
    TIMING,
    ItemAnswer,
    LoopRequest,
    PlanRequest,
    ReplayAnswer,
    ReplayRequest,
    SeekRequest,
    SpeedRequest,
    StepRequest,
)
from events.replay_stream import open_stream
from events.replay_targets import summary_of
from events.replay_timing import timing_of

_ID = OpenApiParameter("replay_id", uuid.UUID, OpenApiParameter.PATH)
_NDJSON = "application/x-ndjson"
_EVENT_STREAM = "text/event-stream"


@extend_schema(
    methods=["GET"],
    operation_id="replays_list",
    parameters=[
        OpenApiParameter("correlation_id"),
        OpenApiParameter("state", enum=Replay.State.values),
        OpenApiParameter("to"),
        *PAGING,
    ],
    responses=page_schema("ReplayPage", ReplayAnswer),
)
@extend_schema(
    methods=["POST"], operation_id="replays_start", request=ReplayRequest, responses={201: ReplayAnswer}
)
@api_view(["GET", "POST"])
def replays(request: Request) -> Response:
    """Runs, the newest first; or start one."""
    if request.method == "POST":
        wanted = ReplayRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        started = create_replay(
            actor=caller(request), scope=wanted.scope(), to=wanted.destination(), manner=wanted.manner()
        )
        return Response(ReplayAnswer(started).data, status=201)
    page = page_of(request, Replay.objects.visible_to(caller(request)).matching(request.query_params))
    return page_answer(page, ReplayAnswer(page.items, many=True).data)


@extend_schema(operation_id="replays_plan", request=PlanRequest, responses=PLAN)
@api_view(["POST"])
def plan(request: Request) -> Response:
    """What a replay would do: how many events, in which order, how long, and what is missing. Starts nothing."""
    wanted = PlanRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    given = wanted.validated_data
    order = Replay.Order(given["order"]) if given["order"] else None
    found = plan_replay(
        actor=caller(request),
        scope=wanted.scope(),
        max_gap=given["max_gap"],
        order=order,
        read_as=given["as"],
    )
    return Response(
        {
            "total": len(found.steps),
            "event_types": found.event_types,
            "order": found.order,
            "began": found.began,
            "ended": found.ended,
            "length": found.length,
            "skipped": found.skipped,
            "seconds": found.seconds(given["speed"]),
            "missing": found.missing,
        }
    )


@extend_schema(
    operation_id="replays_read",
    parameters=[_ID],
    responses=inline_serializer("ReplayDetail", {"replay": ReplayAnswer(), "timing": TIMING}),
)
@api_view(["GET"])
def replay(request: Request, replay_id: uuid.UUID) -> Response:
    """One run with its progress and how late its events left."""
    found = find_replay(actor=caller(request), replay_id=replay_id)
    return Response({"replay": ReplayAnswer(found).data, "timing": timing_of(found)})


@extend_schema(
    operation_id="replays_items",
    parameters=[_ID, *PAGING],
    responses=page_schema("ReplayItemPage", ItemAnswer),
)
@api_view(["GET"])
def items(request: Request, replay_id: uuid.UUID) -> Response:
    """The events of a run in the order in which they are sent, planned against actual."""
    found = find_replay(actor=caller(request), replay_id=replay_id)
    page = page_of(request, found.items.all(), size=500, key="index", descending=False)
    return page_answer(page, ItemAnswer(page.items, many=True).data)


@extend_schema(operation_id="replays_outcomes", parameters=[_ID], responses=OUTCOMES)
@api_view(["GET"])
def outcomes(request: Request, replay_id: uuid.UUID) -> Response:
    """What became of the events: counted, and why some would fail, grouped. Takes `read` on all their types."""
    found = find_readable_replay(actor=caller(request), replay_id=replay_id)
    causes = [asdict(cause) for cause in causes_of(found)]
    told = {"counts": counts_of(found), "causes": causes, "summary": summary_of(found)}
    return Response(told | {"undecryptable": undecryptable_of(found)})


@extend_schema(operation_id="replays_events", parameters=[_ID], responses={(200, _NDJSON): OpenApiTypes.STR})
@api_view(["GET"])
def events(request: Request, replay_id: uuid.UUID) -> HttpResponseBase:
    """The events that were played so far as NDJSON: the producers' bytes, or what `as` makes of them, one a line. Takes `read` on all their types."""
    found = find_readable_replay(actor=caller(request), replay_id=replay_id)
    answer = StreamingHttpResponse(lines_of(found), content_type=_NDJSON)
    answer["Content-Disposition"] = f'attachment; filename="{file_name(found)}"'
    return answer


@extend_schema(
    operation_id="replays_stream",
    parameters=[
        _ID,
        OpenApiParameter("Last-Event-ID", location=OpenApiParameter.HEADER, description="Go on behind it."),
    ],
    responses={(200, _EVENT_STREAM): OpenApiTypes.STR},
)
@api_view(["GET"])
def stream(request: Request, replay_id: uuid.UUID) -> HttpResponseBase:
    """The events as they are played, as server-sent events: `state`, `played`, `end`. Takes `read` on all their types."""
    found = find_readable_replay(actor=caller(request), replay_id=replay_id)
    after = request.headers.get("Last-Event-ID", "") or request.query_params.get("after", "")
    answer = StreamingHttpResponse(open_stream(found, after=after), content_type=_EVENT_STREAM)
    answer["Cache-Control"] = "no-store"
    # Proxies that gather answers would hold the events back.
    answer["X-Accel-Buffering"] = "no"
    return answer


@extend_schema(operation_id="replays_pause", parameters=[_ID], request=None, responses=ReplayAnswer)
@api_view(["POST"])
def pause(request: Request, replay_id: uuid.UUID) -> Response:
    """Stops the clock where it stands."""
    return Response(ReplayAnswer(steer_replay.pause_replay(actor=caller(request), replay_id=replay_id)).data)


@extend_schema(operation_id="replays_resume", parameters=[_ID], request=None, responses=ReplayAnswer)
@api_view(["POST"])
def resume(request: Request, replay_id: uuid.UUID) -> Response:
    """Lets a paused run go on."""
    return Response(ReplayAnswer(steer_replay.resume_replay(actor=caller(request), replay_id=replay_id)).data)


@extend_schema(operation_id="replays_step", parameters=[_ID], request=StepRequest, responses=ReplayAnswer)
@api_view(["POST"])
def step(request: Request, replay_id: uuid.UUID) -> Response:
    """Plays the next events at once and pauses at the last of them."""
    wanted = StepRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    stepped = steer_replay.step_replay(actor=caller(request), replay_id=replay_id, **wanted.validated_data)
    return Response(ReplayAnswer(stepped).data)


@extend_schema(operation_id="replays_seek", parameters=[_ID], request=SeekRequest, responses=ReplayAnswer)
@api_view(["POST"])
def seek(request: Request, replay_id: uuid.UUID) -> Response:
    """Goes on at another event, so many seconds after the first, or at a time; as another segment."""
    wanted = SeekRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    sought = steer_replay.seek_replay(actor=caller(request), replay_id=replay_id, **wanted.validated_data)
    return Response(ReplayAnswer(sought).data)


@extend_schema(operation_id="replays_speed", parameters=[_ID], request=SpeedRequest, responses=ReplayAnswer)
@api_view(["POST"])
def speed(request: Request, replay_id: uuid.UUID) -> Response:
    """Goes on at another speed from where the clock stands."""
    wanted = SpeedRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    changed = steer_replay.change_speed(actor=caller(request), replay_id=replay_id, **wanted.validated_data)
    return Response(ReplayAnswer(changed).data)


@extend_schema(operation_id="replays_loop", parameters=[_ID], request=LoopRequest, responses=ReplayAnswer)
@api_view(["POST"])
def loop(request: Request, replay_id: uuid.UUID) -> Response:
    """Lets so many passes over the same events follow, each a run of its own; 0 for none."""
    wanted = LoopRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    looped = steer_replay.loop_replay(actor=caller(request), replay_id=replay_id, **wanted.validated_data)
    return Response(ReplayAnswer(looped).data)


@extend_schema(operation_id="replays_cancel", parameters=[_ID], request=None, responses=ReplayAnswer)
@api_view(["POST"])
def cancel(request: Request, replay_id: uuid.UUID) -> Response:
    """Ends a run; the request that is under way is the last."""
    return Response(ReplayAnswer(steer_replay.cancel_replay(actor=caller(request), replay_id=replay_id)).data)
