"""The addresses of replay, for api_urls.py and page_urls.py."""

from django.urls import path

from events import replay_api, replay_pages

api = [
    path("replays", replay_api.replays, name="api-replays"),
    path("replays/plan", replay_api.plan, name="api-replay-plan"),
    path("replays/<uuid:replay_id>", replay_api.replay, name="api-replay"),
    path("replays/<uuid:replay_id>/items", replay_api.items, name="api-replay-items"),
    path("replays/<uuid:replay_id>/pause", replay_api.pause, name="api-replay-pause"),
    path("replays/<uuid:replay_id>/resume", replay_api.resume, name="api-replay-resume"),
    path("replays/<uuid:replay_id>/cancel", replay_api.cancel, name="api-replay-cancel"),
    path("replays/<uuid:replay_id>/speed", replay_api.speed, name="api-replay-speed"),
]

pages = [
    path("replays", replay_pages.replays, name="replays"),
    path("replays/new", replay_pages.replay_new, name="replay-new"),
    path("replays/<uuid:replay_id>", replay_pages.replay, name="replay"),
    path("replays/<uuid:replay_id>/progress", replay_pages.replay_progress, name="replay-progress"),
    path("replays/<uuid:replay_id>/speed", replay_pages.replay_speed, name="replay-speed"),
    path(
        "replays/<uuid:replay_id>/pause",
        replay_pages.replay_command,
        {"command": "pause"},
        name="replay-pause",
    ),
    path(
        "replays/<uuid:replay_id>/resume",
        replay_pages.replay_command,
        {"command": "resume"},
        name="replay-resume",
    ),
    path(
        "replays/<uuid:replay_id>/cancel",
        replay_pages.replay_command,
        {"command": "cancel"},
        name="replay-cancel",
    ),
]
