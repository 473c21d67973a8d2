"""One number that grows whenever somebody may do less, or more, than a moment ago: what caches of rights watch.

Triggers, so that no way of changing a row can forget it; deferred, so that the row is locked only while committing.
"""

from django.db import migrations, models

TRIGGERS = """
CREATE FUNCTION access_bump_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO access_authorityepoch AS epoch (id, value) VALUES (1, 1)
        ON CONFLICT (id) DO UPDATE SET value = epoch.value + 1;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER access_token_changed
    AFTER DELETE OR UPDATE OF owner_id, digest, scopes, subject_prefixes, expires_at, revoked_at ON access_token
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION access_bump_epoch();
CREATE CONSTRAINT TRIGGER access_role_changed AFTER INSERT OR UPDATE OR DELETE ON access_role
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION access_bump_epoch();
CREATE CONSTRAINT TRIGGER access_user_changed AFTER DELETE OR UPDATE OF is_active, is_superuser ON auth_user
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION access_bump_epoch();
"""
AWAY = """
DROP TRIGGER access_token_changed ON access_token;
DROP TRIGGER access_role_changed ON access_role;
DROP TRIGGER access_user_changed ON auth_user;
DROP FUNCTION access_bump_epoch;
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0002_audit_is_append_only")]
    operations = [
        migrations.CreateModel(
            name="AuthorityEpoch",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("value", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.RunSQL(TRIGGERS, AWAY),
    ]
