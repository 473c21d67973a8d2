"""A schema may say that strings are codes of a taxonomy; which taxonomies, its content keeps."""

import json

from django.db import migrations, models

_DATA = {"const", "enum", "default", "examples"}


def _bindings(schema, path=""):
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _bindings(item, f"{path}/{index}")
    elif isinstance(schema, dict):
        for key, item in schema.items():
            place = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
            if key == "x-taxonomy" and isinstance(item, str):
                name, _, wanted = item.rpartition("@")
                yield {"pointer": place, "taxonomy": name or item, "range": wanted if name else "*"}
            elif key not in _DATA:
                yield from _bindings(item, place)


def bind(apps, schema_editor):
    """What was published before: every place that is written, as validators of today meet nearly all of them."""
    contents = apps.get_model("registry", "Content").objects
    for content in contents.filter(text__contains="x-taxonomy").iterator():
        content.bindings = list(_bindings(json.loads(content.text)))
        content.save(update_fields=["bindings"])


class Migration(migrations.Migration):
    dependencies = [("registry", "0004_labels_of_full_length")]
    operations = [
        migrations.AddField("content", "bindings", models.JSONField(default=list)),
        migrations.RunPython(bind, migrations.RunPython.noop),
        migrations.AddIndex(
            "content",
            models.Index(condition=~models.Q(bindings=[]), fields=["id"], name="bound_contents"),
        ),
    ]
