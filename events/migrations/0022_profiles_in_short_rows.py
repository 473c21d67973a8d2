"""A short row for each stored profile, those of before included: what is counted later is noted then (events.note_profiles)."""

import django.contrib.postgres.indexes
from django.db import migrations, models

STORED = """
INSERT INTO events_profile (position, received_at, occurred_at, event_id, correlation_id, service, operation, release, weight,
    duration, cpu, memory, framed, stacked)
SELECT position, received_at, occurred_at, event_id, correlation_id,
    left(coalesce(d ->> 'service', d ->> 'node_type', nullif(regexp_replace(node_id, '-[^-]*[0-9][^-]*$', ''), ''), node_id), 200),
    left(coalesce(d ->> 'operation', ''), 200),
    left(coalesce(d ->> 'release', d #>> '{tags,release}', ''), 200),
    1 / sample_rate,
    CASE WHEN jsonb_typeof((d -> 'execution_time_ms')) = 'number' THEN CASE WHEN ((d -> 'execution_time_ms'))::numeric = 0
        OR abs(((d -> 'execution_time_ms'))::numeric) BETWEEN 1e-300 AND 1e300 THEN ((d -> 'execution_time_ms'))::float8 END END,
    CASE WHEN jsonb_typeof((d #> '{performance_profile,cpu_user_ms}')) = 'number' THEN CASE WHEN ((d #> '{performance_profile,cpu_user_ms}'))::numeric = 0
        OR abs(((d #> '{performance_profile,cpu_user_ms}'))::numeric) BETWEEN 1e-300 AND 1e300 THEN ((d #> '{performance_profile,cpu_user_ms}'))::float8 END END
        + coalesce(CASE WHEN jsonb_typeof((d #> '{performance_profile,cpu_system_ms}')) = 'number' THEN CASE WHEN ((d #> '{performance_profile,cpu_system_ms}'))::numeric = 0
        OR abs(((d #> '{performance_profile,cpu_system_ms}'))::numeric) BETWEEN 1e-300 AND 1e300 THEN ((d #> '{performance_profile,cpu_system_ms}'))::float8 END END, 0),
    CASE WHEN jsonb_typeof((d #> '{performance_profile,memory_peak_mb}')) = 'number' THEN CASE WHEN ((d #> '{performance_profile,memory_peak_mb}'))::numeric = 0
        OR abs(((d #> '{performance_profile,memory_peak_mb}'))::numeric) BETWEEN 1e-300 AND 1e300 THEN ((d #> '{performance_profile,memory_peak_mb}'))::float8 END END,
    coalesce(jsonb_typeof((d #> '{performance_profile,top_frames}')) = 'array', false),
    coalesce(jsonb_typeof(d -> 'stacks') = 'array', false)
FROM (
    SELECT position, received_at, occurred_at, event_id, correlation_id, node_id, sample_rate, document -> 'metadata' AS d
    FROM events_event
    WHERE event_type = 'PERFORMANCE_PROFILE' AND replay_id IS NULL AND document IS NOT NULL
        AND position <= (SELECT position FROM events_statisticscursor)
) AS stored
"""


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0021_changes_commit_beside_each_other'),
    ]

    operations = [
        migrations.CreateModel(
            name='Profile',
            fields=[
                ('position', models.BigIntegerField(primary_key=True, serialize=False)),
                ('received_at', models.DateTimeField()),
                ('occurred_at', models.DateTimeField()),
                ('event_id', models.CharField(db_collation='C', max_length=255)),
                ('correlation_id', models.CharField(db_collation='C', max_length=255, null=True)),
                ('service', models.CharField(db_collation='C', max_length=200)),
                ('operation', models.CharField(blank=True, db_collation='C', max_length=200)),
                ('release', models.CharField(blank=True, db_collation='C', max_length=200)),
                ('weight', models.FloatField()),
                ('duration', models.FloatField(null=True)),
                ('cpu', models.FloatField(null=True)),
                ('memory', models.FloatField(null=True)),
                ('framed', models.BooleanField()),
                ('stacked', models.BooleanField()),
            ],
            options={
                'indexes': [models.Index(fields=['operation', 'occurred_at'], include=('service', 'release', 'weight', 'duration', 'cpu', 'memory', 'position'), name='profiles_by_operation'), models.Index(fields=['occurred_at'], name='profiles_by_time'), django.contrib.postgres.indexes.BrinIndex(fields=['received_at'], name='profiles_by_arrival')],
            },
        ),
        migrations.RunSQL(STORED, migrations.RunSQL.noop),
    ]
