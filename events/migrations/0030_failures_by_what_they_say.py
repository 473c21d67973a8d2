"""What a failure says, beside each event, and how often which was said."""

from django.db import migrations, models

COLUMN = """
ALTER TABLE events_event ADD COLUMN error_pattern varchar(300) COLLATE "C";
CREATE INDEX events_event_error_pattern ON events_event (error_pattern, position) WHERE error_pattern IS NOT NULL;
"""
NO_COLUMN = """
DROP INDEX events_event_error_pattern;
ALTER TABLE events_event DROP COLUMN error_pattern;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0025_counters_for_monitoring")]
    operations = [
        migrations.RunSQL(COLUMN, NO_COLUMN),
        migrations.CreateModel(
            name="Failure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField()),
                ("group", models.UUIDField()),
                ("received_on", models.DateField()),
                ("event_type", models.CharField(db_collation="C", max_length=255)),
                ("error_code", models.CharField(blank=True, db_collation="C", max_length=255)),
                ("pattern", models.CharField(blank=True, db_collation="C", max_length=300)),
                ("node_id", models.CharField(db_collation="C", max_length=255)),
                ("events", models.BigIntegerField()),
                ("weight", models.BigIntegerField()),
                ("first_seen", models.DateTimeField()),
                ("last_seen", models.DateTimeField()),
                ("last_event_id", models.CharField(db_collation="C", max_length=255)),
            ],
            options={
                "indexes": [models.Index(fields=["group", "received_on"], name="failures_by_group")],
                "constraints": [models.UniqueConstraint(fields=("received_on", "key"), name="one_failure_a_day")],
            },
        ),
    ]
