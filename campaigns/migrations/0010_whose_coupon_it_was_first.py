"""A coupon keeps whom it was issued to, its batch, and more of what was promised.

What was given away before is its holder's: nobody kept whose it was. Whether a coupon
is for a first order was up to its template until now, and stays as that says today.
"""

import django.db.models.deletion
from django.db import migrations, models

_FILL = """
UPDATE campaigns_coupon c
   SET issued_to_id = c.member_id,
       batch_id = (SELECT k.batch_id FROM campaigns_couponcode k WHERE k.code = c.code),
       terms = CASE WHEN t.for_first_order
                    THEN c.terms || '{"for_first_order": true}' ELSE c.terms END
  FROM campaigns_coupontemplate t WHERE t.id = c.template_id
"""
#: As it was before: what somebody was given has a source of its own.
_BACK = """
UPDATE campaigns_coupon
   SET source = CASE WHEN issued_to_id <> member_id
                     THEN 'gift:' || public_id ELSE source END,
       terms = terms - '{for_first_order,skips_discounted}'::text[]
"""
#: What a template promised until now.
_PROMISED = [
    *("kind", "amount_minor", "percent_bp", "cap_minor", "min_spend_minor", "name"),
    *("name_en", "returns", "on_return", "grace_days", "valid_days", "valid_from"),
    *("valid_until", "ends_with_campaign", "is_transferable"),
]


def _counting(columns):
    """Return what makes a template's version count changes of some columns."""
    old, new = (
        ", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW")
    )
    return f"""
DROP TRIGGER template_promises_change ON campaigns_coupontemplate;

CREATE TRIGGER template_promises_change BEFORE UPDATE ON campaigns_coupontemplate
    FOR EACH ROW WHEN (({old}) IS DISTINCT FROM ({new}))
    EXECUTE FUNCTION campaigns_count_version();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0009_first_orders"),
        ("members", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="coupontemplate",
            name="skips_discounted",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Goods at a sale, member or group price: nor do they count for the spend.",
                verbose_name="not on what is reduced already",
            ),
        ),
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
        migrations.RunSQL(
            _counting([*_PROMISED, "for_first_order", "skips_discounted"]),
            _counting(_PROMISED),
        ),
    ]
