"""Counted currencies: qualifying value is the first, rules may award others."""

import crm.shared.bilingual
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


def write_the_first(apps, schema_editor):
    """Write qualifying value, which every entry so far counts."""
    apps.get_model("loyalty", "Currency").objects.create(
        code="value", name="成长值", name_en="Qualifying value"
    )


class Migration(migrations.Migration):

    dependencies = [
        ('loyalty', '0014_rewards_for_money'),
        ('members', '0004_lists_by_state'),
    ]

    operations = [
        migrations.CreateModel(
            name='Currency',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=20, unique=True, validators=[django.core.validators.RegexValidator('^[a-z][a-z0-9_]*$', 'Lower-case letters and digits.')], verbose_name='code')),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('name_en', models.CharField(blank=True, max_length=60, verbose_name='English name')),
                ('unit', models.CharField(blank=True, max_length=20, verbose_name='unit')),
                ('unit_en', models.CharField(blank=True, max_length=20, verbose_name='English unit')),
                ('resets_yearly', models.BooleanField(default=False, help_text='Members see what they gathered this year. Nothing is deleted.', verbose_name='begins anew every calendar year')),
                ('is_active', models.BooleanField(default=True, help_text='Members see what they have of it.', verbose_name='active')),
            ],
            options={
                'verbose_name': 'counted currency',
                'verbose_name_plural': 'counted currencies',
                'ordering': ['code'],
            },
            bases=(crm.shared.bilingual.Bilingual, models.Model),
        ),
        migrations.RunPython(write_the_first, migrations.RunPython.noop, elidable=False),
        migrations.RemoveConstraint(
            model_name='qualifyingentry',
            name='qualifying_entry_once_per_source',
        ),
        migrations.RemoveIndex(
            model_name='qualifyingentry',
            name='qualifying_entry_in_window',
        ),
        migrations.AddField(
            model_name='qualifyingentry',
            name='reverses',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversals', to='loyalty.qualifyingentry'),
        ),
        migrations.AddField(
            model_name='qualifyingentry',
            name='trace',
            field=models.JSONField(db_default={}, default=dict, verbose_name='calculation'),
        ),
        migrations.AlterField(
            model_name='ladder',
            name='metric',
            field=models.CharField(choices=[('value', 'qualifying value'), ('spend', 'money paid, less refunds'), ('points', 'points earned'), ('orders', 'number of orders'), ('currency', 'a counted currency'), ('none', 'nothing: staff choose the members')], db_default='value', default='value', max_length=8, verbose_name='thresholds count'),
        ),
        migrations.AlterField(
            model_name='ladderversion',
            name='metric',
            field=models.CharField(choices=[('value', 'qualifying value'), ('spend', 'money paid, less refunds'), ('points', 'points earned'), ('orders', 'number of orders'), ('currency', 'a counted currency'), ('none', 'nothing: staff choose the members')], db_default='value', default='value', max_length=8, verbose_name='thresholds count'),
        ),
        migrations.AddConstraint(
            model_name='currency',
            constraint=models.CheckConstraint(condition=models.Q(('code__in', ('spend', 'points', 'orders', 'none', 'currency')), _negated=True), name='currency_code_is_free'),
        ),
        migrations.AddField(
            model_name='earningrule',
            name='currency',
            field=models.ForeignKey(blank=True, help_text='Empty are points; else so much of a currency that is counted.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.currency', to_field='code', verbose_name='awards'),
        ),
        migrations.AddField(
            model_name='ladder',
            name='currency',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.currency', to_field='code', verbose_name='counted currency'),
        ),
        migrations.AddField(
            model_name='ladderversion',
            name='currency',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.currency', to_field='code', verbose_name='counted currency'),
        ),
        migrations.AddField(
            model_name='qualifyingentry',
            name='currency',
            field=models.ForeignKey(db_default='value', db_index=False, default='value', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='loyalty.currency', to_field='code', verbose_name='counted currency'),
        ),
        migrations.AddIndex(
            model_name='qualifyingentry',
            index=models.Index(fields=['member', 'currency', 'occurred_at'], include=('value_minor',), name='qualifying_entry_in_window'),
        ),
        migrations.AddIndex(
            model_name='qualifyingentry',
            index=models.Index(condition=models.Q(('reverses__isnull', False)), fields=['reverses'], name='qualifying_entry_taken_back'),
        ),
        migrations.AddConstraint(
            model_name='earningrule',
            constraint=models.CheckConstraint(condition=models.Q(('currency__isnull', True), models.Q(('currency', 'value'), _negated=True), _connector='OR'), name='earning_rule_leaves_qualifying_value'),
        ),
        migrations.AddConstraint(
            model_name='ladder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('currency__isnull', False), ('metric', 'currency')), models.Q(models.Q(('metric', 'currency'), _negated=True), ('currency__isnull', True)), _connector='OR'), name='ladder_names_its_currency', violation_error_message='Name the currency where one is counted, and only there.'),
        ),
        migrations.AddConstraint(
            model_name='ladderversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('currency__isnull', False), ('metric', 'currency')), models.Q(models.Q(('metric', 'currency'), _negated=True), ('currency__isnull', True)), _connector='OR'), name='ladder_version_names_its_currency', violation_error_message='Name the currency where one is counted, and only there.'),
        ),
        migrations.AddConstraint(
            model_name='qualifyingentry',
            constraint=models.UniqueConstraint(fields=('member', 'currency', 'source'), name='qualifying_entry_once_per_source'),
        ),
    ]
