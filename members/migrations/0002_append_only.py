"""Consents are a ledger; member numbers come from a sequence."""

from django.db import migrations

from crm.shared.append_only import AppendOnly


class Migration(migrations.Migration):
    """Let nobody change what a member allowed, nor use a number twice."""

    dependencies = [("members", "0001_initial")]

    operations = [
        AppendOnly("members_consent"),
        migrations.RunSQL(
            # Below stay numbers for files and demo shops that bring their own.
            "CREATE SEQUENCE members_member_serial START WITH 1000001",
            "DROP SEQUENCE members_member_serial",
        ),
    ]
