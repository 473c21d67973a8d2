"""Statistics kept by roll-ups, and a tally of what comes into quarantine and leaves it.

The cursor begins at the first event, so that what is stored already is counted by the workers, in the background.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

TALLIES = """
CREATE FUNCTION events_quarantine_tally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events_quarantinetally (quarantined_id, times)
    VALUES (NEW.id, CASE WHEN TG_OP = 'INSERT' THEN 1 ELSE -1 END);
    RETURN NULL;
END $$;
CREATE TRIGGER events_quarantined AFTER INSERT ON events_quarantinedevent
    FOR EACH ROW WHEN (NEW.released_at IS NULL) EXECUTE FUNCTION events_quarantine_tally();
CREATE TRIGGER events_released AFTER UPDATE OF released_at ON events_quarantinedevent
    FOR EACH ROW WHEN (OLD.released_at IS NULL AND NEW.released_at IS NOT NULL)
    EXECUTE FUNCTION events_quarantine_tally();
INSERT INTO events_quarantinetally (quarantined_id, times)
SELECT id, 1 FROM events_quarantinedevent WHERE released_at IS NULL;
INSERT INTO events_statisticscursor (id, position) VALUES (1, 0);
-- The rows of today are changed again and again: they stay on their page.
ALTER TABLE events_statistic SET (fillfactor = 60);
"""
AWAY = """
DROP TRIGGER events_quarantined ON events_quarantinedevent;
DROP TRIGGER events_released ON events_quarantinedevent;
DROP FUNCTION events_quarantine_tally;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0013_sampling_revisions")]
    operations = [
        migrations.AddField("quarantinedevent", "occurred_at", models.DateTimeField(null=True)),
        migrations.AddField("quarantinedevent", "sample_rate", models.FloatField(db_default=1.0, default=1.0)),
        migrations.CreateModel(
            name="StatisticsCursor",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("position", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_statistics_cursor")
                ],
            },
        ),
        migrations.CreateModel(
            name="QuarantineTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quarantined_id", models.BigIntegerField()),
                ("times", models.SmallIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Statistic",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "step", "event_type", "bucket", "version", "producer", "received_on", "quarantined",
                        blank=True, editable=False, primary_key=True, serialize=False,
                    ),
                ),
                ("step", models.IntegerField()),
                ("event_type", models.CharField(db_collation="C", max_length=255)),
                ("bucket", models.DateTimeField()),
                ("version", models.CharField(blank=True, max_length=60)),
                ("producer", models.CharField(max_length=260)),
                ("received_on", models.DateField()),
                ("quarantined", models.BooleanField(default=False)),
                ("events", models.BigIntegerField()),
                ("weight", models.BigIntegerField()),
                ("violating", models.BigIntegerField()),
                ("violating_weight", models.BigIntegerField()),
                ("misdated", models.BigIntegerField()),
                ("last_seen", models.DateTimeField(null=True)),
                (
                    "size_bins",
                    django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None),
                ),
                (
                    "size_weights",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                (
                    "time_bins",
                    django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None),
                ),
                (
                    "time_weights",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("sealed", models.BooleanField(default=False)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["step", "bucket"], name="statistics_by_time"),
                    models.Index(fields=["received_on"], name="statistics_by_arrival"),
                ],
            },
        ),
        migrations.RunSQL(TALLIES, AWAY),
    ]
