"""The revision of the catalogue as the sum of a few rows, so that those who change it do not commit one after the other."""

from django.db import migrations

# Each row's lock is held until the change is on disk: with a single row, everybody waited for everybody's disk.
# A connection always takes the same row; connections of which two share one wait for each other, and no more than that.
FORTH = """
CREATE OR REPLACE FUNCTION events_catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events_cataloguerevision AS revision (id, number) VALUES (1 + pg_backend_pid() % 32, 1)
        ON CONFLICT (id) DO UPDATE SET number = revision.number + 1;
    RETURN NULL;
END $$;
"""
BACK = """
UPDATE events_cataloguerevision SET number = (SELECT sum(number) + 1 FROM events_cataloguerevision) WHERE id = 1;
DELETE FROM events_cataloguerevision WHERE id <> 1;
CREATE OR REPLACE FUNCTION events_catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE events_cataloguerevision SET number = number + 1 WHERE id = 1;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0020_replays_of_events_read_as_a_version")]
    operations = [migrations.RunSQL(FORTH, BACK)]
