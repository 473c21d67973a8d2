"""Exports of events: what was asked for, how far it is, and what was written."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import events.models.replays
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0016_indexes_for_the_explorer'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', models.UUIDField(default=events.models.replays.time_ordered_id, primary_key=True, serialize=False)),
                ('query', models.JSONField(default=dict)),
                ('format', models.CharField(choices=[('ndjson', 'Ndjson'), ('csv', 'Csv')], max_length=10)),
                ('prefixes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(blank=True, max_length=255), default=list, size=None)),
                ('first', models.BigIntegerField()),
                ('after', models.BigIntegerField()),
                ('head', models.BigIntegerField()),
                ('events', models.BigIntegerField(default=0)),
                ('parts', models.PositiveIntegerField(default=0)),
                ('size', models.BigIntegerField(default=0)),
                ('event_types', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), default=list, size=None)),
                ('problem', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('running', 'Running'), ('completed', 'Completed'), ('cancelled', 'Cancelled')], default='running', max_length=10)),
                ('epoch', models.PositiveIntegerField(default=0)),
                ('leased_until', models.DateTimeField(null=True)),
                ('created_by', models.CharField(max_length=260)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='ExportPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('content', models.BinaryField()),
                ('export', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pieces', to='events.export')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('export', 'number'), name='one_piece_per_number')],
            },
        ),
    ]
