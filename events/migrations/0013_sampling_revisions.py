import django.db.models.functions.datetime
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def begin(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("events", "SamplingRevision").objects.create(
        number=0, rules=[], change="Everything is kept.", created_by="system"
    )


class Migration(migrations.Migration):
    dependencies = [("events", "0012_links_between_correlations")]

    operations = [
        migrations.CreateModel(
            name="SamplingRevision",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("rules", models.JSONField(default=list)),
                ("next_rule", models.PositiveIntegerField(default=1)),
                ("change", models.CharField(max_length=600)),
                ("created_by", models.CharField(max_length=260)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={"ordering": ["-number"]},
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
