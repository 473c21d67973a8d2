"""What a reference asked for, beside the version that it was pinned to."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0007_rules_on_top_of_the_policy'),
    ]

    operations = [
        migrations.AddField(
            model_name='reference',
            name='range',
            field=models.CharField(blank=True, max_length=250),
        ),
    ]
