"""Points, qualifying value and the history of tiers only grow."""

from django.db import migrations

from crm.shared.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0001_initial")]

    operations = [
        AppendOnly("loyalty_pointsentry"),
        AppendOnly("loyalty_qualifyingentry"),
        AppendOnly("loyalty_tierchange"),
    ]
