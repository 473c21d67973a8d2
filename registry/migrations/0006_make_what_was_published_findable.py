import json

from django.db import migrations, transaction

from registry.comparison import Document
from registry.index import known_of, write_content, write_version

BATCH = 200
MODELS = ("ContentIndex", "ContentField", "Version", "VersionIndex", "VersionTag")
# The documents a content refers to, directly or further down: (name, text).
STORE = """
WITH RECURSIVE used(name, content_id) AS (
    SELECT r.name, t.content_id
    FROM registry_reference r JOIN registry_version v ON v.id = r.version_id JOIN registry_version t ON t.id = r.target_id
    WHERE v.content_id = %s
  UNION
    SELECT r.name, t.content_id
    FROM used u JOIN registry_version v ON v.content_id = u.content_id
    JOIN registry_reference r ON r.version_id = v.id JOIN registry_version t ON t.id = r.target_id
)
SELECT used.name, c.text FROM used JOIN registry_content c ON c.id = used.content_id
"""


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
                index_content(apps, schema_editor.connection, one)
        last = batch[-1].pk


def index_content(apps, connection, content):
    model = {name: apps.get_model("registry", name) for name in MODELS}
    with connection.cursor() as cursor:
        cursor.execute(STORE, [content.pk])
        store = {name: json.loads(text) for name, text in cursor.fetchall()}
    known = known_of(Document(json.loads(content.text), store))
    write_content(model["ContentIndex"], model["ContentField"], content.pk, known)
    for version in model["Version"].objects.filter(content_id=content.pk, index__isnull=True).select_related("subject"):
        write_version(model["VersionIndex"], model["VersionTag"], version, known)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("registry", "0005_what_search_knows"),
    ]

    operations = [
        migrations.RunPython(index_contents, migrations.RunPython.noop, elidable=True),
    ]
