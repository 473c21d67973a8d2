"""What is known of a target's health, moved with every attempt."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('access', '0007_ways_of_deliveries')]

    operations = [
        migrations.CreateModel(
            name='DeliveryTarget',
            fields=[
                ('name', models.CharField(max_length=80, primary_key=True, serialize=False)),
                ('succeeded_at', models.DateTimeField(null=True)),
                ('failing_since', models.DateTimeField(null=True)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('problem', models.TextField(blank=True)),
                ('gone_at', models.DateTimeField(null=True)),
            ],
        ),
    ]
