"""Keys of half the size, and indexes that earn what they cost each stored event."""

import django.contrib.postgres.indexes
from django.db import migrations, models

TABLE = """
ALTER TABLE events_event DROP CONSTRAINT events_event_pkey;
ALTER TABLE events_event ADD PRIMARY KEY (position, received_at);
DROP INDEX events_event_position;
"""
BACK = """
ALTER TABLE events_event DROP CONSTRAINT events_event_pkey;
ALTER TABLE events_event ADD PRIMARY KEY (received_at, position);
CREATE INDEX events_event_position ON events_event (position);
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0004_replay_runs")]
    operations = [
        migrations.DeleteModel("EventKey"),
        migrations.CreateModel(
            name="EventKey",
            fields=[
                ("key", models.UUIDField(primary_key=True, serialize=False)),
                ("received_on", models.DateField()),
                ("digest", models.BinaryField(max_length=32)),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.BrinIndex(fields=["received_on"], name="event_keys_by_day")
                ],
            },
        ),
        migrations.RunSQL(TABLE, BACK),
    ]
