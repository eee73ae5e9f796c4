"""The histories of orders, returns, stock and stored value only grow."""

from django.db import migrations

from crm.shared.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [
        AppendOnly("orders_orderevent"),
        AppendOnly("orders_returnevent"),
        AppendOnly("orders_stockmove"),
        AppendOnly("orders_walletentry"),
    ]
