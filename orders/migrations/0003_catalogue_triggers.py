"""Prices only end, and categories know where they stand."""

from django.db import migrations

#: The past stays as it was: a price may end earlier than it said, and a list price is
#: marked once when the SKU took it.
_PRICES = """
CREATE FUNCTION orders_price_only_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
       AND (NEW.id, NEW.variant_id, NEW.kind, NEW.audience, NEW.amount_minor,
            NEW.starts_at, NEW.actor, NEW.created_at)
           IS NOT DISTINCT FROM
           (OLD.id, OLD.variant_id, OLD.kind, OLD.audience, OLD.amount_minor,
            OLD.starts_at, OLD.actor, OLD.created_at)
       AND (NEW.ends_at IS NOT DISTINCT FROM OLD.ends_at
            OR NEW.ends_at < coalesce(OLD.ends_at, 'infinity'))
       AND (OLD.applied_at IS NULL OR NEW.applied_at = OLD.applied_at)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'orders_price is append-only: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER price_only_ends BEFORE UPDATE OR DELETE ON orders_price
    FOR EACH ROW EXECUTE FUNCTION orders_price_only_ends();
CREATE TRIGGER price_stays BEFORE TRUNCATE ON orders_price
    FOR EACH STATEMENT EXECUTE FUNCTION crm_refuse_change();
"""
_NO_PRICES = """
DROP TRIGGER price_only_ends ON orders_price;
DROP TRIGGER price_stays ON orders_price;
DROP FUNCTION orders_price_only_ends();
"""
#: Two moves at once could make a circle that neither of them sees: the lock lets one
#: wait, and each statement of this function looks anew.
_LINEAGE = """
CREATE FUNCTION orders_category_stand() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE above bigint[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock(%(lock)s);
    IF NEW.parent_id IS NOT NULL THEN
        SELECT lineage INTO above FROM orders_category WHERE id = NEW.parent_id;
    END IF;
    IF NEW.parent_id = NEW.id OR above @> ARRAY[NEW.id] THEN
        RAISE EXCEPTION 'category % would stand below itself', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'category_is_a_tree';
    END IF;
    NEW.lineage := above || NEW.id;
    RETURN NEW;
END $$;
CREATE FUNCTION orders_category_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE orders_category
       SET lineage = NEW.lineage
                     || lineage[array_position(lineage, NEW.id) + 1:]
     WHERE lineage @> ARRAY[NEW.id] AND id <> NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER category_stands BEFORE INSERT OR UPDATE OF parent_id ON orders_category
    FOR EACH ROW EXECUTE FUNCTION orders_category_stand();
CREATE TRIGGER category_followed AFTER UPDATE OF parent_id ON orders_category
    FOR EACH ROW WHEN (NEW.lineage IS DISTINCT FROM OLD.lineage)
    EXECUTE FUNCTION orders_category_follow();
WITH RECURSIVE tree AS (
    SELECT id, ARRAY[id] AS lineage FROM orders_category WHERE parent_id IS NULL
    UNION ALL
    SELECT c.id, t.lineage || c.id
      FROM orders_category c JOIN tree t ON c.parent_id = t.id
)
UPDATE orders_category c SET lineage = t.lineage FROM tree t WHERE t.id = c.id;
"""
_NO_LINEAGE = """
DROP TRIGGER category_followed ON orders_category;
DROP TRIGGER category_stands ON orders_category;
DROP FUNCTION orders_category_follow();
DROP FUNCTION orders_category_stand();
"""
#: Any constant that nothing else locks: "catg" in ASCII.
_LOCK = 0x63617467


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_append_only")]

    operations = [
        migrations.RunSQL(_PRICES, _NO_PRICES),
        migrations.RunSQL(_LINEAGE.replace("%(lock)s", str(_LOCK)), _NO_LINEAGE),
    ]
