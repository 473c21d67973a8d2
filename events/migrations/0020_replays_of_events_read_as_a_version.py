"""A replay may play events as another version of their subject."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0019_copies_that_replays_stored'),
    ]

    operations = [
        migrations.AddField(
            model_name='replay',
            name='read_as',
            field=models.CharField(blank=True, default='', max_length=250),
            preserve_default=False,
        ),
    ]
