"""What was found about the signature of an event; and a change of a signing key is one of what judges events."""

from django.db import migrations

COLUMNS = """
ALTER TABLE events_event ADD COLUMN signature_verdict varchar(20) COLLATE "C";
CREATE CONSTRAINT TRIGGER events_signing_key_changed AFTER INSERT OR UPDATE OR DELETE ON access_signingkey
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION events_catalogue_changed();
"""
NO_COLUMNS = """
DROP TRIGGER events_signing_key_changed ON access_signingkey;
ALTER TABLE events_event DROP COLUMN signature_verdict;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0023_reports_of_producers"),
        ("access", "0010_signing_keys_and_data_keys"),
    ]
    operations = [migrations.RunSQL(COLUMNS, NO_COLUMNS)]
