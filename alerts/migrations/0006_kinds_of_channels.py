"""Channels have a kind: e-mail, Slack, PagerDuty, Teams and Discord beside signed webhooks."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('alerts', '0005_kinds_of_rules'),
    ]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='kind',
            field=models.CharField(choices=[('webhook', 'Webhook'), ('email', 'E-mail'), ('slack', 'Slack'), ('pagerduty', 'PagerDuty'), ('teams', 'Microsoft Teams'), ('discord', 'Discord'), ('apprise', 'Apprise')], default='webhook', max_length=10),
        ),
        migrations.AddField(
            model_name='channel',
            name='recipients',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=254), blank=True, default=list, size=None),
        ),
        migrations.AlterField(
            model_name='channel',
            name='secret',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AlterField(
            model_name='channel',
            name='url',
            field=models.CharField(blank=True, max_length=2000),
        ),
    ]
