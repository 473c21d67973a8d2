"""Deliveries that wait before their first attempt, and may be withdrawn meanwhile."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('access', '0008_health_of_targets')]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='held_until',
            field=models.DateTimeField(null=True),
        ),
    ]
