"""What a replay needs to be found again, to say what it will not play, and to be shown without the events."""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models

import events.models


class Migration(migrations.Migration):
    dependencies = [("events", "0003_catalogue_revision")]
    operations = [
        migrations.AlterModelOptions("replay", {"ordering": ["-id"]}),
        migrations.AlterField(
            "replay",
            "id",
            models.UUIDField(default=events.models.time_ordered_id, primary_key=True, serialize=False),
        ),
        migrations.AddField(
            "replay",
            "event_types",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=255), default=list, size=None
            ),
        ),
        migrations.AddField(
            "replay",
            "order",
            models.CharField(
                choices=[("clock", "Clock"), ("arrival", "Arrival")], default="clock", max_length=10
            ),
        ),
        migrations.AddField("replay", "missing", models.JSONField(default=list)),
        migrations.AddField("replay", "segment", models.PositiveIntegerField(default=1)),
        migrations.AddField("replay", "length", models.FloatField(default=0.0)),
        migrations.AddField("replay", "skipped", models.FloatField(default=0.0)),
        migrations.AddField(
            "replay",
            "due_at",
            models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AlterField(
            "replay",
            "state",
            models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("running", "Running"),
                    ("paused", "Paused"),
                    ("cancelled", "Cancelled"),
                    ("completed", "Completed"),
                    ("failed", "Failed"),
                ],
                default="pending",
                max_length=12,
            ),
        ),
        migrations.AddField(
            "replayitem",
            "event_id",
            models.CharField(db_collation="C", default="", max_length=255),
            preserve_default=False,
        ),
        migrations.AddField(
            "replayitem",
            "event_type",
            models.CharField(db_collation="C", default="", max_length=255),
            preserve_default=False,
        ),
        migrations.AddIndex(
            "replay",
            models.Index(
                condition=models.Q(("state__in", ["pending", "running"])), fields=["due_at"], name="replays_due"
            ),
        ),
    ]
