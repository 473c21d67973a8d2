"""One number that changes with every committed change of what judges events, so that a batch can see it in one read."""

from django.db import migrations, models

TRIGGERS = """
INSERT INTO events_cataloguerevision (id, number) VALUES (1, 1);
CREATE FUNCTION events_catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE events_cataloguerevision SET number = number + 1 WHERE id = 1;
    RETURN NULL;
END $$;
-- Deferred to the commit: two publishers wait for each other for the length of a commit, not of a transaction.
CREATE CONSTRAINT TRIGGER events_subject_changed AFTER INSERT OR UPDATE OR DELETE ON registry_subject
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION events_catalogue_changed();
CREATE CONSTRAINT TRIGGER events_version_changed AFTER INSERT OR UPDATE OR DELETE ON registry_version
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION events_catalogue_changed();
"""
AWAY = """
DROP TRIGGER events_subject_changed ON registry_subject;
DROP TRIGGER events_version_changed ON registry_version;
DROP FUNCTION events_catalogue_changed;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0002_event_log"), ("registry", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="CatalogueRevision",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(default=1)),
            ],
        ),
        migrations.RunSQL(TRIGGERS, AWAY),
    ]
