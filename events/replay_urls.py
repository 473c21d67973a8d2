"""The addresses of replay, for api_urls.py and page_urls.py."""

from django.urls import path

from events import replay_api, replay_pages

api = [
    path("replays", replay_api.replays, name="api-replays"),
    path("replays/plan", replay_api.plan, name="api-replay-plan"),
    path("replays/<uuid:replay_id>", replay_api.replay, name="api-replay"),
    path("replays/<uuid:replay_id>/items", replay_api.items, name="api-replay-items"),
    path("replays/<uuid:replay_id>/outcomes", replay_api.outcomes, name="api-replay-outcomes"),
    path("replays/<uuid:replay_id>/events", replay_api.events, name="api-replay-events"),
    path("replays/<uuid:replay_id>/stream", replay_api.stream, name="api-replay-stream"),
    path("replays/<uuid:replay_id>/step", replay_api.step, name="api-replay-step"),
    path("replays/<uuid:replay_id>/seek", replay_api.seek, name="api-replay-seek"),
    path("replays/<uuid:replay_id>/loop", replay_api.loop, name="api-replay-loop"),
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
    *(
        path(
            f"replays/<uuid:replay_id>/{command}",
            replay_pages.replay_command,
            {"command": command},
            name=f"replay-{command}",
        )
        for command in ("pause", "resume", "step", "seek", "speed", "loop", "cancel")
    ),
]
