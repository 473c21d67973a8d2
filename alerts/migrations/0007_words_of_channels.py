"""A channel may say things in its own words."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('alerts', '0006_kinds_of_channels')]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='title_template',
            field=models.TextField(blank=True, default=''),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='channel',
            name='text_template',
            field=models.TextField(blank=True, default=''),
            preserve_default=False,
        ),
    ]
