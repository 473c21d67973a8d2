from django.urls import URLPattern, path

from alerts import action_api, api, backtest_api, code_api, episode_api, explain_api, silence_api

urlpatterns: list[URLPattern] = [
    path("alerts/rules", api.rules, name="api-alert-rules"),
    path("alerts/rules/preview", api.rule_preview, name="api-alert-rule-preview"),
    path("alerts/rules/export", code_api.rules_export, name="api-alert-rules-export"),
    path("alerts/rules/import", code_api.rules_import),
    path("alerts/rules/tests", code_api.rules_test),
    path("alerts/rules/<int:rule_id>", api.rule, name="api-alert-rule"),
    path("alerts/rules/<int:rule_id>/editions", api.rule_editions, name="api-alert-rule-editions"),
    path("alerts/rules/<int:rule_id>/explain", explain_api.explain),
    path("alerts/rules/<int:rule_id>/pause", api.rule_pause, name="api-alert-rule-pause"),
    path("alerts/rules/<int:rule_id>/resume", api.rule_resume, name="api-alert-rule-resume"),
    path("alerts/rules/<int:rule_id>/actions", action_api.rule_actions, name="api-alert-rule-actions"),
    path(
        "alerts/rules/<int:rule_id>/actions/<int:action_id>",
        action_api.rule_action,
        name="api-alert-rule-action",
    ),
    path("alerts/action-runs", action_api.action_runs, name="api-alert-action-runs"),
    path(
        "alerts/action-runs/<int:run_id>/undo", action_api.action_run_undo, name="api-alert-action-run-undo"
    ),
    path("alerts/episodes", episode_api.episodes, name="api-alert-episodes"),
    path("alerts/episodes/<int:episode_id>", episode_api.episode, name="api-alert-episode"),
    path("alerts/episodes/<int:episode_id>/acknowledge", episode_api.acknowledge),
    path("alerts/episodes/<int:episode_id>/unacknowledge", episode_api.unacknowledge),
    path("alerts/episodes/<int:episode_id>/resolve", episode_api.resolve),
    path("alerts/episodes/<int:episode_id>/notes", episode_api.note),
    path("alerts/backtests", backtest_api.backtests),
    path("alerts/backtests/<int:backtest_id>", backtest_api.backtest),
    path("alerts/backtests/<int:backtest_id>/cancel", backtest_api.cancel),
    path("alerts/silences", silence_api.silences),
    path("alerts/silences/preview", silence_api.preview),
    path("alerts/silences/<int:silence_id>", silence_api.silence),
    path("alerts/silences/<int:silence_id>/expire", silence_api.expire),
    path("alerts/channels", api.channels, name="api-alert-channels"),
    path("alerts/channels/preview", api.channel_preview, name="api-alert-channel-preview"),
    path("alerts/channels/<int:channel_id>", api.channel, name="api-alert-channel"),
    path("alerts/channels/<int:channel_id>/test", api.channel_test, name="api-alert-channel-test"),
    path(
        "alerts/channels/<int:channel_id>/attempts", api.channel_attempts, name="api-alert-channel-attempts"
    ),
    path(
        "alerts/channels/<int:channel_id>/redeliver",
        api.channel_redeliver,
        name="api-alert-channel-redeliver",
    ),
]
