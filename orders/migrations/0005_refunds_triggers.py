"""The history of a return only grows."""

from django.db import migrations

from crm.shared.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_refunds")]

    operations = [AppendOnly("orders_returnevent")]
