"""Judges of uploads that go on in the background."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0008_ranges_of_references'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Study',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(db_collation='C', max_length=255)),
                ('judge', models.CharField(max_length=100)),
                ('digest', models.BinaryField(max_length=32)),
                ('schema', models.TextField()),
                ('references', models.JSONField(default=list)),
                ('state', models.CharField(choices=[('running', 'Running'), ('completed', 'Completed'), ('cancelled', 'Cancelled'), ('failed', 'Failed')], default='running', max_length=10)),
                ('done', models.BigIntegerField(default=0)),
                ('total', models.BigIntegerField(null=True)),
                ('findings', models.JSONField(default=list)),
                ('memory', models.JSONField(default=dict)),
                ('problem', models.TextField(blank=True)),
                ('epoch', models.PositiveIntegerField(default=0)),
                ('leased_until', models.DateTimeField(null=True)),
                ('created_by', models.CharField(max_length=260)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'studies',
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('state', 'running')), fields=['id'], name='studies_running'), models.Index(fields=['subject', '-id'], name='registry_st_subject_6efdc2_idx')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('subject', 'judge', 'digest'), name='one_running_study_per_question')],
            },
        ),
    ]
