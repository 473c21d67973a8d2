"""How often and when each client fetched a schema."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0009_studies_in_the_background'),
    ]

    operations = [
        migrations.CreateModel(
            name='Fetch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client', models.CharField(max_length=260)),
                ('count', models.BigIntegerField()),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('content', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fetches', to='registry.content')),
            ],
            options={
                'verbose_name_plural': 'fetches',
                'constraints': [models.UniqueConstraint(fields=('content', 'client'), name='one_count_per_client')],
            },
        ),
    ]
