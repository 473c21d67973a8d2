"""Rules of evolution on top of a subject's policy."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0006_states_of_a_version'),
    ]

    operations = [
        migrations.AddField(
            model_name='subject',
            name='evolution_rules',
            field=models.CharField(blank=True, choices=[('ONEX', 'Onex')], default='', max_length=10),
        ),
    ]
