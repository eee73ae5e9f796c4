"""Text under collation C needs no second index for LIKE: its own serves that, too.

Django makes one for every unique ``varchar``. Each order wrote it.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0010_refunds_unfinished")]

    operations = [
        migrations.RunSQL(
            'DROP INDEX IF EXISTS "orders_order_number_abc9e0f2_like"',
            'CREATE INDEX "orders_order_number_abc9e0f2_like" ON "orders_order" ("number" varchar_pattern_ops)',
        ),
        migrations.RunSQL(
            'DROP INDEX IF EXISTS "orders_variant_sku_40f98a90_like"',
            'CREATE INDEX "orders_variant_sku_40f98a90_like" ON "orders_variant" ("sku" varchar_pattern_ops)',
        ),
    ]
