"""States of a version with their sunset, approvals by a second person, and what moves the caches of finished answers."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


# A by-id answer says when its schema is deprecated, so it must leave the caches when that changes: by a change of the
# version itself, or by another version of the same schema that comes or goes.
TRIGGERS = """
CREATE FUNCTION registry_deprecation_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP = 'UPDATE' AND OLD.state IN ('deprecated', 'archived')) OR EXISTS (
        SELECT FROM registry_version WHERE content_id = NEW.content_id AND state IN ('deprecated', 'archived')
    ) THEN
        INSERT INTO access_authorityepoch AS epoch (id, value) VALUES (1, 1)
            ON CONFLICT (id) DO UPDATE SET value = epoch.value + 1;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER registry_version_deprecation
    AFTER INSERT OR UPDATE OF state, sunset, replaced_by_id, deleted_at, number ON registry_version
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION registry_deprecation_changed();
"""
AWAY = """
DROP TRIGGER registry_version_deprecation ON registry_version;
DROP FUNCTION registry_deprecation_changed;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0005_contents_are_bound_to_taxonomies"),
        ("access", "0003_authority_epoch"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("approved", "Approved"), ("rejected", "Rejected")],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("requested_by", models.CharField(max_length=260)),
                ("requested_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("decided_by", models.CharField(blank=True, max_length=260)),
                ("decided_at", models.DateTimeField(null=True)),
                ("reason", models.TextField(blank=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="SunsetNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sunset", models.DateField()),
                ("days_before", models.PositiveSmallIntegerField()),
                ("noticed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("email", models.CharField(blank=True, max_length=254)),
                ("mailed_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="version",
            name="one_live_version_per_label",
        ),
        migrations.AddField(
            model_name="subject",
            name="needs_approval",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="version",
            name="deprecated_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="version",
            name="deprecation_note",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="version",
            name="replaced_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="replaces",
                to="registry.version",
            ),
        ),
        migrations.AddField(
            model_name="version",
            name="sunset",
            field=models.DateField(null=True),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at__isnull", True), models.Q(("state", "draft"), _negated=True)),
                fields=("subject", "semver"),
                name="one_live_version_per_label",
            ),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("deprecated_at__isnull", True), ("state__in", ["draft", "active"])),
                    models.Q(("deprecated_at__isnull", False), ("state__in", ["deprecated", "archived"])),
                    _connector="OR",
                ),
                name="deprecated_has_its_date",
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="decider",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="requester",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="approval",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="approvals", to="registry.version"
            ),
        ),
        migrations.AddField(
            model_name="sunsetnotice",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="notices", to="registry.version"
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "pending")),
                fields=("version",),
                name="one_pending_approval_per_draft",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decider__isnull", True),
                    ("requester__isnull", True),
                    models.Q(("decider", models.F("requester")), _negated=True),
                    _connector="OR",
                ),
                name="nobody_approves_their_own",
            ),
        ),
        migrations.AddConstraint(
            model_name="sunsetnotice",
            constraint=models.UniqueConstraint(
                fields=("version", "sunset", "days_before"), name="each_sunset_notice_once"
            ),
        ),
        migrations.RunSQL(TRIGGERS, AWAY),
    ]
