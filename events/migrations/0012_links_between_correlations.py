"""Who started whom, and where each tree begins, for events that come and for those that are stored already."""

from django.db import migrations, models

# As SQL, because Django adds an index for LIKE to a text that is a primary key.
TABLE = """
CREATE TABLE events_correlationlink (
    correlation_id varchar(255) COLLATE "C" PRIMARY KEY,
    parent_id      varchar(255) COLLATE "C" NOT NULL,
    root_id        varchar(255) COLLATE "C" NOT NULL,
    received_on    date NOT NULL
);
CREATE INDEX events_correlationlink_root ON events_correlationlink (root_id);
CREATE INDEX events_correlationlink_day ON events_correlationlink USING brin (received_on);
"""
# The first event that names a parent decides, as at ingest.
PAIRS = """
INSERT INTO events_correlationlink (correlation_id, parent_id, root_id, received_on)
SELECT DISTINCT ON (correlation_id) correlation_id, parent_correlation_id, parent_correlation_id, received_at::date
FROM events_event
WHERE correlation_id IS NOT NULL AND parent_correlation_id IS NOT NULL
ORDER BY correlation_id, position
"""
# A circle is cut at the link that sorts first: it is its own top, as one that closes a circle is at ingest.
CUT = """
WITH RECURSIVE up (start, at) AS (
    SELECT correlation_id, parent_id FROM events_correlationlink
    UNION
    SELECT up.start, link.parent_id
    FROM up JOIN events_correlationlink AS link ON link.correlation_id = up.at
    WHERE up.at <> up.start
), circle AS (
    SELECT up.start, min(other.at) AS first
    FROM up JOIN up AS other ON other.start = up.start
    WHERE up.at = up.start
    GROUP BY up.start
)
UPDATE events_correlationlink AS link SET root_id = correlation_id
FROM circle WHERE circle.start = link.correlation_id AND circle.first = link.correlation_id
"""
# Each round doubles how far up a link looks.
CLIMB = """
UPDATE events_correlationlink AS link SET root_id = above.root_id
FROM events_correlationlink AS above
WHERE above.correlation_id = link.root_id AND link.root_id NOT IN (link.correlation_id, above.root_id)
"""
# A row names each link once, so that its tree no longer needs the parents of single events.
SLIM = "DROP INDEX events_event_parent"
BACK = """
CREATE INDEX events_event_parent ON events_event (parent_correlation_id) WHERE parent_correlation_id IS NOT NULL
"""


def link_stored(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(PAIRS)
        if not cursor.rowcount:
            return
        cursor.execute("ANALYZE events_correlationlink")
        cursor.execute(CUT)
        while True:
            cursor.execute(CLIMB)
            if not cursor.rowcount:
                break


class Migration(migrations.Migration):
    dependencies = [("events", "0011_quarantined_events_are_set_aside")]
    operations = [
        migrations.CreateModel(
            name="CorrelationLink",
            fields=[
                (
                    "correlation_id",
                    models.CharField(db_collation="C", max_length=255, primary_key=True, serialize=False),
                ),
                ("parent_id", models.CharField(db_collation="C", max_length=255)),
                ("root_id", models.CharField(db_collation="C", max_length=255)),
                ("received_on", models.DateField()),
            ],
            options={"db_table": "events_correlationlink", "managed": False},
        ),
        migrations.RunSQL(TABLE, "DROP TABLE events_correlationlink"),
        migrations.RunPython(link_stored, migrations.RunPython.noop),
        migrations.RunSQL(SLIM, BACK),
    ]
