"""How far changes of the catalogue have become events."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0007_taxonomies_judge_events'),
    ]

    operations = [
        migrations.CreateModel(
            name='ChangeCursor',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('link', models.BigIntegerField(default=0)),
                ('problem', models.TextField(blank=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='one_change_cursor')],
            },
        ),
    ]
