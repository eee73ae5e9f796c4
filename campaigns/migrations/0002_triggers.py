"""Marks and counts that follow what is written, whoever writes; revisions only grow."""

from django.db import migrations

from crm.shared.append_only import AppendOnly

#: The mark of promotions changes with what they offer (see ``PromotionVersion``).
#: Counting a use changes nothing for other buyers, but for the last one; nor does what
#: is not live.
_MARK = """
INSERT INTO campaigns_promotionversion (singleton, version)
VALUES (true, gen_random_uuid());

CREATE FUNCTION campaigns_mark_promotions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE campaigns_promotionversion SET version = gen_random_uuid();
    RETURN NULL;
END $$;

CREATE TRIGGER promotions_come_and_go AFTER INSERT OR DELETE OR TRUNCATE
    ON campaigns_promotion
    FOR EACH STATEMENT EXECUTE FUNCTION campaigns_mark_promotions();

CREATE TRIGGER promotion_changes AFTER UPDATE ON campaigns_promotion
    FOR EACH ROW WHEN (
        'live' IN (OLD.state, NEW.state)
        AND (to_jsonb(OLD) - 'used' IS DISTINCT FROM to_jsonb(NEW) - 'used'
             OR COALESCE(OLD.used >= OLD.limit_total, false)
                <> COALESCE(NEW.used >= NEW.limit_total, false))
    )
    EXECUTE FUNCTION campaigns_mark_promotions();
"""
_NO_MARK = """
DROP TRIGGER promotion_changes ON campaigns_promotion;
DROP TRIGGER promotions_come_and_go ON campaigns_promotion;
DROP FUNCTION campaigns_mark_promotions();
DELETE FROM campaigns_promotionversion;
"""

#: A template's version counts the changes of what it promises.
_COUNT_VERSIONS = """
CREATE FUNCTION campaigns_count_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;

CREATE TRIGGER template_promises_change BEFORE UPDATE ON campaigns_coupontemplate
    FOR EACH ROW WHEN (
        (OLD.kind, OLD.amount_minor, OLD.percent_bp, OLD.cap_minor,
         OLD.min_spend_minor, OLD.name, OLD.name_en, OLD.returns, OLD.on_return,
         OLD.grace_days, OLD.valid_days, OLD.valid_from, OLD.valid_until,
         OLD.ends_with_campaign, OLD.is_transferable)
        IS DISTINCT FROM
        (NEW.kind, NEW.amount_minor, NEW.percent_bp, NEW.cap_minor,
         NEW.min_spend_minor, NEW.name, NEW.name_en, NEW.returns, NEW.on_return,
         NEW.grace_days, NEW.valid_days, NEW.valid_from, NEW.valid_until,
         NEW.ends_with_campaign, NEW.is_transferable)
    )
    EXECUTE FUNCTION campaigns_count_version();
"""
_NO_VERSIONS = """
DROP TRIGGER template_promises_change ON campaigns_coupontemplate;
DROP FUNCTION campaigns_count_version();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    #: Folded into this one and the first: a database that has them needs nothing.
    replaces = [
        ("campaigns", "0002_welcome_coupons"),
        ("campaigns", "0003_promotion_version"),
        ("campaigns", "0004_promotion_triggers"),
        ("campaigns", "0005_coupon_codes_and_limits"),
        ("campaigns", "0006_group_buying"),
        ("campaigns", "0007_promotion_recipes"),
        ("campaigns", "0008_leader_rewards_and_one_first_order"),
    ]

    operations = [
        migrations.RunSQL(_MARK, _NO_MARK),
        migrations.RunSQL(_COUNT_VERSIONS, _NO_VERSIONS),
        AppendOnly("campaigns_promotionrevision"),
    ]
