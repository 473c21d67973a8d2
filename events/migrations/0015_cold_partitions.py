"""Old days are compressed: the dictionaries for that, and what became of each day."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0014_statistics'),
    ]

    operations = [
        # Never gives a number twice, not even one that was rolled back: processes remember dictionaries by it. The
        # numbers below and from 2^31 belong to the registrar of the zstd format.
        migrations.RunSQL(
            "CREATE SEQUENCE events_dictionary_numbers MINVALUE 32768 MAXVALUE 2147483647",
            "DROP SEQUENCE events_dictionary_numbers",
        ),
        migrations.CreateModel(
            name='Dictionary',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('content', models.BinaryField()),
                ('trained_on', models.PositiveIntegerField()),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='ColdPartition',
            fields=[
                ('name', models.CharField(max_length=63, primary_key=True, serialize=False)),
                ('day', models.DateField(unique=True)),
                ('events', models.BigIntegerField()),
                ('last_position', models.BigIntegerField()),
                ('bytes_before', models.BigIntegerField()),
                ('bytes_after', models.BigIntegerField()),
                ('raw_before', models.BigIntegerField()),
                ('raw_after', models.BigIntegerField()),
                ('digest', models.BinaryField(max_length=32)),
                ('seconds', models.FloatField()),
                ('locked_ms', models.FloatField()),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('dictionary', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='partitions', to='events.dictionary')),
            ],
            options={
                'ordering': ['day'],
            },
        ),
    ]
