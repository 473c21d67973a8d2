"""Replays of more than a correlation, to more than a webhook, with single steps, jumps, loops and slipping."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0017_exports'),
    ]

    operations = [
        migrations.AddField(
            model_name='replay',
            name='kind',
            field=models.CharField(default='webhook', max_length=20),
        ),
        migrations.AddField(
            model_name='replay',
            name='late_policy',
            field=models.CharField(choices=[('catch_up', 'Catch Up'), ('slip', 'Slip')], default='catch_up', max_length=10),
        ),
        migrations.AddField(
            model_name='replay',
            name='options',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='replay',
            name='pass_number',
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='replay',
            name='passes_left',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='replay',
            name='previous',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='next', to='events.replay'),
        ),
        migrations.AddField(
            model_name='replay',
            name='scope',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='replay',
            name='segment_from',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='replay',
            name='side_effects',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='replay',
            name='slipped',
            field=models.FloatField(default=0.0),
        ),
        migrations.AddField(
            model_name='replay',
            name='step_until',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='replayitem',
            name='details',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='replayitem',
            name='occurred_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='replayitem',
            name='outcome',
            field=models.CharField(blank=True, max_length=30),
        ),
        migrations.AlterField(
            model_name='replay',
            name='correlation_id',
            field=models.CharField(blank=True, db_collation='C', max_length=255),
        ),
        migrations.AlterField(
            model_name='replay',
            name='target',
            field=models.CharField(blank=True, max_length=2000),
        ),
        migrations.AlterField(
            model_name='replayitem',
            name='replay',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='events.replay'),
        ),
        # Each row is written once and updated once: with room on its page no index has to know of the update.
        migrations.RunSQL(
            "ALTER TABLE events_replayitem SET (fillfactor = 55)",
            "ALTER TABLE events_replayitem RESET (fillfactor)",
        ),
        migrations.RunSQL(
            "UPDATE events_replay SET scope = jsonb_build_object('correlation_id', correlation_id)",
            migrations.RunSQL.noop,
        ),
    ]
