"""The history of an order only grows."""

from django.db import migrations

from crm.shared.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [AppendOnly("orders_orderevent")]
