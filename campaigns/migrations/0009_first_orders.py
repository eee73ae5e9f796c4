from django.db import migrations, models

#: What coupons for a first order counted in a tally of no template, by the order.
_FROM_TALLIES = """
INSERT INTO campaigns_firstorder (whose, order_id)
SELECT DISTINCT ON (t.whose) t.whose, c.order_id
  FROM campaigns_coupon c CROSS JOIN unnest(c.tallies) AS key
  JOIN campaigns_usetally t ON t.id = key
 WHERE t.template_id IS NULL AND c.order_id IS NOT NULL
 ORDER BY t.whose, c.order_id;
DELETE FROM campaigns_usetally WHERE template_id IS NULL;
"""
#: Uses of which all came back were freed, as if no purchase had come of them.
_RETURNED = """
UPDATE campaigns_promotionuse u SET state = 'returned'
  FROM orders_order o
 WHERE o.id = u.order_id AND u.state = 'freed' AND o.state = 'refunded'
   AND o.waits_for = '';
"""
_FREED = "UPDATE campaigns_promotionuse SET state = 'freed' WHERE state = 'returned';"


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0008_one_index_of_codes'),
        ('orders', '0011_one_index_of_codes'),
    ]

    operations = [
        migrations.CreateModel(
            name='FirstOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('whose', models.CharField(db_collation='C', max_length=80)),
                ('order', models.ForeignKey(on_delete=models.deletion.CASCADE, related_name='+', to='orders.order')),
            ],
            options={
                'verbose_name': 'first order',
                'verbose_name_plural': 'first orders',
                'constraints': [models.UniqueConstraint(fields=('whose',), name='first_order_once_per_name')],
            },
        ),
        migrations.RunSQL(_FROM_TALLIES, migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name='usetally',
            name='use_tally_once_per_whom',
        ),
        migrations.AlterField(
            model_name='usetally',
            name='template',
            field=models.ForeignKey(db_index=False, on_delete=models.deletion.CASCADE, related_name='tallies', to='campaigns.coupontemplate'),
        ),
        migrations.AddConstraint(
            model_name='usetally',
            constraint=models.UniqueConstraint(fields=('template', 'whose', 'period'), name='use_tally_once_per_whom'),
        ),
        migrations.AlterField(
            model_name='promotionuse',
            name='state',
            field=models.CharField(choices=[('held', 'held'), ('spent', 'spent'), ('freed', 'freed'), ('returned', 'returned')], default='held', max_length=10, verbose_name='state'),
        ),
        migrations.RunSQL(_RETURNED, _FREED),
    ]
