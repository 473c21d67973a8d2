"""Deliveries say how they leave and through what: e-mail and keyed APIs beside signed webhooks."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('access', '0006_scope_of_side_effects')]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='target',
            field=models.CharField(blank=True, default='', max_length=80),
        ),
        migrations.AddField(
            model_name='delivery',
            name='transport',
            field=models.CharField(choices=[('webhook', 'HTTP, signed when there is a secret'), ('keyed', 'HTTP, with the secret in the body as routing_key'), ('email', 'e-mail to the address in url, which begins with mailto:')], default='webhook', max_length=10),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('target', ''), _negated=True), fields=['target', '-id'], name='deliveries_of_a_target'),
        ),
    ]
