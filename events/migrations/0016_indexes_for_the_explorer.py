"""What the explorer asks most: by node, and among the few events with an error code."""

from django.db import migrations

INDEXES = """
-- Few nodes, many events: equal keys share their entry.
CREATE INDEX events_event_node ON events_event (node_id);
CREATE INDEX events_event_failed ON events_event (position) WHERE error_code IS NOT NULL;
"""
BACK = "DROP INDEX events_event_node, events_event_failed"


class Migration(migrations.Migration):
    dependencies = [("events", "0015_cold_partitions")]
    operations = [migrations.RunSQL(INDEXES, BACK)]
