"""The mark of promotions changes with them, whoever writes (see ``PromotionVersion``)."""

from django.db import migrations

_TRIGGERS = """
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

-- Counting a use changes nothing for other buyers, but for the last one.
CREATE TRIGGER promotion_changes AFTER UPDATE ON campaigns_promotion
    FOR EACH ROW WHEN (
        to_jsonb(OLD) - 'used' IS DISTINCT FROM to_jsonb(NEW) - 'used'
        OR COALESCE(OLD.used >= OLD.limit_total, false)
            <> COALESCE(NEW.used >= NEW.limit_total, false)
    )
    EXECUTE FUNCTION campaigns_mark_promotions();
"""
_NO_TRIGGERS = """
DROP TRIGGER promotion_changes ON campaigns_promotion;
DROP TRIGGER promotions_come_and_go ON campaigns_promotion;
DROP FUNCTION campaigns_mark_promotions();
DELETE FROM campaigns_promotionversion;
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_promotion_version")]

    operations = [migrations.RunSQL(_TRIGGERS, _NO_TRIGGERS)]
