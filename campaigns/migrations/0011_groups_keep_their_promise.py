"""A group keeps all that its deal promised.

Groups that are there already promised what their deal says today, and a reward at once
that depends on no seat but the leader's own. What was not given yet is still awaited.
"""

import django.db.models.deletion
from django.db import migrations, models

#: Checked at once: the table is altered again in this transaction.
_COPY_PROMISES = """
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE campaigns_group g
   SET variant_id = d.variant_id, hours = d.hours, new_members = d.new_members
  FROM campaigns_groupdeal d WHERE d.id = g.deal_id
"""

_OLD_REWARDS = """
UPDATE campaigns_groupdeal SET leader_waits = false
 WHERE leader_points > 0 OR leader_coupon_id IS NOT NULL;
UPDATE campaigns_group g
   SET reward = reward || '{"waits": false, "shares": false, "seats": 1}',
       awaits_reward = g.state = 'succeeded'
           AND NOT EXISTS (SELECT FROM campaigns_coupon c
                            WHERE c.source = 'group:' || g.public_id)
           AND NOT EXISTS (SELECT FROM loyalty_pointsentry p
                            WHERE p.source = 'group:' || g.public_id)
 WHERE reward <> '{}'
"""
_AS_BEFORE = """
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE campaigns_group SET reward = reward - 'waits' - 'shares' - 'seats'
"""


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0010_whose_coupon_it_was_first'),
        ('loyalty', '0002_books_and_program'),
        ('orders', '0001_initial'),
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
        migrations.AddField(
            model_name='group',
            name='awaits_reward',
            field=models.BooleanField(db_default=False, default=False, verbose_name='reward to be decided'),
        ),
        migrations.AddField(
            model_name='groupdeal',
            name='leader_shares',
            field=models.BooleanField(db_default=False, default=False, help_text='Fewer seats than the first step wants bring so many points less; otherwise nothing at all.', verbose_name='points by the seats that stay'),
        ),
        migrations.AddField(
            model_name='groupdeal',
            name='leader_waits',
            field=models.BooleanField(db_default=True, default=True, help_text='It comes when nobody of the group can send goods back any more; otherwise when the group succeeds.', verbose_name='after the time for returns'),
        ),
        migrations.AlterField(
            model_name='groupdeal',
            name='leader_points',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='For a group that succeeds; 0 is none.', verbose_name='points for the leader'),
        ),
        migrations.RunSQL(_COPY_PROMISES, migrations.RunSQL.noop),
        migrations.RunSQL(_OLD_REWARDS, _AS_BEFORE),
        migrations.AlterField(
            model_name='group',
            name='variant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.variant', verbose_name='SKU'),
        ),
        migrations.AddIndex(
            model_name='group',
            index=models.Index(condition=models.Q(('awaits_reward', True)), fields=['id'], name='group_awaiting_a_reward'),
        ),
        migrations.AddConstraint(
            model_name='group',
            constraint=models.CheckConstraint(condition=models.Q(('awaits_reward', False), ('state', 'succeeded'), _connector='OR'), name='group_awaits_a_reward_after_success'),
        ),
    ]
