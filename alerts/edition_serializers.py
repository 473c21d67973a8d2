"""The JSON of a rule's history."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from alerts.edition_changes import Difference
from alerts.models import RuleVersion
from alerts.serializers import EditionAnswer


class EditionDifference(serializers.Serializer[Difference]):
    field = serializers.CharField()
    before = serializers.CharField(help_text="In words.")
    after = serializers.CharField(help_text="In words.")


class KeptEditionAnswer(EditionAnswer):
    """An edition and what it says otherwise than the one before; needs the context `changed`, by number."""

    changed = serializers.SerializerMethodField(
        help_text="What it says otherwise than the one before; null of the first, and where the caller may not read that."
    )

    class Meta(EditionAnswer.Meta):
        fields = (*EditionAnswer.Meta.fields, "changed")  # type: ignore[assignment]

    @extend_schema_field(EditionDifference(many=True, allow_null=True))
    def get_changed(self, edition: RuleVersion) -> Any:
        found = self.context["changed"][edition.number]
        return None if found is None else EditionDifference(found, many=True).data
