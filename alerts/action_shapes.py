"""The JSON of actions and of their runs."""

from typing import Any

from rest_framework import serializers

from alerts.actions import ActionSpec
from alerts.models import Action, ActionRun


class ActionRequest(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(
        Action.Kind.choices, help_text="What is done; an operator opens kinds with ALERT_ACTIONS."
    )
    subject = serializers.CharField(
        default="",
        allow_blank=True,
        trim_whitespace=False,
        help_text="Of sampling and strict: the event type.",
    )
    minutes = serializers.IntegerField(
        default=None, allow_null=True, help_text="Likewise for how long; then it is taken back."
    )
    rate = serializers.FloatField(
        default=None, allow_null=True, help_text="Of sampling: the share that is kept meanwhile."
    )
    channel = serializers.IntegerField(
        default=None,
        allow_null=True,
        help_text="Of replay: the webhook that the events go to; without it the replay can be watched.",
    )

    def spec(self) -> ActionSpec:
        return ActionSpec(**self.validated_data)


class ActionAnswer(serializers.ModelSerializer[Action]):
    does = serializers.CharField(source="in_words", help_text="In words.")

    class Meta:
        model = Action
        fields = (
            "id",
            "rule",
            "kind",
            "subject",
            "minutes",
            "rate",
            "channel",
            "does",
            "created_by",
            "created_at",
        )


class ActionRunAnswer(serializers.ModelSerializer[ActionRun]):
    rule = serializers.IntegerField(source="action.rule_id")
    kind = serializers.CharField(source="action.kind")
    does = serializers.CharField(source="action.in_words")
    replay = serializers.SerializerMethodField(help_text="Of the kind replay: the id of the run.")

    class Meta:
        model = ActionRun
        fields = (
            "id",
            "action",
            "rule",
            "episode",
            "kind",
            "does",
            "state",
            "said",
            "replay",
            "began_at",
            "until",
            "ended_at",
            "created_at",
        )

    def get_replay(self, run: ActionRun) -> str | None:
        found = run.before.get("replay")
        return str(found) if found else None
