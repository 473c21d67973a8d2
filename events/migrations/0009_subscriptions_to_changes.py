"""Who is told about changes of the catalogue."""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("events", "0008_change_cursor")]

    operations = [
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('subject_prefix', models.CharField(blank=True, db_collation='C', max_length=255)),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), blank=True, default=list, size=None)),
                ('url', models.CharField(max_length=2000)),
                ('secret', models.CharField(max_length=200)),
                ('format', models.CharField(choices=[('structured', 'Structured'), ('binary', 'Binary')], default='structured', max_length=10)),
                ('enabled', models.BooleanField(default=True)),
                ('created_by', models.CharField(max_length=260)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'ordering': ['name'],
            },
        ),
    ]
