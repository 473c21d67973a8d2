from django.urls import URLPattern, path

from alerts import channel_pages, episode_pages, pages, silence_pages

urlpatterns: list[URLPattern] = [
    path("alerts/rules", pages.rules, name="rules"),
    path("alerts/rules/new", pages.rule_new, name="rule-new"),
    path("alerts/rules/preview", pages.rule_preview, name="rule-preview"),
    path("alerts/rules/<int:rule_id>", pages.rule, name="rule"),
    path("alerts/rules/<int:rule_id>/edit", pages.rule_edit, name="rule-edit"),
    path("alerts/rules/<int:rule_id>/pause", pages.rule_pause, name="rule-pause"),
    path("alerts/rules/<int:rule_id>/resume", pages.rule_resume, name="rule-resume"),
    path("alerts/rules/<int:rule_id>/delete", pages.rule_delete, name="rule-delete"),
    path("alerts/episodes", episode_pages.episodes, name="episodes"),
    path("alerts/episodes/<int:episode_id>", episode_pages.episode, name="episode"),
    path(
        "alerts/episodes/<int:episode_id>/acknowledge", episode_pages.acknowledge, name="episode-acknowledge"
    ),
    path(
        "alerts/episodes/<int:episode_id>/unacknowledge",
        episode_pages.unacknowledge,
        name="episode-unacknowledge",
    ),
    path("alerts/episodes/<int:episode_id>/resolve", episode_pages.resolve, name="episode-resolve"),
    path("alerts/episodes/<int:episode_id>/note", episode_pages.note, name="episode-note"),
    path("alerts/silences", silence_pages.silences, name="silences"),
    path("alerts/silences/new", silence_pages.silence_new, name="silence-new"),
    path("alerts/silences/<int:silence_id>", silence_pages.silence, name="silence"),
    path("alerts/silences/<int:silence_id>/expire", silence_pages.silence_expire, name="silence-expire"),
    path("alerts/channels", channel_pages.channels, name="channels"),
    path("alerts/channels/new", channel_pages.channel_new, name="channel-new"),
    path("alerts/channels/preview", channel_pages.channel_preview, name="channel-preview"),
    path("alerts/channels/<int:channel_id>", channel_pages.channel, name="channel"),
    path("alerts/channels/<int:channel_id>/test", channel_pages.channel_test, name="channel-test"),
    path("alerts/channels/<int:channel_id>/tests", channel_pages.channel_tests, name="channel-tests"),
    path("alerts/channels/<int:channel_id>/log", channel_pages.channel_log, name="channel-log"),
    path(
        "alerts/channels/<int:channel_id>/redeliver",
        channel_pages.channel_redeliver,
        name="channel-redeliver",
    ),
    path("alerts/channels/<int:channel_id>/delete", channel_pages.channel_delete, name="channel-delete"),
]
