"""What members allow and what happened to a membership are ledgers; number sequence."""

from django.db import migrations

from crm.shared.append_only import AppendOnly


class Migration(migrations.Migration):
    """Let nobody change what was said or done, nor use a number twice."""

    dependencies = [("members", "0001_initial")]

    operations = [
        AppendOnly("members_consent"),
        AppendOnly("members_consenttext"),
        AppendOnly("members_lifecyclechange"),
        AppendOnly("members_verification"),
        AppendOnly("members_verificationresult"),
        migrations.RunSQL(
            # Below stay numbers for files and demo shops that bring their own.
            "CREATE SEQUENCE members_member_serial START WITH 1000001",
            "DROP SEQUENCE members_member_serial",
        ),
    ]
