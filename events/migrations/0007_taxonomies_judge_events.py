"""A new edition of a taxonomy judges events as a new version of a schema does; and codes are counted by an index."""

from django.db import migrations

CHANGES = """
CREATE CONSTRAINT TRIGGER events_taxonomy_changed AFTER INSERT OR UPDATE OR DELETE ON registry_taxonomyversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION events_catalogue_changed();
CREATE INDEX events_event_error_code ON events_event (error_code, occurred_at) WHERE error_code IS NOT NULL;
"""
AWAY = """
DROP TRIGGER events_taxonomy_changed ON registry_taxonomyversion;
DROP INDEX events_event_error_code;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0006_labels_of_full_length"),
        ("registry", "0005_contents_are_bound_to_taxonomies"),
    ]
    operations = [migrations.RunSQL(CHANGES, AWAY)]
