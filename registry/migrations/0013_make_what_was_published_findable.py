import json

from django.db import migrations, transaction

from registry.index import known_of, write_content, write_version

BATCH = 200
MODELS = ("Version", "VersionTag")


def index_contents(apps, schema_editor):
    """In batches, each of which is committed: an interrupted migration goes on where it was."""
    content = apps.get_model("registry", "Content")
    last = 0
    while True:
        waiting = content.objects.filter(pk__gt=last, index__isnull=True, versions__isnull=False).distinct()
        batch = list(waiting.order_by("pk")[:BATCH])
        if not batch:
            return
        with transaction.atomic():
            for one in batch:
                index_content(apps, one)
        last = batch[-1].pk


def index_content(apps, content):
    model = {name: apps.get_model("registry", name) for name in MODELS}
    known = known_of(json.loads(content.text))
    write_content(content.pk, known)
    for version in model["Version"].objects.filter(content_id=content.pk, index__isnull=True).select_related("subject"):
        write_version(model["VersionTag"], version, known)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("registry", "0012_what_search_knows"),
    ]

    operations = [
        migrations.RunPython(index_contents, migrations.RunPython.noop, elidable=True),
    ]
