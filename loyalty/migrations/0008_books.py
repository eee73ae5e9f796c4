"""The books: freezes with a beginning, passing on, reinstating, closed months."""

import crm.shared.public_ids
import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

from crm.shared.append_only import AppendOnly


class Migration(migrations.Migration):

    dependencies = [
        ('loyalty', '0007_earning_rules'),
        ('members', '0004_lists_by_state'),
    ]

    operations = [
        migrations.CreateModel(
            name='PointsClose',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(unique=True, verbose_name='month')),
                ('ends_at', models.DateTimeField(verbose_name='ends at')),
                ('last_entry', models.BigIntegerField(verbose_name='last entry')),
                ('opening', models.BigIntegerField(verbose_name='opening')),
                ('moved', models.JSONField(verbose_name='moved')),
                ('late', models.JSONField(verbose_name='booked late')),
                ('to_date', models.JSONField(verbose_name='to date')),
                ('closing', models.BigIntegerField(verbose_name='closing')),
                ('open_points', models.BigIntegerField(verbose_name='points open')),
                ('debt', models.BigIntegerField(verbose_name='debt')),
                ('minor_per_100', models.PositiveIntegerField(verbose_name='value of 100 points')),
                ('liability_minor', models.BigIntegerField(verbose_name='liability')),
                ('waterfall', models.JSONField(verbose_name='coming expiry')),
                ('cohorts', models.JSONField(verbose_name='points by age')),
                ('closed_at', models.DateTimeField(verbose_name='closed at')),
                ('actor', models.CharField(max_length=80, verbose_name='actor')),
            ],
            options={
                'verbose_name': 'month of the points books',
                'verbose_name_plural': 'points books',
            },
        ),
        migrations.CreateModel(
            name='PointsFreeze',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='pfz')),
                ('reason', models.CharField(max_length=200, verbose_name='reason')),
                ('actor', models.CharField(max_length=80, verbose_name='actor')),
                ('until', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('ended_by', models.CharField(blank=True, max_length=80, verbose_name='ended by')),
                ('end_reason', models.CharField(blank=True, max_length=200, verbose_name='reason of the end')),
            ],
            options={
                'verbose_name': 'freeze of points',
                'verbose_name_plural': 'freezes of points',
            },
        ),
        migrations.RemoveConstraint(
            model_name='pointsentry',
            name='points_entry_sign_matches_kind',
        ),
        migrations.AddField(
            model_name='pointsaccount',
            name='frozen_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='frozen since'),
        ),
        migrations.AddField(
            model_name='pointsaccount',
            name='is_fraud',
            field=models.BooleanField(db_default=False, default=False, verbose_name='frozen for fraud'),
        ),
        migrations.AddField(
            model_name='program',
            name='reinstate_days',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='So long after they expired staff may bring them back; 0: never.', verbose_name='days to reinstate expired points'),
        ),
        migrations.AddField(
            model_name='program',
            name='transfer_max',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='0: members pass no points on.', verbose_name='points a member may pass on at once'),
        ),
        migrations.AddField(
            model_name='program',
            name='transfer_month_max',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='A calendar month of the shop. 0: members pass no points on.', verbose_name='points a member may pass on in a month'),
        ),
        migrations.AddField(
            model_name='program',
            name='transfer_rest_days',
            field=models.PositiveSmallIntegerField(db_default=30, default=30, help_text='So long whoever received points receives no others and passes none on.', verbose_name='days of rest after receiving points'),
        ),
        migrations.AlterField(
            model_name='pointsentry',
            name='kind',
            field=models.CharField(choices=[('earn', 'earned'), ('spend', 'spent'), ('return', 'given back'), ('claw_back', 'taken back'), ('expire', 'expired'), ('grant', 'granted'), ('deduct', 'deducted by staff'), ('opening', 'opening balance'), ('transfer', 'moved with a merge'), ('gift', 'passed on'), ('reinstate', 'reinstated')], max_length=10, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='program',
            name='claw_back',
            field=models.CharField(choices=[('pending', 'take pending points only, waive the rest'), ('to_zero', 'take what is there, waive the rest'), ('debt', 'owe the rest'), ('deduct', 'deduct the rest from the refund, or owe it')], default='debt', max_length=10, verbose_name='when a refund finds too few points'),
        ),
        # Since when is not known: from now on none of their lots lose time.
        migrations.RunSQL(
            "UPDATE loyalty_pointsaccount SET frozen_at = now() WHERE is_frozen",
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            model_name='pointsaccount',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('frozen_at__isnull', False), ('is_frozen', True)), models.Q(('frozen_at__isnull', True), ('is_fraud', False), ('is_frozen', False)), _connector='OR'), name='points_frozen_has_a_beginning'),
        ),
        migrations.AddConstraint(
            model_name='pointsentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['earn', 'return', 'grant', 'opening', 'reinstate']), ('points__gte', 0)), models.Q(('kind__in', ['spend', 'claw_back', 'expire', 'deduct']), ('points__lte', 0)), ('kind__in', ['transfer', 'gift']), _connector='OR'), name='points_entry_sign_matches_kind'),
        ),
        migrations.AddConstraint(
            model_name='pointsclose',
            constraint=models.CheckConstraint(condition=models.Q(('open_points', django.db.models.expressions.CombinedExpression(models.F('closing'), '+', models.F('debt')))), name='points_close_open_is_closing_and_debt'),
        ),
        migrations.AddField(
            model_name='pointsfreeze',
            name='hold',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='freeze', to='loyalty.pointshold'),
        ),
        migrations.AddIndex(
            model_name='pointsfreeze',
            index=models.Index(condition=models.Q(('ended_by', ''), ('until__isnull', False)), fields=['until'], name='points_freeze_to_end'),
        ),
        AppendOnly("loyalty_pointsclose"),
    ]
