"""Referrals: one program, off until staff switch it on, and who brought whom."""

import crm.shared.public_ids
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


def write_program(apps, schema_editor):
    apps.get_model("loyalty", "ReferralProgram").objects.create()


class Migration(migrations.Migration):

    dependencies = [
        ('loyalty', '0009_rewards_and_benefits'),
        ('members', '0004_lists_by_state'),
        ('orders', '0003_catalogue_triggers'),
    ]

    operations = [
        migrations.CreateModel(
            name='ReferralProgram',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('singleton', models.BooleanField(default=True, editable=False, unique=True)),
                ('is_active', models.BooleanField(default=False, help_text='Friends who join while this is off bring nothing.', verbose_name='active')),
                ('conversion', models.CharField(choices=[('joining', 'joining'), ('first_order', 'first paid order'), ('kept_order', 'first order past its return window')], default='kept_order', max_length=12, verbose_name='a friend counts by')),
                ('least_order_minor', models.PositiveIntegerField(default=0, help_text='What its goods cost after discounts.', verbose_name='least amount of that order')),
                ('inviter_points', models.PositiveIntegerField(default=100, verbose_name='points for the inviter')),
                ('friend_points', models.PositiveIntegerField(default=100, verbose_name='points for the friend')),
                ('milestone_every', models.PositiveSmallIntegerField(default=0, help_text='5 means the 5th, 10th, 15th …; 0 has no milestones.', verbose_name='milestone at every so many friends')),
                ('milestone_points', models.PositiveIntegerField(default=0, verbose_name='more points at a milestone')),
                ('cap_friends', models.PositiveIntegerField(blank=True, help_text='Per inviter and period; friends beyond still get their own.', null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='most friends that bring points')),
                ('cap_period', models.CharField(choices=[('month', 'calendar month'), ('year', 'calendar year'), ('ever', 'for ever')], default='month', max_length=8, verbose_name='period of that limit')),
                ('velocity_friends', models.PositiveSmallIntegerField(default=5, help_text='Within the hours below; 0 finds no number suspicious.', verbose_name='suspicious beyond so many friends')),
                ('velocity_hours', models.PositiveSmallIntegerField(default=24, validators=[django.core.validators.MinValueValidator(1)], verbose_name='within hours')),
            ],
            options={
                'verbose_name': 'referral program',
                'verbose_name_plural': 'referral program',
                'constraints': [models.CheckConstraint(condition=models.Q(('singleton', True)), name='referral_program_is_the_only_one'), models.CheckConstraint(condition=models.Q(('cap_friends__isnull', True), ('cap_friends__gt', 0), _connector='OR'), name='referral_program_cap_is_positive')],
            },
        ),
        migrations.CreateModel(
            name='Referral',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='rfl')),
                ('state', models.CharField(choices=[('waiting', 'waiting for the friend'), ('held', 'held for a look'), ('rewarded', 'rewarded'), ('rejected', 'rejected'), ('reversed', 'reversed')], default='waiting', max_length=10, verbose_name='state')),
                ('joined_at', models.DateTimeField(verbose_name='joined at')),
                ('conversion', models.CharField(choices=[('joining', 'joining'), ('first_order', 'first paid order'), ('kept_order', 'first order past its return window')], max_length=12, verbose_name='a friend counts by')),
                ('least_order_minor', models.PositiveIntegerField(verbose_name='least amount of that order')),
                ('inviter_points', models.PositiveIntegerField(verbose_name='points for the inviter')),
                ('friend_points', models.PositiveIntegerField(verbose_name='points for the friend')),
                ('converted_at', models.DateTimeField(blank=True, null=True, verbose_name='counted at')),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled at')),
                ('reasons', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None, verbose_name='reasons')),
                ('inviter_given', models.PositiveIntegerField(default=0, verbose_name='given to the inviter')),
                ('friend_given', models.PositiveIntegerField(default=0, verbose_name='given to the friend')),
                ('counted_in', models.CharField(blank=True, max_length=8, verbose_name='counts in')),
                ('milestone_at', models.PositiveIntegerField(blank=True, null=True, verbose_name='milestone')),
                ('milestone_points', models.PositiveIntegerField(default=0, verbose_name='points of the milestone')),
                ('friend', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='referral', to='members.member', verbose_name='friend')),
                ('inviter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='referrals', to='members.member', verbose_name='inviter', db_index=False)),
                ('order', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.order', verbose_name='order')),
            ],
            options={
                'verbose_name': 'referral',
                'verbose_name_plural': 'referrals',
                'indexes': [models.Index(fields=['-joined_at', '-id'], name='referral_newest_first'), models.Index(fields=['state', '-joined_at', '-id'], name='referral_by_state'), models.Index(fields=['inviter', '-joined_at', '-id'], name='referral_by_inviter')],
                'constraints': [models.CheckConstraint(condition=models.Q(('inviter', models.F('friend')), _negated=True), name='referral_is_of_somebody_else'), models.CheckConstraint(condition=models.Q(models.Q(('converted_at__isnull', True), ('state', 'waiting')), models.Q(models.Q(('state', 'waiting'), _negated=True), ('converted_at__isnull', False)), _connector='OR'), name='referral_waits_until_its_friend_counts'), models.CheckConstraint(condition=models.Q(('state__in', ['rewarded', 'reversed']), models.Q(('counted_in', ''), ('friend_given', 0), ('inviter_given', 0)), _connector='OR'), name='referral_gives_only_when_rewarded')],
            },
        ),
        migrations.CreateModel(
            name='ReferralTally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('period', models.CharField(db_collation='C', max_length=8)),
                ('friends', models.PositiveIntegerField()),
                ('inviter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.member', db_index=False)),
            ],
            options={
                'verbose_name': 'referral tally',
                'verbose_name_plural': 'referral tallies',
                'constraints': [models.UniqueConstraint(fields=('inviter', 'period'), name='referral_tally_once_per_period')],
            },
        ),
        migrations.RunPython(write_program, migrations.RunPython.noop),
    ]
