"""A coupon keeps whom it was issued to, and the batch whose code it was.

What was given away before is its holder's: nobody kept whose it was.
"""

import django.db.models.deletion
from django.db import migrations, models

_FILL = """
UPDATE campaigns_coupon c
   SET issued_to_id = c.member_id,
       batch_id = (SELECT k.batch_id FROM campaigns_couponcode k WHERE k.code = c.code)
"""
#: As it was before: what somebody was given has a source of its own.
_BACK = """
UPDATE campaigns_coupon SET source = 'gift:' || public_id WHERE issued_to_id <> member_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0009_first_orders"),
        ("members", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="coupon",
            name="issued_to",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="members.member",
                verbose_name="issued to",
            ),
        ),
        migrations.AddField(
            model_name="coupon",
            name="batch",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="coupons",
                to="campaigns.couponbatch",
                verbose_name="batch of codes",
            ),
        ),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="coupon",
            name="issued_to",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="members.member",
                verbose_name="issued to",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="coupon",
            name="coupon_once_per_source",
        ),
        migrations.AddConstraint(
            model_name="coupon",
            constraint=models.UniqueConstraint(
                fields=("template", "issued_to", "source"),
                name="coupon_once_per_source",
            ),
        ),
        migrations.AddIndex(
            model_name="coupon",
            index=models.Index(
                condition=models.Q(("issued_to", models.F("member")), _negated=True),
                fields=["issued_to"],
                name="coupon_given_away",
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, _BACK),
    ]
