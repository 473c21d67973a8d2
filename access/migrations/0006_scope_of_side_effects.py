"""A scope of its own for replays that live alerts may see."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('access', '0005_rates_of_tokens')]

    operations = [
        migrations.RemoveConstraint(model_name='token', name='token_scopes_are_known'),
        migrations.AddConstraint(
            model_name='token',
            constraint=models.CheckConstraint(condition=models.Q(('scopes__contained_by', ['read', 'write', 'ingest', 'replay', 'effects', 'alert', 'admin']), models.Q(('scopes', []), _negated=True)), name='token_scopes_are_known'),
        ),
    ]
