"""Ids get a meaning per context: what was published so far keeps its id, in the default context."""

import django.db.models.deletion
from django.db import migrations, models

KEEP_IDS = """
INSERT INTO registry_schemaid (context, number, content_id, digest, guid, imported)
    SELECT '.', id, id, digest, guid, false FROM registry_content;
UPDATE registry_version SET identity_id = schemaid.id
    FROM registry_schemaid schemaid WHERE schemaid.content_id = registry_version.content_id;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0010_fetches_per_client'),
    ]

    operations = [
        migrations.CreateModel(
            name='Context',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(db_collation='C', max_length=255, unique=True)),
            ],
        ),
        migrations.AddField(
            model_name='configuration',
            name='alias',
            field=models.CharField(max_length=255, null=True),
        ),
        migrations.AddField(
            model_name='configuration',
            name='compatibility_group',
            field=models.CharField(max_length=255, null=True),
        ),
        migrations.AddField(
            model_name='configuration',
            name='default_metadata',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='configuration',
            name='default_rule_set',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='configuration',
            name='override_metadata',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='configuration',
            name='override_rule_set',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='configuration',
            name='validate_fields',
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name='configuration',
            name='validate_rules',
            field=models.BooleanField(null=True),
        ),
        migrations.AlterField(
            model_name='configuration',
            name='mode',
            field=models.CharField(choices=[('READWRITE', 'Readwrite'), ('READONLY', 'Readonly'), ('IMPORT', 'Import'), ('FORWARD', 'Forward')], max_length=10, null=True),
        ),
        migrations.CreateModel(
            name='SchemaId',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('context', models.CharField(db_collation='C', max_length=255)),
                ('number', models.BigIntegerField()),
                ('digest', models.BinaryField(max_length=32)),
                ('guid', models.UUIDField(db_index=True)),
                ('imported', models.BooleanField(default=False)),
                ('content', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ids', to='registry.content')),
            ],
        ),
        migrations.AddField(
            model_name='version',
            name='identity',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='registry.schemaid'),
        ),
        migrations.RunSQL(KEEP_IDS, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='version',
            name='identity',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='registry.schemaid'),
        ),
        migrations.AddIndex(
            model_name='schemaid',
            index=models.Index(fields=['digest'], name='registry_sc_digest_d5ea96_idx'),
        ),
        migrations.AddConstraint(
            model_name='schemaid',
            constraint=models.UniqueConstraint(fields=('context', 'number'), name='one_meaning_per_id'),
        ),
        migrations.AddConstraint(
            model_name='schemaid',
            constraint=models.UniqueConstraint(condition=models.Q(('imported', False)), fields=('context', 'digest'), name='one_id_per_schema'),
        ),
    ]
