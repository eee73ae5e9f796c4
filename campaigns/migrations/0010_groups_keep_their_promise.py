"""A group keeps all that its deal promised.

Groups that are there already promised what their deal says today.
"""

import django.db.models.deletion
from django.db import migrations, models

_COPY_PROMISES = """
UPDATE campaigns_group g
   SET variant_id = d.variant_id, hours = d.hours, new_members = d.new_members
  FROM campaigns_groupdeal d WHERE d.id = g.deal_id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0009_first_orders'),
    ]

    operations = [
        migrations.AlterField(
            model_name='groupdeal',
            name='new_members',
            field=models.CharField(blank=True, choices=[('', 'no seat'), ('joiners', "all but the leader's"), ('everybody', 'every seat')], default='', help_text='New is who has no paid order, or gave all of them back.', max_length=10, verbose_name='seats for new members'),
        ),
        migrations.AddField(
            model_name='group',
            name='variant',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.variant', verbose_name='SKU'),
        ),
        migrations.AddField(
            model_name='group',
            name='hours',
            field=models.PositiveSmallIntegerField(default=24, verbose_name='hours of a group'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='group',
            name='new_members',
            field=models.CharField(blank=True, choices=[('', 'no seat'), ('joiners', "all but the leader's"), ('everybody', 'every seat')], default='', max_length=10, verbose_name='seats for new members'),
        ),
        migrations.RunSQL(_COPY_PROMISES, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='group',
            name='variant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.variant', verbose_name='SKU'),
        ),
    ]
