"""A schema that was deleted for good must leave the caches of finished answers, as a revoked token does."""

from django.db import migrations

TRIGGER = """
CREATE CONSTRAINT TRIGGER registry_version_gone AFTER DELETE ON registry_version
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION access_bump_epoch();
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_labels_are_unique"), ("access", "0003_authority_epoch")]
    operations = [migrations.RunSQL(TRIGGER, "DROP TRIGGER registry_version_gone ON registry_version;")]
