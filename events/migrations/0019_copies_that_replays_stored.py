"""Which events of the log a replay stored again, and what of."""

from django.db import migrations

COLUMNS = """
ALTER TABLE events_event ADD COLUMN replay_id uuid, ADD COLUMN replay jsonb;
CREATE INDEX events_event_replay ON events_event (replay_id, position) WHERE replay_id IS NOT NULL;
"""
NO_COLUMNS = """
DROP INDEX events_event_replay;
ALTER TABLE events_event DROP COLUMN replay, DROP COLUMN replay_id;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0018_replays_of_more_to_more")]
    operations = [migrations.RunSQL(COLUMNS, NO_COLUMNS)]
