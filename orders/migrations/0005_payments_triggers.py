"""The entries of wallets only grow."""

from django.db import migrations

from crm.shared.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("orders", "0004_payments")]

    operations = [AppendOnly("orders_walletentry")]
