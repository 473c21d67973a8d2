"""Hours in which a channel is told only what is critical."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('alerts', '0007_words_of_channels')]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='quiet_from',
            field=models.TimeField(null=True),
        ),
        migrations.AddField(
            model_name='channel',
            name='quiet_until',
            field=models.TimeField(null=True),
        ),
        migrations.AddField(
            model_name='channel',
            name='time_zone',
            field=models.CharField(default='UTC', max_length=64),
        ),
    ]
